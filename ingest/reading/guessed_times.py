"""The times of an alert of an unknown shape, by what their names mean and by being times."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from ingest.reading.leaves import Leaf
from ingest.reading.times import BadTime, read_epoch, read_time
from ingest.reading.word_lists import word_set

__all__ = ["Times", "find_times", "plain_time"]

_SUBJECTS: Final = word_set(
    "alert incident problem event alarm issue outage violation check monitor test episode notification"
)
_SUFFIXES: Final = word_set(
    "at on time date datetime timestamp ts ms millis milliseconds sec secs seconds epoch unix utc iso iso8601 8601 gmt "
    "us ns micros nanos in posix the raw"
)
# when it was told: better than nothing
_TOLD: Final = word_set("source status state sent received observed measured checked executed run issued published")
_OTHERS: Final = word_set("next last previous update expires due timezone zone until expected scheduled")
# what a time marks, best first
_START: Final = (
    word_set("start started starts begin began begun beginning onset"),
    word_set("triggered trigger opened open fired firing fire raised raise activated active failed failing down since")
    | {"breached"},
    word_set("occurred occurrence detected detection first happened"),
    word_set("created creation create reported"),
)
_END: Final = (
    word_set("end ended ends resolved resolve resolution closed close recovered recovery cleared"),
    word_set("clear finished finish completed fixed restored up solved"),
)
_CHANGE: Final = (word_set("acknowledged acked"), word_set("updated"))
_TURN: Final = (word_set("changed change transition transitioned"),)
# when *these* were made says nothing about the alert
_THINGS: Final = word_set(
    "monitor check rule policy condition service application app component project host node server machine device "
    "agent resource test sensor detector site page website domain certificate"
)
_RFC2822: Final = re.compile(r"(?:\w{3},? )?\d{1,2} \w{3} \d{4} \d\d:\d\d(?::\d\d)? (?:[+-]\d{4}|UTC|GMT|Z)", re.ASCII)
# `date` and java.util.Date: Tue Mar 03 04:05:06 UTC 2026
_DATE_OUTPUT: Final = re.compile(r"\w{3} (\w{3} +\d+ \d\d:\d\d:\d\d) (?:UTC|GMT|Z) (\d{4})", re.ASCII)
_NAIVE: Final = re.compile(r"(\d{4})[-/.](\d\d)[-/.](\d\d)[T ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)", re.ASCII)
_DIGITS: Final = re.compile(r"\d{9,19}(?:\.\d{1,9})?", re.ASCII)
_EARLIEST: Final = datetime(2001, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


class Moment(msgspec.Struct, frozen=True, gc=False):
    """A time and where it stands."""

    at: datetime
    pointer: str
    naive: bool = False


class Times(msgspec.Struct, frozen=True, gc=False):
    """The times of a body: when it started and ended, turned to its status, last changed; the time of what is told."""

    start: Moment | None = None
    end: Moment | None = None
    turn: Moment | None = None
    change: Moment | None = None
    plain: Moment | None = None


def plain_time(value: object) -> tuple[datetime, bool] | None:
    """A value as a time, in every common form, and whether it stated no zone (then it is taken for UTC)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _within(_epoch(value))
    if not isinstance(value, str) or not 8 < len(value) < 50:
        return None
    text = value.strip()
    if _DIGITS.fullmatch(text):
        return _within(_epoch(float(text) if "." in text else int(text)))
    return _within(_zoned(text)) or _within(_naive(text), naive=True)


def _within(moment: datetime | None, *, naive: bool = False) -> tuple[datetime, bool] | None:
    return (moment, naive) if moment is not None and _EARLIEST <= moment < _LATEST else None


def _epoch(number: float) -> datetime | None:
    try:
        return read_epoch(number)
    except BadTime:
        return None


def _zoned(text: str) -> datetime | None:
    try:
        return read_time(text)
    except BadTime:
        pass  # another form, or none
    try:
        if _RFC2822.fullmatch(text):
            return parsedate_to_datetime(text.replace(" Z", " UTC")).astimezone(UTC)
        if output := _DATE_OUTPUT.fullmatch(text):
            return datetime.strptime(" ".join(output.groups()), "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return None


def _naive(text: str) -> datetime | None:
    found = _NAIVE.fullmatch(text)
    if found is None:
        return None
    try:
        return read_time(f"{found[1]}-{found[2]}-{found[3]}T{found[4]}Z")
    except BadTime:
        return None


def find_times(leaves: Iterable[Leaf]) -> Times:
    """The times among the values: for each sort the one whose name says it best, then the outermost."""
    best: dict[str, tuple[tuple[int, int], Moment]] = {}
    for leaf in leaves:
        sort = _sort(leaf)
        if sort is None or (read := plain_time(leaf.value)) is None:
            continue
        name, rank = sort
        cost = (rank, leaf.depth)
        if name not in best or cost < best[name][0]:
            best[name] = cost, Moment(read[0], leaf.pointer, read[1])
    return Times(**{name: moment for name, (_, moment) in best.items()})


def _sort(leaf: Leaf) -> tuple[str, int] | None:
    """What a time of this name marks, and how well the name says so."""
    words = [word for word in leaf.words if word not in _SUBJECTS and word not in _SUFFIXES]
    if not _OTHERS.isdisjoint(words):
        return None
    words = [word for word in words if word not in _TOLD] if not _SUFFIXES.isdisjoint(leaf.words) else words
    thing = bool(leaf.owner) and leaf.owner[-1] in _THINGS
    if not words:
        # "timestamp", "eventTime", but not the name of an alert
        named = not _SUFFIXES.isdisjoint(leaf.words)
        return ("plain", int(not _TOLD.isdisjoint(leaf.words))) if named and not thing else None
    for sort, table in (("end", _END), ("start", _START), ("turn", _TURN), ("change", _CHANGE)):
        for rank, known in enumerate(table):
            # every word must be known: "start" of "session start" is not the alert's
            if any(word in known for word in words) and (len(words) == 1 or (sort == "start" and len(words) == 2)):
                made = rank == len(table) - 1 and sort != "end"
                return None if thing and made else (sort, rank + len(words) - 1)
    return None
