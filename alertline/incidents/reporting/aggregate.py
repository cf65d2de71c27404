"""The one function that makes figures of many incidents: `report`. Whatever shows a figure shows what it gives."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import compress
from math import fsum
from operator import itemgetter
from typing import Final

from alertline.incidents.derived.durations import DEFINITION
from alertline.incidents.reporting.cohort import cohorts
from alertline.incidents.reporting.figures import (
    BASIS_LETTERS,
    METRICS,
    NOT_MEASURED,
    Group,
    Measured,
    Question,
    Report,
    Statistics,
)
from alertline.incidents.reporting.hours import Calendar, in_working_hours
from schemas.vocabulary import Assumed, Basis, GroupBy, MetricName

__all__ = ["BUSINESS_HOURS", "counting", "grouped", "groups_of", "quantile", "report", "statistics", "values_of"]

BUSINESS_HOURS: Final = "_bh"
_DIGITS: Final = 6  # of seconds: stamps have microseconds
_ASSUMED: Final = Basis.ASSUMED.value[0]
_MEASURED: Final = bytes(chr(code) != NOT_MEASURED for code in range(256))
_STATED: Final = bytes(chr(code) not in (NOT_MEASURED, _ASSUMED) for code in range(256))

Numbers = Sequence[int]
Column = Sequence[float]


def report(
    measured: Measured, asked: Question, *, as_of: datetime | None = None, calendar: Calendar | None = None
) -> Report:
    """Aggregate incidents: all together, and by what they are grouped by.

    `measured` holds those that the question is about; the order is of no matter.
    """
    inside = {} if calendar is None else in_working_hours(measured, calendar)
    total = _group(None, range(len(measured.incidents)), measured, asked.assumed, inside)
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
        groups=(total,) if asked.group_by is None else groups_of(measured, asked.group_by, asked, inside),
    )


def groups_of(
    measured: Measured, by: GroupBy, asked: Question, inside: Mapping[MetricName, Column] | None = None
) -> tuple[Group, ...]:
    """The groups of a report alone; `inside` are the same metrics in working hours."""
    groups = grouped(measured, by, asked.zone).items()
    return tuple(_group(key, own, measured, asked.assumed, inside or {}) for key, own in groups)


def grouped(measured: Measured, by: GroupBy, zone: str) -> dict[str | None, Numbers]:
    """The numbers of the incidents of each key, in the order of keys; None, the last: of those that have none.

    An incident of several services, or sources, is in each of them.
    """
    found: dict[str | None, list[int]] = {}
    match by:
        case GroupBy.SERVICE | GroupBy.SOURCE:
            rest = set(range(len(measured.incidents))).difference(*measured.members.values())
            found |= {key: list(measured.members[key]) for key in sorted(measured.members)}
            return {**found, None: sorted(rest)} if rest else {**found}
        case GroupBy.SEVERITY | GroupBy.SCOPE:
            keys: Iterable[str] = measured.keys
        case GroupBy.DAY | GroupBy.WEEK | GroupBy.MONTH:
            keys = map(cohorts(by, zone), measured.cohort_us)
    for n, key in enumerate(keys):
        found.setdefault(key, []).append(n)
    return {key: found[key] for key in sorted(found, key=str)}


def counting(measured: Measured, name: MetricName, assumed: Assumed) -> bytes:
    """Of a metric, incident by incident: 1 where its value counts, 0 where it was not measured, or is left out."""
    return _mask(_letters(measured, range(len(measured.bases)), name), name, assumed)


def _letters(measured: Measured, numbers: Numbers, name: MetricName) -> str:
    """How a metric of some incidents is known, a letter each."""
    n = METRICS.index(name)
    return "".join([measured.bases[each][n] for each in numbers])


def _mask(letters: str, name: MetricName, assumed: Assumed) -> bytes:
    return letters.encode().translate(_STATED if _leaves_out(name, assumed) else _MEASURED)


def values_of(measured: Measured, numbers: Numbers, name: MetricName, assumed: Assumed) -> list[float]:
    """The values of a metric that a report counts, of some incidents."""
    own, column = _counted(measured, numbers), measured.seconds[METRICS.index(name)]
    return _picked(column, own, _mask(_letters(measured, own, name), name, assumed))


def _counted(measured: Measured, numbers: Numbers) -> Numbers:
    return [n for n in numbers if measured.excluded[n] is None]


def _picked(column: Column, own: Numbers, mask: bytes) -> list[float]:
    wanted = tuple(compress(own, mask))
    # of one number alone `itemgetter` makes no tuple; of many it is the quickest way to them
    return list(itemgetter(*wanted)(column)) if len(wanted) > 1 else [column[n] for n in wanted]


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


def _group(
    key: str | None,
    numbers: Numbers,
    measured: Measured,
    assumed: Assumed,
    inside: Mapping[MetricName, Column],
) -> Group:
    own = _counted(measured, numbers)
    apart = Counter(measured.excluded[n] for n in numbers) if len(own) < len(numbers) else {}
    known = "".join(map(measured.bases.__getitem__, own))  # a letter of each metric, incident by incident
    letters = {name: known[n :: len(METRICS)] for n, name in enumerate(METRICS)}
    metrics = {
        name.value: _metric(name, column, own, letters[name], assumed)
        for name, column in zip(METRICS, measured.seconds, strict=True)
    }
    for name, column in inside.items():
        metrics[f"{name}{BUSINESS_HOURS}"] = _metric(name, column, own, letters[name], assumed)
    reasons = sorted((reason.value, count) for reason, count in apart.items() if reason is not None)
    return Group(key=key, incidents=len(own), excluded=dict(reasons), metrics=metrics)


def _metric(name: MetricName, column: Column, own: Numbers, letters: str, assumed: Assumed) -> Statistics:
    """One metric of the incidents that count; `letters` says of each how it is known."""
    counts = {letter: letters.count(letter) for letter in BASIS_LETTERS}
    left_out = counts.pop(_ASSUMED) if _leaves_out(name, assumed) else 0
    known = {basis.value: counts[letter] for letter, basis in BASIS_LETTERS.items() if counts.get(letter)}
    return statistics(_picked(column, own, _mask(letters, name, assumed)), len(own), known, left_out)
