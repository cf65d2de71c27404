"""Timelines that are told later: everyone has a turn, and whoever posts waits for little of it."""

import math
from bisect import bisect_right
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from consumers.later import Turns

_NAMES = ["a", "b", "c", "d", "e"]
_COSTS_S = st.sampled_from([0.004, 0.03, 0.6])


class Partition:
    """A partition whose incidents are never told as they are: each is touched again as soon as it was told."""

    def __init__(self, costs_s: dict[str, float]) -> None:
        self.costs_s, self.names = costs_s, sorted(costs_s)
        self.now_s = 0.0
        self.told: list[tuple[str, float]] = []
        self.turns = Turns(lambda: self.now_s)

    def goes_on(self, seconds: float, every_s: float | None) -> None:
        """Let something come so often (None: nothing does), and let one be told whenever it is time."""
        until, comes_at = self.now_s + seconds, self.now_s
        while self.now_s < until:
            if every_s is not None and self.now_s >= comes_at:
                self.turns.stream()
                comes_at = self.now_s + every_s
            if not (due_s := self.turns.due_in_s()):
                self._tell()
                self.turns.wait()
            else:
                self.now_s += min(due_s, math.inf if every_s is None else max(comes_at - self.now_s, 0.001))

    def _tell(self) -> None:
        place = bisect_right(self.names, self.turns.after)
        if place == len(self.names):
            self.turns.taken(None, 0.0)
            return
        name = self.names[place]
        self.now_s += self.costs_s[name]
        self.told.append((name, self.now_s))
        self.turns.taken(name, self.costs_s[name])

    @property
    def worked_s(self) -> float:
        """What everything else waited for in all."""
        return sum(self.costs_s[name] for name, _ in self.told)


@given(st.dictionaries(st.sampled_from(_NAMES), _COSTS_S, min_size=1), st.sampled_from([None, 0.2, 5.0]))
def test_everyone_has_a_turn(costs_s: dict[str, float], every_s: float | None) -> None:
    """However many there are, and however often they change: none is told twice before all others were told."""
    partition = Partition(costs_s)
    partition.goes_on(1000, every_s)
    order = [name for name, _ in partition.told]
    rounds = [order[n : n + len(costs_s)] for n in range(0, len(order) - len(costs_s) + 1, len(costs_s))]
    assert len(rounds) > 1
    assert all(each == partition.names for each in rounds)


@given(st.dictionaries(st.sampled_from(_NAMES), _COSTS_S, min_size=1))
def test_while_deliveries_stream_in_they_wait_for_little(costs_s: dict[str, float]) -> None:
    """For one at a time, and in all for no more than a hundredth of the time; when all is quiet for a tenth."""
    partition = Partition(costs_s)
    partition.goes_on(1000, every_s=0.2)
    dearest = max(costs_s.values())
    assert partition.worked_s <= 0.01 * partition.now_s + dearest
    assert all(later - earlier > costs_s[name] for (name, earlier), (_, later) in pairwise(partition.told))
    before, at = partition.worked_s, partition.now_s
    partition.goes_on(1000, every_s=None)
    assert partition.worked_s - before <= 0.1 * (partition.now_s - at) + 2 * sum(costs_s.values())


def test_who_has_nothing_to_do_sleeps_until_the_next_turn() -> None:
    """And for as long as it likes where nothing waits."""
    partition = Partition({"a": 0.5})
    assert partition.turns.due_in_s() == 0
    partition.turns.taken("a", 0.5)
    assert partition.turns.due_in_s() == 0  # are there more?
    partition.turns.taken(None, 0)
    assert partition.turns.due_in_s() == math.inf
    partition.turns.wait()
    assert partition.turns.due_in_s() == 5
    partition.now_s += 5
    assert partition.turns.due_in_s() == 0
    partition.turns.stream()
    assert partition.turns.due_in_s() == 1
