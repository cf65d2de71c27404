"""In which zone a reader sees times: UTC, or one that they name (IANA). What is stored and exported stays UTC."""

from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web
from jinja2 import pass_context
from jinja2.runtime import Context

from alertline.incidents.words import clock_words
from alertline.web.problems import Problem

__all__ = ["UTC_ZONE", "ZONE_FILTERS", "Zone", "remember_zone", "zone_in"]

COOKIE: Final = "alertline_zone"
_LONGEST: Final = 60


class Zone:
    """A zone by its name."""

    def __init__(self, name: str, info: tzinfo) -> None:
        self.name, self.info = name, info

    def day(self, at: datetime) -> str:
        """The date there, with the day of the week: `Tuesday 2024-08-20`."""
        return f"{at.astimezone(self.info):%A %Y-%m-%d}"

    def clock(self, at: datetime) -> str:
        """The time of day there; seconds only where there are some."""
        return clock_words(at.astimezone(self.info).replace(tzinfo=UTC))

    def day_and_clock(self, at: datetime) -> str:
        """Date and time there."""
        return f"{at.astimezone(self.info):%Y-%m-%d} {self.clock(at)}"

    def field(self, at: datetime | None) -> str:
        """A time as a form's field has it."""
        return "" if at is None else f"{at.astimezone(self.info):%Y-%m-%dT%H:%M:%S}"

    def read(self, words: str) -> datetime:
        """A time out of a form's field, which knows no zone.

        Raises:
            ValueError: it is none.
        """
        at = datetime.fromisoformat(words.strip())
        return (at if at.tzinfo is not None else at.replace(tzinfo=self.info)).astimezone(UTC)


UTC_ZONE: Final = Zone("UTC", UTC)


def zone_in(request: web.Request) -> Zone:
    """The zone that the address names, else the one that this reader chose before.

    Raises:
        Problem: 400, the address names no zone.
    """
    asked = request.query.get("zone")
    name = asked if asked is not None else unquote(request.cookies.get(COOKIE, ""))
    if name in ("", "UTC"):
        return UTC_ZONE
    try:
        if len(name) <= _LONGEST:
            return Zone(name, ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    if asked is not None:
        raise Problem(400, "A query parameter is wrong", "zone: an IANA name such as Europe/Berlin", parameter="zone")
    return UTC_ZONE


def remember_zone(request: web.Request, response: web.StreamResponse) -> None:
    """Let the next page have the zone that the address named."""
    if "zone" in request.query:
        response.set_cookie(COOKIE, quote(zone_in(request).name, safe=""), max_age=31_536_000, samesite="Lax")


def _zone(context: Context) -> Zone:
    found = context.get("zone", UTC_ZONE)
    return found if isinstance(found, Zone) else UTC_ZONE


@pass_context
def _clock(context: Context, at: datetime) -> str:
    return _zone(context).clock(at)


@pass_context
def _day(context: Context, at: datetime) -> str:
    return _zone(context).day(at)


@pass_context
def _day_and_clock(context: Context, at: datetime) -> str:
    return _zone(context).day_and_clock(at)


@pass_context
def _span(context: Context, start: datetime, end: datetime | None) -> str:
    zone = _zone(context)
    if end is None:
        return f"{zone.day_and_clock(start)}, still firing"
    same = zone.day(start) == zone.day(end)
    return f"{zone.day_and_clock(start)} to {zone.clock(end) if same else zone.day_and_clock(end)}"


ZONE_FILTERS: Final[dict[str, Any]] = {"clock": _clock, "day": _day, "day_and_clock": _day_and_clock, "span": _span}
"""Filters of the templates that show a time in the reader's zone."""
