"""What a scope is used to: how often independent things start in it, which checks keep firing on their own, and which
services start together. Learned from the log alone, never from our own decisions: counting the incidents that we opened
would feed back on itself (merging more would make things look rarer, and rarer things are merged more).

It is the fold of `ArrivalRow`s, in log order. What is learned counts from the next full hour on: within an hour every
decision goes by the same numbers, and an outage is no evidence for itself. Whole days are forgotten, so a fold of the
rows of the last `KEPT` gives the same numbers as a fold of all.
"""

from collections import Counter, deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import comb
from typing import Final

import msgspec

from alertline.incidents.model import ArrivalRow
from alertline.incidents.points import decibans

__all__ = ["KEPT", "Background", "Company", "Rate"]

KEPT: Final = timedelta(days=29)  # of arrivals that must be read back: the longest memory and a day for its first gaps
_HABIT_DAYS: Final = 28  # how long it is remembered which services start together
_RATE_DAYS: Final = 7  # and how often things start
_CLUSTER: Final = timedelta(seconds=60)  # arrivals closer than this are one thing
_TOGETHER: Final = timedelta(minutes=10)  # onsets this close are together
_BURST: Final = timedelta(minutes=15)  # what starts again within this is still the same occasion
_AGAIN: Final = timedelta(minutes=5)  # a check that arrived within this (log time) is not noted again
_STALE: Final = timedelta(hours=1)  # older than this (log time) nothing is compared
_MOST_AN_HOUR: Final = 1000  # a storm says nothing about habits
_COMPANIONS: Final = 64  # the newest arrivals that one is compared with
_FLOOR_A_DAY: Final = 6  # as long as little is known: that many independent starts a day
_CHRONIC_LEAST: Final = 5
_SWAY: Final = 6  # most points for or against that company gives
_DAY_SECONDS: Final = 86400

Key = tuple[str, str]  # ("service" | "group", its name)
Check = tuple[str, str]  # service (empty where none is named) and check


class Rate(msgspec.Struct, frozen=True):
    """How often independent things start: `count` in `seconds`."""

    count: int
    seconds: int

    @property
    def a_day(self) -> int:
        """Per day, rounded."""
        return round(self.count * _DAY_SECONDS / self.seconds)

    def against_chance(self, distance: timedelta, least: int, most: int) -> int:
        """Points against the chance that something unrelated started that close (at least a minute is assumed)."""
        return decibans(self.seconds, self.count * _seconds(distance), least, most)

    def percent(self, distance: timedelta) -> int:
        """The same chance in percent, between 1 and 100."""
        return max(1, min(100, round(100 * self.count * _seconds(distance) / self.seconds)))


class Company(msgspec.Struct, frozen=True):
    """How often two services, or groups, started together: `times` of the `of` that the rarer one started."""

    points: int
    times: int
    of: int


class _Counts(msgspec.Struct):
    """What arrived in a time: since when, the occasions of each key and pair, and the clusters by what was in them."""

    since: int  # seconds since 1970
    bursts: Counter[Key] = msgspec.field(default_factory=Counter)
    pairs: Counter[tuple[Key, Key]] = msgspec.field(default_factory=Counter)
    clusters: Counter[frozenset[Check]] = msgspec.field(default_factory=Counter)


class Background:
    """The habits of one scope."""

    def __init__(self) -> None:
        self.normal = self.any = Rate(_FLOOR_A_DAY, _DAY_SECONDS)
        self._days: dict[int, _Counts] = {}
        self._bursts: Counter[Key] = Counter()
        self._pairs: Counter[tuple[Key, Key]] = Counter()
        self._span = _DAY_SECONDS
        self._chronic: frozenset[Check] = frozenset()
        self._known: dict[tuple[Key, Key], Company] = {}
        self._hour: int | None = None
        self._now = _Counts(0)
        self._count = 0
        self._clusters: list[set[Check]] = []
        self._cluster_of: deque[tuple[datetime, set[Check]]] = deque(maxlen=_COMPANIONS)
        self._recent: deque[ArrivalRow] = deque(maxlen=_COMPANIONS)
        self._last: dict[Key, ArrivalRow] = {}
        self._last_pair: dict[tuple[Key, Key], ArrivalRow] = {}
        self._last_check: dict[Check, datetime] = {}

    # ---------------------------------------------------------------- learning

    def worth_noting(self, service: str | None, check: str, now: datetime) -> bool:
        """Whether an arrival adds to what is known: not the same check again and again, nor all of a storm."""
        self.settle(now)
        last = self._last_check.get((service or "", check))
        return self._count < _MOST_AN_HOUR and (last is None or now - last > _AGAIN)

    def note(self, row: ArrivalRow) -> None:
        """Take in the next arrival, in log order."""
        self.settle(row.read_at)
        if not self._count:
            self._now.since = int(row.read_at.timestamp())
        self._count += 1
        self._last_check[row.service or "", row.check] = row.read_at
        if not row.chronic:
            self._note_company(row)
        self._cluster(row)

    def _note_company(self, row: ArrivalRow) -> None:
        for key in _keys(row):
            if _apart(row, self._last.get(key)):
                self._now.bursts[key] += 1
            self._last[key] = row
        for pair in self._pairs_with(row):
            if _apart(row, self._last_pair.get(pair)):
                self._now.pairs[pair] += 1
            self._last_pair[pair] = row
        self._recent.append(row)

    def _pairs_with(self, row: ArrivalRow) -> Iterator[tuple[Key, Key]]:
        """The pairs of services and of groups that started together just now, each once."""
        while self._recent and self._recent[0].read_at < row.read_at - _STALE:
            self._recent.popleft()  # they came in log order: nothing that comes is compared with them any more
        earliest, latest = row.at - _TOGETHER, row.at + _TOGETHER
        near = [other for other in self._recent if earliest <= other.at <= latest]
        if (own := row.service) is not None:
            for service in {each.service for each in near if each.service is not None and each.service != own}:
                yield _pair(("service", own), ("service", service))
        if (mine := row.group) is not None:
            for group in {each.group for each in near if each.group is not None}:
                yield _pair(("group", mine), ("group", group))

    def _cluster(self, row: ArrivalRow) -> None:
        """Count an arrival to what started within a minute of it, else as something new. Order matters little so."""
        near = (cluster for at, cluster in reversed(self._cluster_of) if abs(at - row.at) <= _CLUSTER)
        cluster = next(near, None)
        if cluster is None:
            cluster = set()
            self._clusters.append(cluster)
        cluster.add((row.service or "", row.check))
        self._cluster_of.append((row.at, cluster))

    def settle(self, now: datetime) -> None:
        """Let what was noted before the hour of `now` (log time) count from here on."""
        hour = int(now.timestamp()) // 3600
        if hour == self._hour:
            return
        if self._hour is not None and self._count:
            self._now.clusters.update(map(frozenset, self._clusters))
            self._keep(self._hour // 24)
        self._hour, self._count = hour, 0
        self._clusters.clear()
        self._cluster_of.clear()
        self._now = _Counts(0)
        self._forget(now, hour // 24)
        self._weigh(hour)

    def _keep(self, day: int) -> None:
        kept = self._days.setdefault(day, _Counts(self._now.since))
        for name in ("bursts", "pairs", "clusters"):
            getattr(kept, name).update(getattr(self._now, name))
        self._bursts.update(self._now.bursts)
        self._pairs.update(self._now.pairs)

    def _forget(self, now: datetime, today: int) -> None:
        for day in [each for each in self._days if each < today - _HABIT_DAYS]:
            old = self._days.pop(day)
            self._bursts, self._pairs = self._bursts - old.bursts, self._pairs - old.pairs
        self._last = {key: row for key, row in self._last.items() if now - row.read_at <= _STALE}
        self._last_pair = {key: row for key, row in self._last_pair.items() if now - row.read_at <= _STALE}
        self._last_check = {key: at for key, at in self._last_check.items() if now - at <= _STALE}
        self._known = {}

    def _weigh(self, hour: int) -> None:
        """Count how often things start, and which checks keep firing on their own (≥ 5 times, ≥ 60 % of them alone)."""
        if not self._days:
            self.normal = self.any = Rate(_FLOOR_A_DAY, _DAY_SECONDS)
            self._chronic = frozenset()
            return
        known = hour * 3600 - min(day.since for day in self._days.values())
        self._span = max(_DAY_SECONDS, min(known, _HABIT_DAYS * _DAY_SECONDS))
        clusters: Counter[frozenset[Check]] = Counter()
        for number, day in self._days.items():
            if number >= hour // 24 - _RATE_DAYS:
                clusters.update(day.clusters)
        times: Counter[Check] = Counter()
        alone: Counter[Check] = Counter()
        for cluster, n in clusters.items():
            lone = len({service for service, _ in cluster}) == 1
            for check in cluster:
                times[check] += n
                alone[check] += n * lone
        self._chronic = frozenset(
            check for check, n in times.items() if n >= _CHRONIC_LEAST and alone[check] * 10 >= n * 6
        )
        seconds = max(_DAY_SECONDS // 2, min(known, _RATE_DAYS * _DAY_SECONDS))
        self.any = _rate(clusters.total(), seconds)
        self.normal = _rate(sum(n for cluster, n in clusters.items() if not cluster <= self._chronic), seconds)

    # ---------------------------------------------------------------- asking

    def is_chronic(self, service: str | None, check: str) -> bool:
        """Whether a check keeps firing on its own."""
        return (service or "", check) in self._chronic

    def knows(self, kind: str, name: str) -> bool:
        """Whether a service or group started before, so that its company says something."""
        return (kind, name) in self._bursts

    def company(self, kind: str, one: str, other: str) -> Company:
        """What two services (`service`) or groups (`group`) starting together, or never, in the past says.

        The points are a Bayes factor: that they are related, and so start together with a chance of which nothing is
        known (uniform), against that they are not, and do so as often as chance has it. With n occasions of the rarer
        one, c of them together, and p the chance: 1 / ((n + 1) · C(n, c) · pᶜ · (1 − p)ⁿ⁻ᶜ).
        """
        pair = _pair((kind, one), (kind, other))
        found = self._known.get(pair)
        if found is None:
            found = self._known[pair] = self._company(pair)
        return found

    def _company(self, pair: tuple[Key, Key]) -> Company:
        rarer, other = sorted(self._bursts.get(key, 0) for key in pair)
        if not rarer:
            return Company(0, 0, 0)
        times = min(self._pairs.get(pair, 0), rarer)
        n, c = (40, times * 40 // rarer) if rarer > 40 else (rarer, times)
        chance = max(5, min(500, other * 2 * _seconds(_TOGETHER) * 1000 // self._span))  # per mille
        by_chance = (n + 1) * comb(n, c) * chance**c * (1000 - chance) ** (n - c)
        return Company(decibans(1000**n, by_chance, -_SWAY, _SWAY), times, rarer)


def _rate(count: int, seconds: int) -> Rate:
    if count * _DAY_SECONDS < _FLOOR_A_DAY * seconds:
        return Rate(_FLOOR_A_DAY, _DAY_SECONDS)
    return Rate(count, seconds)


def _seconds(distance: timedelta) -> int:
    return max(60, int(distance.total_seconds()))


def _keys(row: ArrivalRow) -> tuple[Key, ...]:
    named = (("service", row.service), ("group", row.group))
    return tuple((kind, name) for kind, name in named if name is not None)


def _pair(one: Key, other: Key) -> tuple[Key, Key]:
    return (one, other) if one <= other else (other, one)


def _apart(row: ArrivalRow, last: ArrivalRow | None) -> bool:
    """Whether an arrival is another occasion than the one before it."""
    return last is None or abs(row.at - last.at) > _BURST or row.read_at - last.read_at > _STALE
