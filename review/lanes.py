"""What stands below the key times on the same axis: changes, people, paths that were tried, words to others, gaps.

Marks have a place in time and, where there is room, a few words. Which of three rows they stand in is decided greedily
in order of time; words for which there is no room are left to the tooltip and to the table, which has all of them.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from alertline.incidents.telling.statements import misleading_paths, row_detail
from alertline.incidents.telling.wording import kind_title, one_line
from schemas.incident import Incident, TimelineRow
from schemas.vocabulary import MilestoneName, RowKind

__all__ = ["Band", "Mark", "Scale", "Stretch", "band_of", "bands"]

_CHAR: Final = 5.9  # of the view box, a little more than a character is wide
_LONGEST: Final = 30
_ROWS: Final = 3
_ROOM: Final = 10.0
_MOST: Final = 300
_TELLING: Final = {RowKind(name.value) for name in MilestoneName}
_CHANGES: Final = {RowKind.CHANGE, RowKind.ROLLBACK}
_PATHS: Final = {RowKind.HYPOTHESIS, RowKind.HYPOTHESIS_REJECTED}
_NOT_PEOPLE: Final = {*_CHANGES, *_PATHS, RowKind.COMMS, RowKind.CORRECTION, RowKind.MERGED, RowKind.SPLIT}

Scale = Callable[[datetime], float]


class Mark(msgspec.Struct, frozen=True):
    """One moment: its place, its row, its words (empty: no room), on which side they stand; `told`: all of it."""

    x: float
    row: int
    text: str
    told: str
    left: bool = False


class Stretch(msgspec.Struct, frozen=True):
    """From x to x + width; `rejected`: the path was a wrong one; `told`: all of it."""

    x: float
    width: float
    row: int
    text: str
    told: str
    rejected: bool = False
    left: bool = False


class Band(msgspec.Struct, frozen=True):
    """A lane with its name: so many rows of marks and stretches."""

    name: str
    about: str
    marks: tuple[Mark, ...] = ()
    stretches: tuple[Stretch, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows it takes."""
        return 1 + max((*(each.row for each in self.marks), *(each.row for each in self.stretches)), default=0)


def bands(incident: Incident, x: Scale, width: float) -> tuple[Band, ...]:
    """Every lane that has something in it, in the order in which they are shown."""
    rows = _few([row for row in incident.timeline if not row.hidden])
    people = [row for row in rows if row.written and row.kind not in _NOT_PEOPLE]
    found = (
        band_of("Changes", _count(_rows_of(rows, _CHANGES), "during"), _rows_of(rows, _CHANGES), x, width),
        band_of("People", _actors(people), people, x, width),
        _paths(incident, rows, x, width),
        band_of("Communication", "", _rows_of(rows, {RowKind.COMMS}), x, width),
        _gaps(incident, x),
    )
    return tuple(band for band in found if band.marks or band.stretches)


def _few(rows: list[TimelineRow]) -> list[TimelineRow]:
    """As many as a picture can hold: of many those that are pinned or tell of a milestone, then the first ones."""
    if len(rows) <= _MOST:
        return rows
    telling = [row for row in rows if row.pinned or row.kind in _TELLING][:_MOST]
    known = {row.id for row in telling}
    others = [row for row in rows if row.id not in known][: _MOST - len(telling)]
    return sorted((*telling, *others), key=lambda row: row.at)


def band_of(name: str, about: str, rows: Sequence[TimelineRow], x: Scale, width: float) -> Band:
    """A lane of moments."""
    taken = [0.0] * _ROWS
    marks = []
    for row in rows:
        words = _words(row)
        place, at, text, left = _place(taken, x(row.at), words, width)
        marks.append(Mark(at, place, text, f"{kind_title(row.kind)}: {words}", left))
    return Band(name, about, tuple(marks))


def _paths(incident: Incident, rows: Iterable[TimelineRow], x: Scale, width: float) -> Band:
    """Each path that was tried, from its beginning to its rejection."""
    rejections, taken = misleading_paths(incident), [0.0] * _ROWS
    found = []
    for row in (row for row in rows if row.kind is RowKind.HYPOTHESIS):
        rejection = rejections.get(row.id)
        end = rejection.at if rejection is not None else row.ended_at or row.at
        length = max(round(x(end) - x(row.at), 1), 4.0)
        place, _, text, left = _place(taken, x(row.at) + length, _words(row), width)
        found.append(Stretch(x(row.at), length, place, text, _words(row), rejection is not None, left))
    alone = [row for row in rows if row.kind is RowKind.HYPOTHESIS_REJECTED and not _opened(row, rejections.values())]
    marks = []
    for row in alone:  # when such a path began nobody said
        place, at, text, left = _place(taken, x(row.at), _words(row), width)
        marks.append(Mark(at, place, text, f"Rejected: {_words(row)}", left))
    rejected = sum(each.rejected for each in found) + len(marks)
    return Band("Paths tried", f"{rejected} rejected" if rejected else "", tuple(marks), tuple(found))


def _opened(row: TimelineRow, rejections: Iterable[TimelineRow]) -> bool:
    return any(each.id == row.id for each in rejections)


def _gaps(incident: Incident, x: Scale) -> Band:
    stretches = tuple(Stretch(x(gap.from_), x(gap.to) - x(gap.from_), 0, "", gap.what) for gap in incident.gaps)
    return Band("Gaps", "nothing recorded", stretches=stretches)


def _place(taken: list[float], at: float, words: str, width: float) -> tuple[int, float, str, bool]:
    """The first row with room for the words, to the right or, near the end, to the left; else any row without them."""
    text = words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
    length = len(text) * _CHAR + _ROOM
    left = at + length > width
    begin, end = (at - length, at + _ROOM) if left else (at - _ROOM, at + length)
    for row, free_from in enumerate(taken):
        if begin >= free_from:
            taken[row] = end
            return row, at, text, left
    row = min(range(_ROWS), key=taken.__getitem__)
    return row, at, "", left


def _rows_of(rows: Iterable[TimelineRow], kinds: set[RowKind]) -> list[TimelineRow]:
    return [row for row in rows if row.kind in kinds]


def _words(row: TimelineRow) -> str:
    return one_line(row_detail(row)) or kind_title(row.kind)


def _count(rows: Sequence[TimelineRow], word: str) -> str:
    return f"{len(rows)} {word}" if rows else ""


def _actors(rows: Iterable[TimelineRow]) -> str:
    actors = {row.actor for row in rows if row.actor}
    return f"{len(actors)} {'person' if len(actors) == 1 else 'people'}" if actors else ""
