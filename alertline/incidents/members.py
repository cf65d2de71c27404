"""The members of one incident, with what the rules ask of them all the time kept at hand.

Only a cache: bounds, counts and services follow from the episodes.
"""

from bisect import bisect_left, insort
from collections import Counter
from datetime import datetime
from typing import NamedTuple, TypeVar

from alertline.incidents.milestones import Stamps
from alertline.incidents.model import EpisodeRow, ItemRow

__all__ = ["About", "Members", "Tally"]

Value = TypeVar("Value", datetime, tuple[datetime, bool])


class Tally:
    """What some episodes come to. Sorted lists, so that an episode can leave as cheaply as it came.

    Attributes:
        firing: how many of them have no end.
    """

    def __init__(self) -> None:
        self.firing = 0
        self._starts: list[datetime] = []
        self._ends: list[
            tuple[datetime, bool]
        ] = []  # with whether it is more than a moment: at equal times that counts
        self._reads: list[datetime] = []

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._starts)

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
        insort(self._starts, row.started_at)
        end = row.ended_at
        if end is None:
            self.firing += 1
            return
        insort(self._ends, (end, not row.point))
        if (read_at := _end_read(row)) is not None:
            insort(self._reads, read_at)

    def remove(self, row: EpisodeRow) -> None:
        """Count an episode no more, as it was when it was added."""
        _drop(self._starts, row.started_at)
        end = row.ended_at
        if end is None:
            self.firing -= 1
            return
        _drop(self._ends, (end, not row.point))
        if (read_at := _end_read(row)) is not None:
            _drop(self._reads, read_at)


def _end_read(row: EpisodeRow) -> datetime | None:
    return max((span.read_at for span in row.spans if span.read_at is not None), default=None)


def _drop(values: list[Value], value: Value) -> None:
    del values[bisect_left(values, value)]


class About(NamedTuple):
    """What an alert is about: its service, the check that fired, and the namespace or team that it names."""

    service: str | None
    check: str
    group: str | None


class Members:
    """Episodes and items of one incident."""

    def __init__(self) -> None:
        self.episodes: dict[str, EpisodeRow] = {}
        self.items: dict[str, ItemRow] = {}
        self.stamps: Stamps | None = None
        self._about: dict[str, About] = {}
        self._named: Counter[About] = Counter()
        self._monitoring, self._pages = Tally(), Tally()

    @property
    def services(self) -> set[str]:
        """The services of the members' alerts."""
        return {about.service for about in self._named if about.service is not None}

    @property
    def groups(self) -> set[str]:
        """The namespaces or teams of the members' alerts."""
        return {about.group for about in self._named if about.group is not None}

    @property
    def checks(self) -> set[tuple[str | None, str]]:
        """The checks of the members' alerts, with their services."""
        return {(about.service, about.check) for about in self._named}

    @property
    def tally(self) -> Tally:
        """Of the episodes that bear witness: of pages only where there is no monitoring alert (§8.12)."""
        return self._monitoring if self._monitoring.count else self._pages

    @property
    def monitored(self) -> bool:
        """Whether a monitoring alert is a member."""
        return self._monitoring.count > 0

    def put_episode(self, row: EpisodeRow, about: About) -> None:
        """Let an episode be a member, as it is now."""
        old = self.episodes.get(row.id)
        if old is not None and old.spans == row.spans and old.paging is row.paging and self._about[row.id] == about:
            self.episodes[row.id] = row
            if old.severity is not row.severity or old.pending_for != row.pending_for:
                self.stamps = None  # else it is a repeat: no stamp can have moved
            return
        if old is not None:
            self._uncount(old)
        self.episodes[row.id] = row
        self._about[row.id] = about
        self._tally_of(row).add(row)
        self._named[about] += 1
        self.stamps = None

    def remove_episode(self, episode: str) -> None:
        """Let an episode be no member any more."""
        row = self.episodes.pop(episode, None)
        if row is not None:
            self._uncount(row)
            self.stamps = None

    def _uncount(self, row: EpisodeRow) -> None:
        self._tally_of(row).remove(row)
        about = self._about.pop(row.id)
        self._named[about] -= 1
        if not self._named[about]:
            del self._named[about]

    def put_item(self, row: ItemRow) -> None:
        """Let an item belong here, as it is now."""
        self.items[row.id] = row
        self.stamps = None

    def remove_item(self, item: str) -> None:
        """Let an item belong here no more."""
        self.items.pop(item, None)
        self.stamps = None

    def forget_stamps(self) -> None:
        """The incident's own row changed: its milestones are computed again when asked for."""
        self.stamps = None

    def _tally_of(self, row: EpisodeRow) -> Tally:
        return self._pages if row.paging else self._monitoring
