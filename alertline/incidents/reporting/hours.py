"""Durations in the working hours of a calendar: beside the plain ones, under names of their own, never instead."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from alertline.incidents.durations import SPANS
from alertline.incidents.reporting.figures import METRICS, Measured

__all__ = ["Calendar", "WorkingTime", "in_working_hours"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """Whose working hours: `works` says of a day of its zone whether there is work on it."""

    name: str
    zone: str
    opens: time
    closes: time
    works: Callable[[date], bool]


class WorkingTime:
    """How much working time lies between two moments of a stretch, by adding up once."""

    def __init__(self, calendar: Calendar, first_us: int, last_us: int) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._before: list[int] = []
        whole = 0
        for start, end in _shifts(calendar, first_us, last_us):
            self._starts.append(start)
            self._ends.append(end)
            self._before.append(whole)
            whole += end - start

    def between(self, start_us: int, end_us: int) -> float:
        """Seconds of working time from one moment to another; negative, where the other is the earlier one."""
        return (self._until(end_us) - self._until(start_us)) / 1_000_000

    def _until(self, at_us: int) -> int:
        n = bisect_right(self._starts, at_us) - 1
        return 0 if n < 0 else self._before[n] + min(at_us, self._ends[n]) - self._starts[n]


def in_working_hours(measured: Sequence[Measured], calendar: Calendar) -> dict[str, Sequence[float | None]]:
    """Of each incident the metrics that lie between two stamps, in working hours; None where they are not measured."""
    stamps = [at for each in measured for at in each.stamps.values()]
    time_ = WorkingTime(calendar, min(stamps, default=0), max(stamps, default=0))
    return {each.incident: tuple(_values(each, time_)) for each in measured}


def _values(each: Measured, working: WorkingTime) -> Iterator[float | None]:
    for seconds, name in zip(each.seconds, METRICS, strict=True):
        ends = SPANS.get(name)
        if seconds is None or ends is None or not all(end in each.stamps for end in ends):
            yield None
        else:
            yield working.between(each.stamps[ends[0]], each.stamps[ends[1]])


def _shifts(calendar: Calendar, first_us: int, last_us: int) -> Iterator[tuple[int, int]]:
    """The working hours of each day from a day before to a day after, in microseconds since 1970."""
    zone = ZoneInfo(calendar.zone)
    day = (_EPOCH + timedelta(microseconds=first_us)).astimezone(zone).date() - _DAY
    last = (_EPOCH + timedelta(microseconds=last_us)).astimezone(zone).date() + _DAY
    while day <= last:
        if calendar.works(day):
            opens, closes = (datetime.combine(day, at, zone) for at in (calendar.opens, calendar.closes))
            yield (opens - _EPOCH) // _MICROSECOND, (closes - _EPOCH) // _MICROSECOND
        day += _DAY
