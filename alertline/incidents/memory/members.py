"""The members of one incident, with what the rules ask of them all the time kept at hand.

Only a cache: bounds, counts and services follow from the episodes.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from datetime import datetime
from typing import Final, Generic, NamedTuple, TypeVar

from alertline.incidents.derived.flapping import Turns
from alertline.incidents.derived.gist import Gist, sums_of
from alertline.incidents.derived.milestones import Stamps
from alertline.incidents.derived.sums import Sums
from alertline.incidents.model import EpisodeRow, ItemRow
from alertline.incidents.policy import Policy
from schemas.vocabulary import Severity

__all__ = ["About", "Extent", "Members", "Tally"]

_FEW: Final = 32

Name = TypeVar("Name", str, tuple[str, str])
Extent = tuple[datetime, datetime | None]
Value = TypeVar("Value", datetime, tuple[datetime, bool], str, tuple[str, str])


class Tally:
    """What some episodes come to. Sorted lists, so that an episode can leave as cheaply as it came.

    Attributes:
        count: how many there are; firing: how many of them have no end.
    """

    def __init__(self) -> None:
        self.firing = 0
        self.count = 0
        self._starts: list[datetime] = []
        self._ends: list[
            tuple[datetime, bool]
        ] = []  # with whether it is more than a moment: at equal times that counts
        self._reads: list[datetime] = []

    @property
    def first_start(self) -> datetime | None:
        """Event time of the earliest onset."""
        return self._starts[0] if self._starts else None

    @property
    def last_start(self) -> datetime | None:
        """Event time of the latest onset."""
        return self._starts[-1] if self._starts else None

    @property
    def last_end(self) -> datetime | None:
        """Event time of the latest known end."""
        return self._ends[-1][0] if self._ends else None

    @property
    def last_end_read(self) -> datetime | None:
        """Log time at which the newest end was read."""
        return self._reads[-1] if self._reads else None

    @property
    def ends_in_point(self) -> bool:
        """Whether the latest end is that of a moment (a source that never resolves)."""
        return bool(self._ends) and not self._ends[-1][1]

    def add(self, row: EpisodeRow) -> None:
        """Count an episode."""
        self.count += 1
        insort(self._starts, row.started_at)
        end = row.ended_at
        if end is None:
            self.firing += 1
            return
        insort(self._ends, (end, not row.point))
        if (read_at := row.end_read_at) is not None:
            insort(self._reads, read_at)

    def remove(self, row: EpisodeRow) -> None:
        """Count an episode no more, as it was when it was added."""
        self.count -= 1
        _drop(self._starts, row.started_at)
        end = row.ended_at
        if end is None:
            self.firing -= 1
            return
        _drop(self._ends, (end, not row.point))
        if (read_at := row.end_read_at) is not None:
            _drop(self._reads, read_at)

    def move(self, old: EpisodeRow, row: EpisodeRow) -> None:
        """Count an episode as it is now, and no more as it was."""
        if old.started_at != row.started_at or old.ended_at is not None or row.ended_at is not None:
            self.remove(old)
            self.add(row)


def _shown(row: EpisodeRow) -> tuple[Severity, float | None, bool, bool]:
    """What a stamp is made of besides the spans."""
    return row.severity, row.pending_for, row.pending_configured, row.paging


def _turned(row: EpisodeRow) -> tuple[datetime | None, ...]:
    """What flapping is made of besides the kind of the episode."""
    return row.started_at, row.ended_at, row.end_read_at


def _drop(values: list[Value], value: Value) -> None:
    del values[bisect_left(values, value)]


class Names(Generic[Name]):
    """Names in their order, each as long as something bears it."""

    def __init__(self) -> None:
        self._times: dict[Name, int] = {}
        self._sorted: list[Name] = []

    def __iter__(self) -> Iterator[Name]:
        return iter(self._sorted)

    def __len__(self) -> int:
        return len(self._sorted)

    def __contains__(self, name: object) -> bool:
        return name in self._times

    def count(self, name: Name, times: int) -> None:
        """Let a name be borne once more, or once less."""
        borne = self._times.get(name, 0)
        if not borne:
            insort(self._sorted, name)
        if borne + times:
            self._times[name] = borne + times
        else:
            del self._times[name]
            _drop(self._sorted, name)


class About(NamedTuple):
    """What an alert is about: its service, the check that fired, and the namespace or team that it names."""

    service: str | None
    check: str
    group: str | None


class Members:
    """Episodes and items of one incident.

    Attributes:
        services, groups: of the members' alerts, by name; checks: with their services.
        stamps: the milestones; extent: from when to when it lasted so far. None: not computed since it changed.
    """

    def __init__(self) -> None:
        self.episodes: dict[str, EpisodeRow] = {}
        self.items: dict[str, ItemRow] = {}
        self._gist: Gist | None = None
        self.stamps: Stamps | None = None
        self.extent: Extent | None = None
        self.turns = Turns()
        self.services, self.groups = Names[str](), Names[str]()
        self.checks = Names[tuple[str, str]]()
        self._about: dict[str, About] = {}
        self._monitoring, self._pages = Tally(), Tally()

    @property
    def tally(self) -> Tally:
        """Of the episodes that bear witness: of pages only where there is no monitoring alert (§8.12)."""
        return self._monitoring if self._monitoring.count else self._pages

    @property
    def monitored(self) -> bool:
        """Whether a monitoring alert is a member."""
        return self._monitoring.count > 0

    def telling(self) -> tuple[EpisodeRow, ...]:
        """Episodes that stand for all where a rule asks for the first, the last or any: all, while they are few."""
        gist = self._gist_of_many()
        return tuple(self.episodes.values()) if gist is None else gist.telling()

    def sums(self, policy: Policy) -> Sums:
        """What only all episodes together tell."""
        gist = self._gist_of_many()
        return sums_of(self.episodes.values(), policy) if gist is None else gist.sums(policy)

    def _gist_of_many(self) -> Gist | None:
        """Most incidents stay small, and need nothing kept at hand."""
        if self._gist is None and len(self.episodes) > _FEW:
            self._gist = Gist()
            for row in self.episodes.values():
                self._gist.put(row)
        return self._gist

    def put_episode(self, row: EpisodeRow, about: About) -> None:
        """Let an episode be a member, as it is now."""
        old = self.episodes.get(row.id)
        if old is not None:
            self._uncount(old)
        self.episodes[row.id] = row
        if self._gist is not None:
            self._gist.put(row)
        self._about[row.id] = about
        self._tally_of(row).add(row)
        self.turns.add(row)
        self._name(about, 1)
        self.forget_derived()

    def refresh(self, row: EpisodeRow, *, moved: bool) -> None:
        """Let a member be as it is now; `moved`: its spans changed."""
        old = self.episodes[row.id]
        another = (old.paging, old.point) != (row.paging, row.point)
        if another:
            self._tally_of(old).remove(old)
            self._tally_of(row).add(row)
        elif moved:
            self._tally_of(row).move(old, row)
        if another or (moved and _turned(old) != _turned(row)):
            self.turns.remove(old)
            self.turns.add(row)
        self.episodes[row.id] = row
        if self._gist is not None:
            self._gist.put(row)
        if moved or _shown(old) != _shown(row):
            self.forget_derived()  # else it is a repeat: no stamp can have moved

    def remove_episode(self, episode: str) -> None:
        """Let an episode be no member any more."""
        row = self.episodes.pop(episode, None)
        if row is not None:
            if self._gist is not None:
                self._gist.remove(episode)
            self._uncount(row)
            self.forget_derived()

    def _uncount(self, row: EpisodeRow) -> None:
        self._tally_of(row).remove(row)
        self.turns.remove(row)
        self._name(self._about.pop(row.id), -1)

    def _name(self, about: About, times: int) -> None:
        self.checks.count((about.service or "", about.check), times)
        if about.service is not None:
            self.services.count(about.service, times)
        if about.group is not None:
            self.groups.count(about.group, times)

    def put_item(self, row: ItemRow) -> None:
        """Let an item belong here, as it is now."""
        self.items[row.id] = row
        self.forget_derived()

    def remove_item(self, item: str) -> None:
        """Let an item belong here no more."""
        self.items.pop(item, None)
        self.forget_derived()

    def forget_derived(self) -> None:
        """Its milestones, and when it lasted, are computed again when asked for: its own row changed, say."""
        self.stamps = self.extent = None

    def _tally_of(self, row: EpisodeRow) -> Tally:
        return self._pages if row.paging else self._monitoring
