"""The reports page, prepared: every figure with the address of the incidents behind it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec

from alertline.incidents.reporting.aggregate import counted_value, keys_of, report
from alertline.incidents.reporting.cohort import cohorts, label
from alertline.incidents.reporting.figures import METRICS, Group, Measured, Question, Report, Statistics
from alertline.incidents.telling.wording import LENGTHS, METRIC_TITLES, SINCE_DETECTION, SINCE_IMPACT
from review.reports.asking import Asked
from review.reports.charts import Scale, Strip, Trend, scale_of, strip, trend
from review.reports.making import AlertReport
from schemas.vocabulary import GroupBy, MetricName

__all__ = ["Line", "Over", "PageView", "Section", "ServiceLine", "page_view"]

Query = Mapping[str, str]

DETECT: Final = MetricName.DETECT_FROM_IMPACT
RESOLVE: Final = MetricName.RESOLVE_FROM_DETECT
_WEEKS: Final = 60  # of a longer time months are drawn
_MOST_SERVICES: Final = 15
_MOST_RULES: Final = 12


class Line(msgspec.Struct, frozen=True):
    """One metric: its figures, the strip of its incidents, and the same in working hours where asked for."""

    name: MetricName
    title: str
    metric: Statistics
    strip: Strip
    behind: str
    working: Statistics | None


class Section(msgspec.Struct, frozen=True):
    """The metrics of one clock."""

    title: str
    lines: tuple[Line, ...]


class Column(msgspec.Struct, frozen=True):
    """A week, or month, of one metric."""

    name: str
    metric: Statistics
    behind: str


class Over(msgspec.Struct, frozen=True):
    """One metric over time: picture, and the table that says the same."""

    title: str
    picture: Trend
    columns: tuple[Column, ...]


class ServiceLine(msgspec.Struct, frozen=True):
    """One service; `key` None: incidents that name none."""

    key: str | None
    incidents: int
    detect: Statistics
    resolve: Statistics
    strip: Strip
    behind: str
    detect_behind: str
    resolve_behind: str


class PageView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the page shows.

    Attributes:
        apart: what does not count: words, number, and where these incidents are listed.
        unit: what the columns over time are.
    """

    report: Report
    counted: str
    apart: tuple[tuple[str, int, str], ...]
    sections: tuple[Section, ...]
    scale: Scale
    unit: str
    over: tuple[Over, ...]
    services: tuple[ServiceLine, ...]
    services_scale: Scale
    more_services: int
    alerts: AlertReport
    most_rules: int = _MOST_RULES


def page_view(
    measured: Sequence[Measured], asked: Asked, by_service: Report, alerts: AlertReport, query: Query
) -> PageView:
    """Prepare the page; `measured` is what the report by service was made of."""
    links = _Links(query)
    unit = GroupBy.WEEK if _span(measured) <= timedelta(weeks=_WEEKS) else GroupBy.MONTH
    question = msgspec.structs.replace(asked.question, group_by=unit)
    values = _values(measured, question)
    scale = scale_of([value for own in values.values() for value in own])
    services = _largest(by_service.groups)
    of_service = _of_service(measured)
    resolves = [values_of(RESOLVE, of_service.get(each.key, ()), question) for each in services]
    own_scale = scale_of([value for each in resolves for value in each])
    return PageView(
        report=by_service,
        counted=links.to(counted="1"),
        apart=tuple(
            (reason.replace("_", " "), count, links.to(excluded=reason))
            for reason, count in by_service.total.excluded.items()
        ),
        sections=_sections(by_service.total, values, scale, links),
        scale=scale,
        unit=unit.value,
        over=tuple(_over(name, measured, question, links) for name in (DETECT, RESOLVE)),
        services=tuple(_service(group, own, own_scale, links) for group, own in zip(services, resolves, strict=True)),
        services_scale=own_scale,
        more_services=len(by_service.groups) - len(services),
        alerts=alerts,
    )


def values_of(name: MetricName, measured: Iterable[Measured], asked: Question) -> list[float]:
    """The values of a metric that a report counts."""
    found = (counted_value(each, name, asked.assumed) for each in measured if each.excluded is None)
    return [value for value in found if value is not None]


class _Links:
    """Addresses of the incidents behind a figure: the same question, and which of its incidents."""

    def __init__(self, query: Query) -> None:
        kept = ("from", "to", "zone", "assumed", "service", "severity")
        self._asked = {name: query[name] for name in kept if query.get(name)}

    def to(self, **of: str) -> str:
        return f"/reports/incidents?{urlencode(self._asked | of)}"


def _values(measured: Sequence[Measured], asked: Question) -> dict[MetricName, list[float]]:
    return {name: values_of(name, measured, asked) for name in METRICS}


def _sections(
    total: Group, values: Mapping[MetricName, Sequence[float]], scale: Scale, links: _Links
) -> tuple[Section, ...]:
    groups = (
        ("Since the impact started", SINCE_IMPACT),
        ("Since detection", SINCE_DETECTION),
        ("Lengths and lags", LENGTHS),
    )
    return tuple(
        Section(title, tuple(_line(name, total, values[name], scale, links) for name in names))
        for title, names in groups
    )


def _line(name: MetricName, total: Group, values: Sequence[float], scale: Scale, links: _Links) -> Line:
    metric = total.metrics[name]
    drawn = strip(values, scale, metric.median, metric.p90)
    return Line(name, METRIC_TITLES[name], metric, drawn, links.to(metric=name), total.metrics.get(f"{name}_bh"))


def _span(measured: Sequence[Measured]) -> timedelta:
    times = [each.cohort_us for each in measured]
    return timedelta(microseconds=max(times) - min(times)) if times else timedelta()


def _over(name: MetricName, measured: Sequence[Measured], asked: Question, links: _Links) -> Over:
    """Every week or month between the first and the last, those without incidents too."""
    groups = {group.key: group for group in report(measured, asked).groups}
    own: dict[str, list[Measured]] = {}
    keys = keys_of(asked)
    for each in measured:
        own.setdefault(str(keys(each)[0]), []).append(each)
    columns = []
    for key in _all_keys(measured, asked):
        group = groups.get(key)
        metric = group.metrics[name] if group is not None else _NOTHING
        columns.append((key, values_of(name, own.get(key, ()), asked), metric))
    by = {"group_by": str(asked.group_by)}
    return Over(
        METRIC_TITLES[name],
        trend([(key, values, metric.median, metric.p90) for key, values, metric in columns]),
        tuple(Column(key, metric, links.to(metric=name, key=key, **by)) for key, _, metric in columns),
    )


_NOTHING: Final = Statistics(
    n=0, of=0, mean=None, median=None, p90=None, min=None, max=None, basis={}, assumed_left_out=0
)


def _all_keys(measured: Sequence[Measured], asked: Question) -> list[str]:
    """The names of all weeks, or months, from the first incident to the last."""
    if not measured or asked.group_by is None:
        return []
    times = [each.cohort_us for each in measured]
    days = [date.fromisoformat(cohorts(GroupBy.DAY, asked.zone)(at)) for at in (min(times), max(times))]
    length = (days[1] - days[0]).days
    return list(dict.fromkeys(label(days[0] + timedelta(days=n), asked.group_by) for n in range(length + 1)))


def _largest(groups: Sequence[Group]) -> list[Group]:
    ordered = sorted(groups, key=lambda each: (-each.incidents, each.key is None, each.key or ""))
    return ordered[:_MOST_SERVICES]


def _of_service(measured: Sequence[Measured]) -> dict[str | None, list[Measured]]:
    found: dict[str | None, list[Measured]] = {}
    for each in measured:
        for key in each.services or (None,):
            found.setdefault(key, []).append(each)
    return found


def _service(group: Group, resolves: Sequence[float], scale: Scale, links: _Links) -> ServiceLine:
    detect, resolve = group.metrics[DETECT], group.metrics[RESOLVE]
    of = {"group_by": GroupBy.SERVICE.value, "key": group.key or ""}
    return ServiceLine(
        group.key,
        group.incidents,
        detect,
        resolve,
        strip(resolves, scale, resolve.median, resolve.p90),
        links.to(counted="1", **of),
        links.to(metric=DETECT, **of),
        links.to(metric=RESOLVE, **of),
    )
