"""What the correlator's memory leaves out, and where it finds that again.

Most incidents are over and never heard of again, so the memory lets go of them (`StreamState.rest`). Nothing is decided
by that: whatever is asked for and is not in memory is fetched from an archive first, so every question has the answer
that it would have had if nothing had ever left (tests/properties/test_resting.py). Of the episodes of an alert that is
in memory a little always stays (`Resting`): enough to see that an old one is not concerned.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol, TypeVar

import msgspec

from alertline.incidents.model import (
    AlertRow,
    ChangeRow,
    EpisodeRow,
    IncidentRow,
    ItemRow,
    Row,
)
from schemas.vocabulary import IncidentStatus

__all__ = ["NO_ARCHIVE", "Archive", "ArchiveAway", "Copy", "Known", "MemoryArchive", "Recalled", "Resting", "resting"]

Value = TypeVar("Value")


class Resting(msgspec.Struct, frozen=True, gc=False):
    """As much of an episode as stays known while it is not in memory.

    Attributes:
        until: no time that was ever stated of it is later; None: it has no end.
    """

    id: str
    alert: str
    incident: str | None
    started_at: datetime
    until: datetime | None


def resting(row: EpisodeRow) -> Resting:
    """What stays known of an episode."""
    return Resting(row.id, row.alert, row.incident, row.started_at, _until(row))


def _until(row: EpisodeRow) -> datetime | None:
    if row.ended_at is None:
        return None
    last = row.ended_at
    for span in row.spans:
        for time in (span.end, span.stated_start, span.stated_end, *(each.at for each in span.later)):
            if time is not None and time > last:
                last = time
    return last


class Known(msgspec.Struct, frozen=True):
    """Some alerts, and their episodes that count: of each the newest ones.

    Attributes:
        since: of an alert that has older ones too, the start from which on all are there.
    """

    alerts: Sequence[AlertRow] = ()
    episodes: Sequence[Resting] = ()
    since: Mapping[str, datetime] = {}


class Copy(msgspec.Struct, frozen=True):
    """A delivery that is known again.

    Attributes:
        offset: where its first copy lies in the log.
        since: when it was received: of a sender's id the first copy, else this one.
    """

    offset: int
    since: datetime


class ArchiveAway(Exception):
    """The archive does not answer: nothing can be decided now, and nothing is wrong with the record at hand."""


class Archive(Protocol):
    """The rows of one stream as they were last written. Rows come in any order; what is unknown is left out."""

    def known_as(self, keys: Collection[str], newest: int) -> Known:
        """The alerts whose dedup key or identity is one of these, with so many of the episodes of each."""
        ...

    def episodes_of(self, alerts: Collection[str]) -> Sequence[Resting]:
        """All episodes of some alerts that count."""
        ...

    def alert(self, alert: str) -> AlertRow | None:
        """The alert of an id."""
        ...

    def family(self, incident: str) -> Sequence[Row]:
        """The incident that an id leads to, every incident that was merged into it, and all of theirs: episodes, their
        alerts, items.
        """
        ...

    def every_family(self) -> Sequence[Row]:
        """The families of all incidents."""
        ...

    def episode(self, episode: str) -> EpisodeRow | None:
        """An episode by its id; asked only for one without an incident."""
        ...

    def item(self, item: str) -> ItemRow | None:
        """Something said, by its id."""
        ...

    def near(self, scope: str, first: datetime, last: datetime) -> Sequence[str]:
        """Ids of the incidents of a scope that lasted at some time between two, and perhaps more; no merged ones."""
        ...

    def not_closed(self, scope: str, service: str | None) -> Sequence[str]:
        """Ids of two incidents of a scope that are not closed, if there are two; and of two that have a service."""
        ...

    def changes(self, scope: str, since: datetime, until: datetime | None) -> Sequence[ChangeRow]:
        """The changes of a scope from a time on, before another (None: all from then on), and perhaps more."""
        ...

    def copies(self, delivery: str) -> Sequence[Copy]:
        """The copies of a delivery without an id of its sender, as they were written; late ones ask for that."""
        ...


class Recalled(dict[str, Value]):
    """Rows by id; one that is not in memory is recalled when it is asked for by `[id]`."""

    def __init__(self, recall: Callable[[str], None]) -> None:
        super().__init__()
        self._recall = recall

    def __missing__(self, name: str) -> Value:
        self._recall(name)
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found


class MemoryArchive:
    """An archive of what it was given: the newest row of each id."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self._of: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def keep(self, rows: Iterable[Row]) -> None:
        """Let rows be those of their ids."""
        for row in rows:
            old = self._rows.get(row.id)
            for name in () if old is None else _parents(old):
                self._of[name].pop(row.id, None)
            self._rows[row.id] = row
            for name in _parents(row):
                self._of[name][row.id] = None

    def known_as(self, keys: Collection[str], newest: int) -> Known:
        """As the port says."""
        alerts = {row.id: row for key in keys for row in self._below(f"key {key}") if isinstance(row, AlertRow)}
        episodes: list[Resting] = []
        since: dict[str, datetime] = {}
        for alert in alerts:
            own = sorted(self.episodes_of((alert,)), key=lambda each: (each.started_at, each.id))
            episodes += own[-newest:]
            if len(own) > newest:
                since[alert] = own[-newest].started_at
        return Known(list(alerts.values()), episodes, since)

    def episodes_of(self, alerts: Collection[str]) -> Sequence[Resting]:
        """As the port says."""
        own = (row for alert in alerts for row in self._below(f"alert {alert}"))
        return [resting(row) for row in own if isinstance(row, EpisodeRow) and row.absorbed_by is None]

    def alert(self, alert: str) -> AlertRow | None:
        """As the port says."""
        row = self._rows.get(alert)
        return row if isinstance(row, AlertRow) else None

    def family(self, incident: str) -> Sequence[Row]:
        """As the port says."""
        root = self._rows.get(incident)
        while isinstance(root, IncidentRow) and root.merged_into is not None:
            root = self._rows.get(root.merged_into)
        if not isinstance(root, IncidentRow):
            return ()
        found: dict[str, Row] = {root.id: root}
        names = [root.id]
        while names:
            below = self._below(names.pop())
            names += [row.id for row in below if isinstance(row, IncidentRow)]
            found |= {row.id: row for row in below}
        alerts = {row.alert: self._rows[row.alert] for row in found.values() if isinstance(row, EpisodeRow)}
        return [*alerts.values(), *found.values()]

    def every_family(self) -> Sequence[Row]:
        """As the port says."""
        roots = [row.id for row in self._rows.values() if isinstance(row, IncidentRow) and row.merged_into is None]
        return list({row.id: row for root in roots for row in self.family(root)}.values())

    def episode(self, episode: str) -> EpisodeRow | None:
        """As the port says."""
        row = self._rows.get(episode)
        return row if isinstance(row, EpisodeRow) else None

    def item(self, item: str) -> ItemRow | None:
        """As the port says."""
        row = self._rows.get(item)
        return row if isinstance(row, ItemRow) else None

    def near(self, scope: str, first: datetime, last: datetime) -> Sequence[str]:
        """As the port says: all of the scope."""
        return [row.id for row in self._incidents(scope)]

    def not_closed(self, scope: str, service: str | None) -> Sequence[str]:
        """As the port says: all of the scope."""
        return [row.id for row in self._incidents(scope) if row.status is not IncidentStatus.CLOSED]

    def copies(self, delivery: str) -> Sequence[Copy]:
        """None: deliveries are no rows; whoever has this archive forgets none (`Remembered.rest`)."""
        return ()

    def changes(self, scope: str, since: datetime, until: datetime | None) -> Sequence[ChangeRow]:
        """As the port says: all of the scope."""
        return [row for row in self._below(f"changes {scope}") if isinstance(row, ChangeRow)]

    def _incidents(self, scope: str) -> list[IncidentRow]:
        rows = self._below(f"scope {scope}")
        return [row for row in rows if isinstance(row, IncidentRow) and row.merged_into is None]

    def _below(self, name: str) -> list[Row]:
        return [self._rows[each] for each in self._of.get(name, ())]


NO_ARCHIVE: Final[Archive] = MemoryArchive()
"""For a memory that never lets go of anything: nobody gives it a row."""


def _parents(row: Row) -> tuple[str, ...]:
    """Under which names a row is found."""
    match row:
        case AlertRow():
            return f"key {row.dedup_key}", f"key {row.identity}"
        case EpisodeRow():
            return f"alert {row.alert}", row.incident or ""
        case ItemRow():
            return (row.incident or "",)
        case IncidentRow():
            return f"scope {row.scope}", row.merged_into or ""
        case ChangeRow():
            return (f"changes {row.scope}",)
        case _:
            return ()
