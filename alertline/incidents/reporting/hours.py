"""Durations in the working hours of a calendar: beside the plain ones, under names of their own, never instead."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from alertline.incidents.derived.durations import SPANS
from alertline.incidents.reporting.figures import METRICS, UNMEASURED, Measured
from schemas.vocabulary import MetricName, MilestoneName

__all__ = ["Calendar", "WorkingTime", "in_working_hours"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
_SECOND: Final = 1_000_000
_LONG_AGO: Final = -(2**62)
_LAST_US: Final = (datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """Whose working hours: `works` says of a day of its zone whether there is work on it."""

    name: str
    zone: str
    opens: time
    closes: time
    works: Callable[[date], bool]


class WorkingTime:
    """How much working time lies before the moments of a stretch, by adding up once."""

    def __init__(self, calendar: Calendar, first_us: int, last_us: int) -> None:
        # before the first of all there is a shift of no length
        self._starts, self._ends, self._less = [_LONG_AGO], [_LONG_AGO], [_LONG_AGO]
        whole = 0
        for start, end in _shifts(calendar, first_us, last_us):
            self._starts.append(start)
            self._ends.append(end)
            self._less.append(start - whole)
            whole += end - start

    def until(self, times: Iterable[int]) -> list[int]:
        """The microseconds of working time before each moment, counted from the first one of the stretch."""
        starts, ends, less = self._starts, self._ends, self._less
        return [
            (at if at < ends[n] else ends[n]) - less[n]  # noqa: FURB136 - `min` would take as long as all else
            for at in times
            for n in (bisect_right(starts, at) - 1,)
        ]


def in_working_hours(measured: Measured, calendar: Calendar) -> dict[MetricName, Sequence[float]]:
    """The metrics that lie between two milestones, in working hours, of all that count.

    The milestones follow from what is there: an incident counts only if it was detected, and that is its cohort's
    time; `detect_from_impact` says when the impact began; and each metric says when it ended.
    """
    detected = measured.cohort_us
    impact = _shifted(detected, measured.seconds[METRICS.index(MetricName.DETECT_FROM_IMPACT)], -_SECOND)
    since = {MilestoneName.DETECTED: detected, MilestoneName.IMPACT_STARTED: impact}
    ends = {
        name: _shifted(since[start], measured.seconds[METRICS.index(name)], _SECOND)
        for name, (start, _) in SPANS.items()
    }
    every = [detected, impact, *ends.values()]
    working = WorkingTime(
        calendar, min(min(each, default=0) for each in every), max(max(each, default=0) for each in every)
    )
    before = {start: working.until(times) for start, times in since.items()}
    return {
        name: [
            UNMEASURED if seconds == UNMEASURED else (end - began) / _SECOND
            for seconds, end, began in zip(
                measured.seconds[METRICS.index(name)], working.until(ends[name]), before[start], strict=True
            )
        ]
        for name, (start, _) in SPANS.items()
    }


def _shifted(times: Sequence[int], column: Sequence[float], unit: int) -> list[int]:
    """Each moment and so much later; where that was not measured, the moment."""
    return [
        at if seconds == UNMEASURED else at + round(seconds * unit) for at, seconds in zip(times, column, strict=True)
    ]


def _shifts(calendar: Calendar, first_us: int, last_us: int) -> Iterator[tuple[int, int]]:
    """The working hours of each day from a day before to a day after, in microseconds since 1970.

    A wrong year must not make calendars of thousands of years: before 1970 and after 2199 nobody works.
    """
    zone = ZoneInfo(calendar.zone)
    day, last = (
        (_EPOCH + timedelta(microseconds=min(max(at, 0), _LAST_US))).astimezone(zone).date()
        for at in (first_us, last_us)
    )
    day, last = day - _DAY, last + _DAY
    while day <= last:
        if calendar.works(day):
            opens, closes = (datetime.combine(day, at, zone) for at in (calendar.opens, calendar.closes))
            yield (opens - _EPOCH) // _MICROSECOND, (closes - _EPOCH) // _MICROSECOND
        day += _DAY
