"""Times that servers write by their own wall clock: with a zone stated apart, or shortened to letters.

A zone that is not stated is not guessed: such a time is none. Letters that mean several zones (CST, IST) state none.
"""

import re
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from ingest.reading.fields import Fields
from ingest.reading.times import BadTime, in_utc, read_epoch, read_time

__all__ = ["local_time", "read_local", "read_zone"]

_ABBREVIATIONS: Final = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "CEST": 120, "EET": 120, "EEST": 180,
    "SAST": 120, "MSK": 180, "HKT": 480, "AWST": 480, "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660,
    "NZST": 720, "NZDT": 780, "EST": -300, "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480,
    "PDT": -420,
}  # fmt: skip
_MONTHS: Final = {
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6,
    "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12,
}  # fmt: skip
_OFFSET: Final = re.compile(r"(?:UTC|GMT)?([+-])(\d\d?):?(\d\d)?", re.ASCII | re.IGNORECASE)
_ZONE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", re.ASCII)
# 2024.10.26 23:20:39
_YEAR_FIRST: Final = re.compile(
    r"(\d{4})[.\-/](\d\d?)[.\-/](\d\d?)[T ,]+(\d\d?):(\d\d)(?::(\d\d))?(?:[.,](\d{1,9}))?(?: (.+))?", re.ASCII
)
# `date`: Sat Oct 26 23:20:39 CEST 2024, Sat Oct 26 11:20:39 PM CEST 2024
_DATE_OUTPUT: Final = re.compile(
    r"[A-Za-z]{3},? ([A-Za-z]{3}) +(\d\d?) (\d\d?):(\d\d):(\d\d)(?: ([AP]M))?(?: (\S+(?: \d\d)?))? (\d{4})", re.ASCII
)
_NUMBER: Final = re.compile(r"-?\d{1,19}(?:\.\d{0,9})?", re.ASCII)
_HALF_A_DAY: Final = 12


@lru_cache(maxsize=256)
def read_zone(text: str) -> tzinfo | None:
    """The zone of a name (Europe/Berlin), an abbreviation (CEST) or an offset (+02:00, UTC+2); None for none."""
    tidy = text.strip()
    minutes = _ABBREVIATIONS.get(tidy.upper())
    if minutes is not None:
        return timezone(timedelta(minutes=minutes))
    offset = _OFFSET.fullmatch(tidy)
    if offset is not None:
        sign, hours, minutes_of = offset.groups()
        span = timedelta(hours=int(hours), minutes=int(minutes_of or 0))
        return timezone(-span if sign == "-" else span) if span < timedelta(days=1) else None
    # letters alone would also name zones that few mean by them (CST6CDT, Cuba)
    if "/" not in tidy or not _ZONE_NAME.fullmatch(tidy):
        return None
    try:
        return ZoneInfo(tidy)
    except (KeyError, OSError, ValueError):  # not installed, or none at all
        return None


@lru_cache(maxsize=4096)  # notifications repeat
def read_local(text: str, zone: tzinfo | None = None) -> datetime | None:
    """Read a time with its own zone, or in `zone`; None for the zero time.

    Raises:
        BadTime: no time, one without any zone, or outside the calendar.
    """
    tidy = text.strip()
    if _NUMBER.fullmatch(tidy):
        return read_epoch(float(tidy) if "." in tidy else int(tidy))
    match = _DATE_OUTPUT.fullmatch(tidy)
    if match is not None:
        month, day, hour, minute, second, half, own, year = match.groups()
        numbers = (year, _MONTHS.get(month.title(), 0), day, _hour(int(hour), half), minute, second)
        return _placed(tidy, numbers, own, zone)
    match = _YEAR_FIRST.fullmatch(tidy)
    if match is not None and _is_local(match.group(8), tidy):
        return _placed(tidy, match.groups()[:6], match.group(8), zone, match.group(7))
    return read_time(tidy)


def local_time(fields: Fields, warnings: list[str], zone: tzinfo | None, *names: str) -> datetime | None:
    """Of these fields the first time that can be read; what cannot be read is left out, and a person is told."""
    for name in names:
        value = fields.values.get(name)
        if value in (None, "") or isinstance(value, bool | dict | list):
            continue
        try:
            moment = read_local(str(value), zone)
        except BadTime as error:
            warnings.append(f"{fields.at(name)}: {error}; left out")
        else:
            if moment is not None:
                return moment
    return None


def _is_local(own: str | None, text: str) -> bool:
    """Whether it has a form that RFC 3339 does not have: other separators, or no offset in digits behind it."""
    return text[4] != "-" or own is None or read_zone(own) is not None


def _hour(hour: int, half: str | None) -> int:
    return hour if half is None else hour % _HALF_A_DAY + (_HALF_A_DAY if half == "PM" else 0)


def _placed(
    text: str, numbers: tuple[str | int | None, ...], own: str | None, zone: tzinfo | None, fraction: str | None = None
) -> datetime | None:
    """The moment of these numbers (year to second) on a wall clock."""
    stated = (read_zone(own.replace(" ", "")) if own else None) or zone
    if stated is None:
        raise BadTime(f"a local time needs a zone: {text[:60]!r}")
    micros = int((fraction or "0").ljust(6, "0")[:6])
    try:
        year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
        return in_utc(datetime(year, month, day, hour, minute, min(second, 59), micros, tzinfo=stated))
    except (ValueError, OverflowError):
        raise BadTime(f"not a time: {text[:60]!r}") from None
