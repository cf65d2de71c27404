"""The one function that makes figures of many incidents: `report`. Whatever shows a figure shows what it gives."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from math import fsum
from typing import Final

from alertline.incidents.durations import DEFINITION, SPANS
from alertline.incidents.reporting.cohort import cohorts
from alertline.incidents.reporting.figures import METRICS, Group, Measured, Question, Report, Statistics
from alertline.incidents.reporting.hours import Calendar, in_working_hours
from schemas.vocabulary import Assumed, Basis, GroupBy, MetricName

__all__ = ["BUSINESS_HOURS", "counted_value", "keys_of", "quantile", "report", "statistics"]

BUSINESS_HOURS: Final = "_bh"
_DIGITS: Final = 6  # of seconds: stamps have microseconds


def report(
    measured: Sequence[Measured], asked: Question, *, as_of: datetime | None = None, calendar: Calendar | None = None
) -> Report:
    """Aggregate incidents: all together, and by what they are grouped by.

    `measured` holds those that the question is about; the order is of no matter.
    """
    inside = None if calendar is None else in_working_hours(measured, calendar)
    groups: dict[str | None, list[Measured]] = {}
    keys = keys_of(asked)
    for each in measured:
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
        total=_group(None, measured, asked.assumed, inside),
        groups=tuple(_group(key, own, asked.assumed, inside) for key, own in ordered),
    )


def counted_value(name: MetricName, seconds: float | None, basis: str | None, assumed: Assumed) -> float | None:
    """The value of a metric as a report counts it: None where it was not measured, or is assumed and left out."""
    if basis != Basis.ASSUMED or assumed is Assumed.INCLUDE:
        return seconds
    return None if assumed is Assumed.EXCLUDE or name is MetricName.DETECT_FROM_IMPACT else seconds


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
    metrics = {
        name.value: _metric(name, ((each.seconds[n], each.bases[n]) for each in counted), len(counted), assumed)
        for n, name in enumerate(METRICS)
    }
    if inside is not None:
        for n, name in enumerate(METRICS):
            pairs = ((inside[each.incident][n], each.bases[n]) for each in counted)
            if name in SPANS:
                metrics[f"{name}{BUSINESS_HOURS}"] = _metric(name, pairs, len(counted), assumed)
    return Group(key=key, incidents=len(counted), excluded=dict(sorted(reasons.items())), metrics=metrics)


def _metric(
    name: MetricName, pairs: Iterable[tuple[float | None, str | None]], of: int, assumed: Assumed
) -> Statistics:
    known = [pair for pair in pairs if pair[0] is not None]
    kept = [pair for pair in known if counted_value(name, *pair, assumed) is not None]
    bases = Counter(basis for _, basis in kept if basis is not None)
    values = [seconds for seconds, _ in kept if seconds is not None]
    return statistics(values, of, {each.value: bases[each] for each in Basis if bases[each]}, len(known) - len(kept))
