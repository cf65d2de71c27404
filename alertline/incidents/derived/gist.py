"""What the members of one incident come to, kept up to date: a list line of an incident costs as much as what changed.

Rules stay where they are and are told once: they are functions of episodes. Nearly all of them ask for the first or
last of something, or whether there is any. For those a few *telling* episodes stand for all (`telling`): over them
every such rule comes to the same as over all members. What only all members together tell is added up (`Sums`).
A rule that asks for something new needs its line in `_EXTREMES` or `_kind`: tests/properties/test_gist.py says so.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from alertline.incidents.derived.durations import Active, active_interval, lag_of, middle
from alertline.incidents.derived.flapping import ever_flapped, turns_of
from alertline.incidents.derived.milestones import onset_of
from alertline.incidents.derived.storms import rows_of
from alertline.incidents.derived.sums import Sums
from alertline.incidents.model import EpisodeRow
from alertline.incidents.policy import Policy
from schemas.vocabulary import Basis, Severity

__all__ = ["Gist", "sums_of"]

Value = TypeVar("Value")


def _onset(row: EpisodeRow) -> Any:
    return row.started_at


def _derived(row: EpisodeRow) -> Any:
    return _impact(row, Basis.DERIVED)


def _assumed(row: EpisodeRow) -> Any:
    return _impact(row, Basis.ASSUMED)


def _impact(row: EpisodeRow, basis: Basis) -> Any:
    if row.severity is Severity.INFO:
        return None
    at, own = onset_of(row)
    return (at, row.start_evidence) if own is basis else None


def _end(row: EpisodeRow) -> Any:
    return row.ended_at


def _ended_by(row: EpisodeRow) -> Any:
    return row.ended_by


def _received(row: EpisodeRow) -> Any:
    return row.first_received


# of each of these the first and the last episode are telling; equal ones are in order of id
_EXTREMES: Final[tuple[Callable[[EpisodeRow], Any], ...]] = (_onset, _derived, _assumed, _end, _ended_by, _received)


def _kind(row: EpisodeRow) -> tuple[object, ...]:
    """What is only ever asked of any or all episodes: one of each kind is telling."""
    ahead = any(span.stated_start or span.stated_end for span in row.spans)
    return row.severity, row.start_basis, row.end_basis, row.stale, ahead


def _only_repeated(old: EpisodeRow, row: EpisodeRow) -> bool:
    """Whether an episode was heard of once more and is as it was: nothing here asks for what that changes."""
    repeated = msgspec.structs.replace(
        old,
        notifications=row.notifications,
        last_received=row.last_received,
        read_at=row.read_at,
        repeated=row.repeated,
        longest_gap=row.longest_gap,
        leased_until=row.leased_until,
    )
    return repeated == row


class Gist:
    """What some episodes come to.

    Changes are only noted; they are worked in when something is asked.
    """

    def __init__(self) -> None:
        self._changed: dict[str, EpisodeRow | None] = {}
        self._monitoring, self._pages = _Part(), _Part()
        self._rows: dict[str, EpisodeRow] = {}
        self._alerts: Counter[str] = Counter()
        self._flaps = _Flaps()
        self._telling: tuple[EpisodeRow, ...] = ()

    def put(self, row: EpisodeRow) -> None:
        """Let an episode count as it is now."""
        self._changed[row.id] = row

    def remove(self, episode: str) -> None:
        """Let an episode count no more."""
        self._changed[episode] = None

    def telling(self) -> tuple[EpisodeRow, ...]:
        """The episodes that stand for all."""
        if self._changed:
            self._settle()
            found = [*self._monitoring.telling(), *self._pages.telling()]
            self._telling = tuple(self._rows[each] for each in sorted(set(found)))
        return self._telling

    def sums(self, policy: Policy) -> Sums:
        """What only all of them together tell."""
        self.telling()
        own = self._monitoring if self._monitoring.count else self._pages
        return Sums(
            alerts=len(self._alerts),
            witnesses=len(own.alerts),
            rows=own.rows,
            active=own.active.length(),
            lag=middle(own.lags),
            flapping=self._flaps.any(policy),
        )

    def _settle(self) -> None:
        for episode, row in self._changed.items():
            old = self._rows.pop(episode, None)
            if old is not None and row is not None and _only_repeated(old, row):
                self._rows[episode] = row
                continue
            if old is not None and row is not None and old.paging is row.paging:
                self._part_of(row).move(old, row)
            else:
                if old is not None:
                    self._part_of(old).move(old, None)
                if row is not None:
                    self._part_of(row).move(None, row)
            if old is not None:
                _count(self._alerts, old.alert, -1)
            if row is not None:
                _count(self._alerts, row.alert, 1)
                self._rows[episode] = row
            self._flaps.move(old, row)
        self._changed.clear()

    def _part_of(self, row: EpisodeRow) -> "_Part":
        return self._pages if row.paging else self._monitoring


class _Part:
    """The episodes of monitors, or of pagers."""

    def __init__(self) -> None:
        self.count = self.rows = 0
        self.alerts: Counter[str] = Counter()
        self.lags: list[float] = []
        self.active = Active()
        self._extremes: tuple[list[tuple[Any, str]], ...] = tuple([] for _ in _EXTREMES)
        self._kinds: dict[tuple[object, ...], dict[str, None]] = {}

    def telling(self) -> Iterable[str]:
        for values in self._extremes:
            if values:
                yield values[0][1]
                yield values[-1][1]
        for episodes in self._kinds.values():
            yield next(iter(episodes))

    def move(self, old: EpisodeRow | None, row: EpisodeRow | None) -> None:
        """Count an episode as it is now, and no more as it was; None: it is not there."""
        for known, sign in ((old, -1), (row, 1)):
            if known is not None:
                self.count += sign
                self.rows += sign * rows_of(known)
                _count(self.alerts, known.alert, sign)
        for key_of, values in zip(_EXTREMES, self._extremes, strict=True):
            _replace(values, old and _named(key_of(old), old), row and _named(key_of(row), row))
        _replace(self.lags, old and lag_of(old), row and lag_of(row))
        if old is not None and row is None:
            self.active.put(old.id, None)
        elif row is not None:
            self.active.put(row.id, active_interval(row))
        if old is not None:
            same = self._kinds[_kind(old)]
            del same[old.id]
            if not same:
                del self._kinds[_kind(old)]
        if row is not None:
            self._kinds.setdefault(_kind(row), {})[row.id] = None


class _Flaps:
    """Which alerts flapped. An alert is judged again when it turned since, or the policy is another."""

    def __init__(self) -> None:
        self._turns: dict[str, list[datetime]] = {}
        self._changed: dict[str, None] = {}
        self._flapped: set[str] = set()
        self._policy: Policy | None = None

    def move(self, old: EpisodeRow | None, row: EpisodeRow | None) -> None:
        """Count an episode as it is now, and no more as it was; None: it is not there."""
        if old is not None:
            turns = self._turns[old.alert]
            for at in turns_of(old):
                del turns[bisect_left(turns, at)]
            self._changed[old.alert] = None
        if row is not None:
            turns = self._turns.setdefault(row.alert, [])
            for at in turns_of(row):
                insort(turns, at)
            self._changed[row.alert] = None

    def any(self, policy: Policy) -> bool:
        """Whether one did, by this policy."""
        if policy is not self._policy:
            self._policy = policy
            self._changed = dict.fromkeys(self._turns)
        for alert in self._changed:
            if ever_flapped(self._turns[alert], policy):
                self._flapped.add(alert)
            else:
                self._flapped.discard(alert)
        self._changed.clear()
        return bool(self._flapped)


def sums_of(episodes: Iterable[EpisodeRow], policy: Policy) -> Sums:
    """What only all of some episodes together tell."""
    gist = Gist()
    for row in episodes:
        gist.put(row)
    return gist.sums(policy)


def _named(key: Value | None, row: EpisodeRow) -> tuple[Value, str] | None:
    return None if key is None else (key, row.id)


def _replace(values: list[Any], old: Any, new: Any) -> None:
    """Let a sorted list hold a value in place of another; None: no value."""
    if old == new:
        return
    if old is not None:
        del values[bisect_left(values, old)]
    if new is not None:
        insort(values, new)


def _count(times: Counter[str], name: str, more: int) -> None:
    times[name] += more
    if not times[name]:
        del times[name]
