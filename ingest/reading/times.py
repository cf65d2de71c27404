"""Times as senders write them: to UTC, at microseconds, truncated, never rounded: nothing happens before its time."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

__all__ = ["BadTime", "in_utc", "read_epoch", "read_time"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_SET: Final = (1, 9999)
_EARLIEST: Final = 1900
_LATEST: Final = 8999
_END_MICROS: Final = (datetime(_LATEST + 1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
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
    """Read an RFC 3339 time; None for "not set": the year 1, as Go writes it, the year 9999 (never), an empty text.

    Raises:
        BadTime: not a time, no zone, or in a year that nobody means: windows around a time must stay in the calendar.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _read_slowly(text)
    if moment.tzinfo is UTC and _EARLIEST <= moment.year <= _LATEST:
        return moment
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
    if micros >= _END_MICROS:
        raise BadTime(f"not a time: {number} lies after the year {_LATEST}")
    return _EPOCH + timedelta(microseconds=micros)


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
    if moment.tzinfo is None and moment.year not in _NOT_SET:
        raise BadTime(f"a time needs a zone (Z or ±hh:mm): {_quoted(text)}")
    return in_utc(moment)


def in_utc(moment: datetime) -> datetime | None:
    """A time with its zone in UTC; None for "not set", as in `read_time`, in whatever zone.

    Raises:
        BadTime: in a year that nobody means.
    """
    if moment.year in _NOT_SET:
        return None
    if not _EARLIEST <= moment.year <= _LATEST:
        raise BadTime(f"outside the years {_EARLIEST} to {_LATEST}: {moment.year}")
    return moment.astimezone(UTC)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
