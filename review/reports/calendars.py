"""Working hours by country: which days are worked on, a kept library knows (holidays and weekends)."""

import re
from datetime import date, time
from typing import Final

import holidays

from alertline.incidents.reporting.hours import Calendar

__all__ = ["WEEKDAYS", "calendar_of"]

WEEKDAYS: Final = "weekdays"
_SATURDAY: Final = 5
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def calendar_of(name: str, hours: str, zone: str) -> Calendar:
    """The calendar of a country (`DE`), of a part of one (`DE-BE`), or `weekdays`: Monday to Friday, no holidays.

    Args:
        hours: from when to when, such as `09:00-17:00`, in the zone.

    Raises:
        ValueError: no such country or part, or hours that are none.
    """
    found = _HOURS.fullmatch(hours)
    opens, closes = (
        (time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))) if found else (time(), time())
    )
    if opens >= closes:
        raise ValueError("hours such as 09:00-17:00 are needed")
    return Calendar(name=f"{name}, {hours}, {zone}", zone=zone, opens=opens, closes=closes, works=_Works(name))


class _Works:
    """Whether there is work on a day."""

    def __init__(self, name: str) -> None:
        self._days: holidays.HolidayBase | None = None
        if name == WEEKDAYS:
            return
        country, _, part = name.partition("-")
        known = holidays.list_supported_countries(include_aliases=False)
        if country not in known or (part and part not in known[country]):
            raise ValueError(
                f"no holidays are known of {name!r}: a country (DE), a part of one (DE-BE) or {WEEKDAYS} is needed"
            )
        self._days = holidays.country_holidays(country, subdiv=part or None)

    def __call__(self, day: date) -> bool:
        return day.weekday() < _SATURDAY if self._days is None else self._days.is_working_day(day)
