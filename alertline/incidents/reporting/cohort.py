"""Whether an incident counts, and to which day, week or month it belongs: by detection, in the zone of the report."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from schemas.vocabulary import Classification, Excluded, GroupBy, IncidentStatus

__all__ = ["cohorts", "excluded", "label"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER_US: Final = 15 * 60 * 1_000_000  # no zone has an offset that is no multiple of it


def excluded(*, merged: bool, classification: str, detected: bool, status: str) -> Excluded | None:
    """Why an incident does not count, the first reason that holds; None: it does.

    An open one never does: what it will come to is not known, and nothing here reads a clock.
    """
    if merged:
        return Excluded.MERGED
    if classification != Classification.INCIDENT:
        return Excluded(classification)
    if not detected:
        return Excluded.NOT_DETECTED
    return Excluded.OPEN if status == IncidentStatus.OPEN else None


def cohorts(by: GroupBy, zone: str) -> Callable[[int], str]:
    """A function from microseconds since 1970 to the name of the day, week or month in which they lie in a zone."""
    known: dict[int, str] = {}
    where = ZoneInfo(zone)

    def cohort(at_us: int) -> str:
        quarter = at_us // _QUARTER_US
        found = known.get(quarter)
        if found is None:
            at = _EPOCH + timedelta(microseconds=quarter * _QUARTER_US)
            found = known[quarter] = label(at.astimezone(where).date(), by)
        return found

    return cohort


def label(day: date, by: GroupBy) -> str:
    """`2024-08-20`, `2024-W34` (ISO 8601: from Monday on) or `2024-08`."""
    if by is GroupBy.WEEK:
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    return f"{day:%Y-%m}" if by is GroupBy.MONTH else day.isoformat()
