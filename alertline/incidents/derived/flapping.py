"""Alerts that fire and end again and again within a short while: they hold their incident open for longer.

Only a cache: everything here follows from the episodes.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from alertline.incidents.model import EpisodeRow
from alertline.incidents.policy import Policy

__all__ = ["Turns", "ever_flapped", "turns_of"]


def turns_of(episode: EpisodeRow) -> tuple[datetime, ...]:
    """When an episode turned: its start and its end. A moment is no turn, and neither is what a pager does."""
    if episode.point or episode.paging:
        return ()
    end = episode.ended_at
    return (episode.started_at,) if end is None else (episode.started_at, end)


def ever_flapped(turns: Sequence[datetime], policy: Policy) -> bool:
    """Whether so many turns (in order) of one alert ever lay within the window."""
    last = policy.flaps - 1
    return any(turns[n + last] - turns[n] <= policy.flap_window for n in range(len(turns) - last))


class Turns:
    """The turns of the alerts of one incident."""

    def __init__(self) -> None:
        self._turns: defaultdict[str, list[datetime]] = defaultdict(list)
        self._reads: defaultdict[str, list[datetime]] = defaultdict(list)
        self._held: dict[str, datetime] = {}
        self._in_order: list[datetime] = []
        self._policy: Policy | None = None

    def add(self, row: EpisodeRow) -> None:
        """Count an episode."""
        for at in turns_of(row):
            insort(self._turns[row.alert], at)
        if row.end_read_at is not None:
            insort(self._reads[row.alert], row.end_read_at)
        self._judge(row.alert)

    def remove(self, row: EpisodeRow) -> None:
        """Count an episode no more, as it was when it was added."""
        for at in turns_of(row):
            own = self._turns[row.alert]
            del own[bisect_left(own, at)]
        if row.end_read_at is not None:
            reads = self._reads[row.alert]
            del reads[bisect_left(reads, row.end_read_at)]
        self._judge(row.alert)

    def held_from(self, policy: Policy) -> datetime | None:
        """Log time at which the newest end of an alert that flaps was read; None while none does."""
        if policy is not self._policy:
            self._policy = policy
            for alert in self._turns:
                self._judge(alert)
        return self._in_order[-1] if self._in_order else None

    def _judge(self, alert: str) -> None:
        """Note from when on an alert holds the incident open: it does while its newest turns lie close together."""
        old = self._held.pop(alert, None)
        if old is not None:
            del self._in_order[bisect_left(self._in_order, old)]
        turns, reads, policy = self._turns[alert], self._reads[alert], self._policy
        if policy is None or not reads or len(turns) < policy.flaps:
            return
        if turns[-1] - turns[-policy.flaps] <= policy.flap_window:
            self._held[alert] = reads[-1]
            insort(self._in_order, reads[-1])
