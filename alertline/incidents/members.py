"""The members of one incident, with what the rules ask of them all the time kept at hand.

Only a cache: the bounds and counts follow from the episodes, and are counted again whenever a change is not one that a
counter can follow.
"""

from datetime import datetime

from alertline.incidents.milestones import Stamps
from alertline.incidents.model import EpisodeRow, ItemRow

__all__ = ["Members", "Tally"]


class Tally:
    """What some episodes come to.

    Attributes:
        count: how many there are; firing: how many of them have no end.
        first_start, last_start: event times of the earliest and the latest onset.
        last_end: event time of the latest known end; last_end_read: log time at which the newest end was read.
        ends_in_point: the latest end is that of a moment (a source that never resolves).
    """

    def __init__(self) -> None:
        self.count = 0
        self.firing = 0
        self.first_start: datetime | None = None
        self.last_start: datetime | None = None
        self.last_end: datetime | None = None
        self.last_end_read: datetime | None = None
        self.ends_in_point = False

    def add(self, row: EpisodeRow) -> None:
        """Count an episode."""
        start, end = row.started_at, row.ended_at
        self.count += 1
        if self.first_start is None or start < self.first_start:
            self.first_start = start
        if self.last_start is None or start > self.last_start:
            self.last_start = start
        if end is None:
            self.firing += 1
        else:
            self._add_end(row, end)

    def end(self, row: EpisodeRow, end: datetime) -> None:
        """An episode that was counted as firing has ended."""
        self.firing -= 1
        self._add_end(row, end)

    def _add_end(self, row: EpisodeRow, end: datetime) -> None:
        read_at = max((span.read_at for span in row.spans if span.read_at is not None), default=None)
        if read_at is not None and (self.last_end_read is None or read_at > self.last_end_read):
            self.last_end_read = read_at
        if self.last_end is None or end > self.last_end:
            self.last_end, self.ends_in_point = end, row.point
        elif end == self.last_end:
            self.ends_in_point = self.ends_in_point and row.point


class Members:
    """Episodes and items of one incident."""

    def __init__(self) -> None:
        self.episodes: dict[str, EpisodeRow] = {}
        self.items: dict[str, ItemRow] = {}
        self.services: set[str] = set()
        self.stamps: Stamps | None = None
        self._services: dict[str, str | None] = {}
        self._monitoring, self._pages = Tally(), Tally()

    @property
    def tally(self) -> Tally:
        """Of the episodes that bear witness: of pages only where there is no monitoring alert (§8.12)."""
        return self._monitoring if self._monitoring.count else self._pages

    @property
    def monitored(self) -> bool:
        """Whether a monitoring alert is a member."""
        return self._monitoring.count > 0

    def put_episode(self, row: EpisodeRow, service: str | None) -> None:
        """Let an episode be a member, as it is now."""
        old = self.episodes.get(row.id)
        self.episodes[row.id] = row
        self._services[row.id] = service
        if old is None:
            self._count(row)
        elif old.spans == row.spans and old.paging is row.paging:
            if old.severity is row.severity and old.pending_for == row.pending_for:
                return  # a repeat: no stamp can have moved
        elif _only_ended(old, row) and row.ended_at is not None:
            self._tally_of(row).end(row, row.ended_at)
        else:
            self._recount()
        self.stamps = None

    def remove_episode(self, episode: str) -> None:
        """Let an episode be no member any more."""
        if self.episodes.pop(episode, None) is not None:
            self._recount()
            self.stamps = None

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

    def _recount(self) -> None:
        self._monitoring, self._pages = Tally(), Tally()
        self.services = set()
        for row in self.episodes.values():
            self._count(row)

    def _count(self, row: EpisodeRow) -> None:
        self._tally_of(row).add(row)
        service = self._services[row.id]
        if service is not None:
            self.services.add(service)

    def _tally_of(self, row: EpisodeRow) -> Tally:
        return self._pages if row.paging else self._monitoring


def _only_ended(old: EpisodeRow, row: EpisodeRow) -> bool:
    """Whether nothing changed but that an episode of one span has an end now."""
    same = old.paging is row.paging and old.started_at == row.started_at
    return same and len(row.spans) == 1 and old.ended_at is None and row.ended_at is not None
