"""Times as senders write them: to UTC, at microseconds, truncated, never rounded: nothing happens before its time."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

__all__ = ["BadTime", "read_epoch", "read_time"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LEAP_SECOND: Final = re.compile(r"(?<=:\d\d):60(?:[.,]\d+)?")
# RFC 3339 and what is commonly taken for it; fromisoformat alone would also take dates, weeks and hours
_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)? ?(?:Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)?", re.ASCII
)
_ZONE_WORDS: Final = re.compile(r" ?(?:Z|UTC|GMT)$")
_UTC_TWICE: Final = re.compile(r"[+-]00:?00Z$")  # as PagerDuty's own client writes it
# seconds, milliseconds, microseconds, nanoseconds: told apart by magnitude; each limit lies beyond the year 5000
_EPOCH_UNITS: Final = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))


class BadTime(ValueError):
    """Not a time, or one without a zone; the message says which."""


def read_time(text: str) -> datetime | None:
    """Read an RFC 3339 time; None for the zero time 0001-01-01 and for an empty text ("not set", as Go writes it).

    Raises:
        BadTime: not a time, no zone, or outside the years that can be represented.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _read_slowly(text)
    if moment.tzinfo is UTC:
        return moment if moment.year > 1 else None
    return _to_utc(moment, text)


def read_epoch(number: float) -> datetime | None:
    """Read seconds to nanoseconds since 1970, the unit told by magnitude; None for 0 and below ("not set").

    Raises:
        BadTime: not finite or out of range.
    """
    if number != number or number in (float("inf"), float("-inf")):
        raise BadTime("not a time: not a finite number")
    if number <= 0:
        return None
    for limit, factor in _EPOCH_UNITS:
        if number < limit:
            # by its digits: the nearest binary fraction may lie just below them
            return _since_epoch(int(Decimal(str(number)) * factor), number)
    return _since_epoch(int(number) // 1_000, number)


def _since_epoch(micros: int, number: float) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        raise BadTime(f"not a time: {number} is out of range") from None


def _read_slowly(text: str) -> datetime | None:
    """Read the rarer spellings: lower case, a leap second, a zone in words, spaces around."""
    tidy = text = _UTC_TWICE.sub("Z", text.strip().upper())
    if not tidy:
        return None
    if not _RFC3339.fullmatch(tidy):
        raise BadTime(f"not an RFC 3339 time: {_quoted(text)}")
    tidy = _ZONE_WORDS.sub("+00:00", tidy).replace(" +", "+").replace(" -", "-")
    leap = _LEAP_SECOND.search(tidy) is not None
    try:
        moment = datetime.fromisoformat(_LEAP_SECOND.sub(":59", tidy))
    except ValueError:
        raise BadTime(f"not an RFC 3339 time: {_quoted(text)}") from None
    if leap:
        moment += timedelta(seconds=1)
    return _to_utc(moment, text)


def _to_utc(moment: datetime, text: str) -> datetime | None:
    if not _RFC3339.fullmatch(text.strip().upper()):
        raise BadTime(f"not an RFC 3339 time: {_quoted(text)}")
    if moment.year <= 1:
        return None  # the zero time, in whatever zone: converting it could leave the calendar
    if moment.tzinfo is None:
        raise BadTime(f"a time needs a zone (Z or ±hh:mm): {_quoted(text)}")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise BadTime(f"outside the calendar: {_quoted(text)}") from None


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
