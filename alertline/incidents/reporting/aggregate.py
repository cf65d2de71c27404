"""The one function that makes figures of many incidents: `report`. Whatever shows a figure shows what it gives."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import fsum
from typing import Final

from alertline.incidents.durations import DEFINITION, SPANS
from alertline.incidents.reporting.cohort import cohorts
from alertline.incidents.reporting.figures import (
    BASIS_LETTERS,
    METRICS,
    Group,
    Measured,
    Question,
    Report,
    Statistics,
)
from alertline.incidents.reporting.hours import Calendar, in_working_hours
from schemas.vocabulary import Assumed, Basis, GroupBy, MetricName

__all__ = ["BUSINESS_HOURS", "counted_value", "keys_of", "quantile", "report", "statistics"]

BUSINESS_HOURS: Final = "_bh"
_DIGITS: Final = 6  # of seconds: stamps have microseconds
_ASSUMED: Final = Basis.ASSUMED.value[0]


def report(
    measured: Sequence[Measured], asked: Question, *, as_of: datetime | None = None, calendar: Calendar | None = None
) -> Report:
    """Aggregate incidents: all together, and by what they are grouped by.

    `measured` holds those that the question is about; the order is of no matter.
    """
    inside = None if calendar is None else in_working_hours(measured, calendar)
    total = _group(None, measured, asked.assumed, inside)
    groups: dict[str | None, list[Measured]] = {}
    keys = keys_of(asked)
    for each in measured if asked.group_by is not None else ():
        for key in keys(each):
            groups.setdefault(key, []).append(each)
    ordered = sorted(groups.items(), key=lambda pair: (pair[0] is None, pair[0] or ""))
    return Report(
        since=asked.since,
        until=asked.until,
        zone=asked.zone,
        definition=DEFINITION,
        as_of=as_of,
        assumed=asked.assumed,
        calendar=None if calendar is None else calendar.name,
        service=asked.service,
        severity=asked.severity,
        group_by=asked.group_by,
        total=total,
        groups=(total,)
        if asked.group_by is None
        else tuple(_group(key, own, asked.assumed, inside) for key, own in ordered),
    )


def counted_value(each: Measured, name: MetricName, assumed: Assumed) -> float | None:
    """The value of a metric as a report counts it: None where it was not measured, or is assumed and left out."""
    n = METRICS.index(name)
    return None if each.bases[n] == _ASSUMED and _leaves_out(name, assumed) else each.seconds[n]


def _leaves_out(name: MetricName, assumed: Assumed) -> bool:
    """Whether assumed values of a metric are left out."""
    if assumed is Assumed.ENDS:
        return name is MetricName.DETECT_FROM_IMPACT
    return assumed is Assumed.EXCLUDE


def statistics(values: Sequence[float], of: int, basis: dict[str, int], assumed_left_out: int = 0) -> Statistics:
    """What some values come to; `of` is the number of incidents that could have had one."""
    ordered = sorted(values)
    some = bool(ordered)
    return Statistics(
        n=len(ordered),
        of=of,
        mean=round(fsum(ordered) / len(ordered), _DIGITS) if some else None,
        median=quantile(ordered, 0.5),
        p90=quantile(ordered, 0.9),
        min=ordered[0] if some else None,
        max=ordered[-1] if some else None,
        basis=basis,
        assumed_left_out=assumed_left_out,
    )


def quantile(ordered: Sequence[float], q: float) -> float | None:
    """The value at rank q · (n − 1), counted from 0, interpolated between its neighbours; None of none.

    This is `percentile_cont` of SQL.
    """
    if not ordered:
        return None
    rank = q * (len(ordered) - 1)
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    return round(ordered[below] + (ordered[above] - ordered[below]) * (rank - below), _DIGITS)


def keys_of(asked: Question) -> Callable[[Measured], Sequence[str | None]]:
    """What an incident's keys are: one, or of several services and sources each."""
    match asked.group_by:
        case None:
            return lambda _: (None,)
        case GroupBy.SERVICE:
            return lambda each: each.services or (None,)
        case GroupBy.SOURCE:
            return lambda each: each.sources or (None,)
        case GroupBy.SEVERITY:
            return lambda each: (each.severity,)
        case GroupBy.SCOPE:
            return lambda each: (each.scope,)
        case GroupBy.DAY | GroupBy.WEEK | GroupBy.MONTH:
            cohort = cohorts(asked.group_by, asked.zone)
            return lambda each: (cohort(each.cohort_us),)


def _group(
    key: str | None, own: Sequence[Measured], assumed: Assumed, inside: Mapping[str, Sequence[float | None]] | None
) -> Group:
    counted = [each for each in own if each.excluded is None]
    reasons = Counter(each.excluded.value for each in own if each.excluded is not None)
    columns = zip(*(each.seconds for each in counted), strict=True) if counted else ((),) * len(METRICS)
    letters = ["".join(each) for each in zip(*(each.bases for each in counted), strict=True)] or [""] * len(METRICS)
    metrics = {
        name.value: _metric(name, values, bases, assumed)
        for name, values, bases in zip(METRICS, columns, letters, strict=True)
    }
    if inside is not None:
        for name in SPANS:
            n = METRICS.index(name)
            own_values = [inside[each.incident][n] for each in counted]
            metrics[f"{name}{BUSINESS_HOURS}"] = _metric(name, own_values, letters[n], assumed)
    return Group(key=key, incidents=len(counted), excluded=dict(sorted(reasons.items())), metrics=metrics)


def _metric(name: MetricName, column: Sequence[float | None], bases: str, assumed: Assumed) -> Statistics:
    """One metric of the incidents that count: `column` has a value, or None, of each, `bases` the letter."""
    counts = {letter: bases.count(letter) for letter in BASIS_LETTERS}  # quicker than counting all at once
    left_out = counts.pop(_ASSUMED, 0) if _leaves_out(name, assumed) else 0
    if left_out:
        pairs = zip(column, bases, strict=True)
        values = [value for value, basis in pairs if value is not None and basis != _ASSUMED]
    else:
        values = [value for value in column if value is not None]
    known = {basis.value: counts[letter] for letter, basis in BASIS_LETTERS.items() if counts.get(letter)}
    return statistics(values, len(column), known, left_out)
