"""The timeline as a table: filtered by kind and text, a page at a time, with the gaps and the days in between.

What is left out is counted, never silently dropped; the exports have all rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final
from urllib.parse import urlencode

import msgspec

from alertline.incidents.telling.wording import duration
from review.queries import whole_number
from review.zones import Zone
from schemas.incident import Gap, Incident, TimelineRow
from schemas.vocabulary import RowKind

__all__ = ["Chip", "Day", "Line", "Table", "table_of"]

_PAGE: Final = 200
_CHANGES: Final = {RowKind.CHANGE, RowKind.ROLLBACK}
_ALERTS: Final = {kind for kind in RowKind if kind.startswith("alert_")}
_GROUPS: Final = ("all", "key", "alerts", "changes", "people", "pinned", "hidden")


class Line(msgspec.Struct, frozen=True):
    """A row, and how long after the one before it; `key`: it stands for a milestone."""

    row: TimelineRow
    after: str
    key: bool


class Day(msgspec.Struct, frozen=True):
    """One day of the reader's zone: its rows, and between them the gaps that begin there."""

    date: str
    lines: tuple[Line | Gap, ...]


class Chip(msgspec.Struct, frozen=True):
    """One filter: its name, how many rows it shows, its address."""

    name: str
    count: int
    address: str
    chosen: bool


class Table(msgspec.Struct, frozen=True):
    """The rows that are shown; `first` to `last` of `count`, all `total` of them being in the exports."""

    days: tuple[Day, ...]
    chips: tuple[Chip, ...]
    find: str
    show: str
    first: int
    last: int
    count: int
    total: int
    before: str | None
    following: str | None


def table_of(incident: Incident, query: Mapping[str, str], zone: Zone) -> Table:
    """The rows that an address asks for."""
    show = query.get("show", "")
    show = show if show in _GROUPS else "all"
    find, page = query.get("find", "")[:200], whole_number(query, "page") or 0
    keys = _keys(incident)
    groups = _grouped(incident, keys)
    rows = groups[show]
    if find:
        rows = [row for row in rows if find.casefold() in f"{row.text} {row.actor}".casefold()]
    first = min(page * _PAGE, max(len(rows) - 1, 0) // _PAGE * _PAGE)
    shown = rows[first : first + _PAGE]
    here = {name: value for name, value in (("show", show if show != "all" else ""), ("find", find)) if value}
    return Table(
        days=tuple(_days(incident, shown, zone, keys, gaps=show == "all" and not find)),
        chips=tuple(_chip(name, len(groups[name]), find, chosen=name == show) for name in _GROUPS),
        find=find,
        show=show,
        first=first + 1 if rows else 0,
        last=first + len(shown),
        count=len(rows),
        total=len(incident.timeline),
        before=_address(here, first // _PAGE - 1) if first else None,
        following=_address(here, first // _PAGE + 1) if first + _PAGE < len(rows) else None,
    )


def _keys(incident: Incident) -> set[str]:
    """The ids of the rows that stand for a milestone."""
    stamps = {name.value: stamp.at for name, stamp in incident.milestones.items() if stamp is not None}
    return {row.id for row in incident.timeline if stamps.get(row.kind.value) == row.at and not row.hidden}


def _grouped(incident: Incident, keys: set[str]) -> dict[str, list[TimelineRow]]:
    visible = [row for row in incident.timeline if not row.hidden]
    return {
        "all": list(incident.timeline),
        "key": [row for row in visible if row.id in keys],
        "alerts": [row for row in visible if row.kind in _ALERTS],
        "changes": [row for row in visible if row.kind in _CHANGES],
        "people": [row for row in visible if row.written],
        "pinned": [row for row in visible if row.pinned],
        "hidden": [row for row in incident.timeline if row.hidden],
    }


def _chip(name: str, count: int, find: str, *, chosen: bool) -> Chip:
    here = {key: value for key, value in (("show", name if name != "all" else ""), ("find", find)) if value}
    return Chip(name, count, _address(here, 0), chosen)


def _address(here: Mapping[str, str], page: int) -> str:
    named = {**here, **({"page": str(page)} if page > 0 else {})}
    return f"?{urlencode(named)}#timeline" if named else "?#timeline"


def _days(incident: Incident, rows: Sequence[TimelineRow], zone: Zone, keys: set[str], *, gaps: bool) -> Iterable[Day]:
    """Rows keep their order; a gap stands before the first row that is later than its beginning, or after the last.

    Where an earlier or a later page follows, it stands there.
    """
    until = rows[-1].at if rows and rows[-1] is not incident.timeline[-1] else datetime.max.replace(tzinfo=UTC)
    pending = [gap for gap in incident.gaps if gaps and rows and rows[0].at <= gap.from_ <= until]
    days: dict[str, list[Line | Gap]] = {}
    for before, row in pairwise([None, *rows]):
        assert row is not None  # noqa: S101 - only the first is none
        while pending and pending[0].from_ < row.at:
            gap = pending.pop(0)
            days.setdefault(zone.day(gap.from_), []).append(gap)
        line = Line(row, _after(before.at if before else None, row.at), row.id in keys)
        days.setdefault(zone.day(row.at), []).append(line)
    for gap in pending:
        days.setdefault(zone.day(gap.from_), []).append(gap)
    return (Day(date, tuple(lines)) for date, lines in days.items())


def _after(before: datetime | None, at: datetime) -> str:
    seconds = 0.0 if before is None else (at - before).total_seconds()
    return duration(seconds) if seconds >= 1 else ""
