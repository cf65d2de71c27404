"""The reports page, prepared: every figure with the address of the incidents behind it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec

from alertline.incidents.reporting.aggregate import grouped, groups_of, values_of
from alertline.incidents.reporting.alerts import Noise, RuleLine
from alertline.incidents.reporting.cohort import cohorts, label
from alertline.incidents.reporting.figures import METRICS, Group, Measured, Question, Report, Statistics
from alertline.incidents.telling.wording import LENGTHS, METRIC_TITLES, SINCE_DETECTION, SINCE_IMPACT
from review.reports.asking import Asked, Fired
from review.reports.charts import Scale, Strip, Trend, scale_of, strip, trend
from review.reports.making import AlertReport
from schemas.vocabulary import GroupBy, MetricName

__all__ = ["Line", "NoiseRow", "Over", "PageView", "RuleRow", "Section", "ServiceLine", "page_view"]

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


class RuleRow(msgspec.Struct, frozen=True):
    """One alert rule, and where the incidents are in which it fired first, and later."""

    line: RuleLine
    first: str
    later: str


class NoiseRow(msgspec.Struct, frozen=True):
    """One alert rule, and where its episodes are, and those in incidents that count."""

    line: Noise
    episodes: str
    inside: str


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
    rules: tuple[RuleRow, ...]
    noise: tuple[NoiseRow, ...]
    more_rules: int
    more_noise: int


def page_view(measured: Measured, asked: Asked, by_service: Report, alerts: AlertReport, query: Query) -> PageView:
    """Prepare the page; `measured` is what the report by service was made of."""
    links = _Links(query)
    unit = GroupBy.WEEK if _span(measured) <= timedelta(weeks=_WEEKS) else GroupBy.MONTH
    question = asked.question
    everyone = range(len(measured.incidents))
    values = {name: values_of(measured, everyone, name, question.assumed) for name in METRICS}
    scale = scale_of([value for own in values.values() for value in own])
    services = _largest(by_service.groups)
    of_service = grouped(measured, GroupBy.SERVICE, question.zone)
    resolves = [values_of(measured, of_service[each.key], RESOLVE, question.assumed) for each in services]
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
        over=_over(measured, question, unit, links),
        services=tuple(_service(group, own, own_scale, links) for group, own in zip(services, resolves, strict=True)),
        services_scale=own_scale,
        more_services=len(by_service.groups) - len(services),
        rules=tuple(_rule(each, links) for each in alerts.rules[:_MOST_RULES]),
        noise=tuple(_noise(each, links) for each in alerts.noise[:_MOST_RULES]),
        more_rules=max(0, len(alerts.rules) - _MOST_RULES),
        more_noise=max(0, len(alerts.noise) - _MOST_RULES),
    )


class _Links:
    """Addresses of the incidents behind a figure: the same question, and which of its incidents."""

    def __init__(self, query: Query) -> None:
        kept = ("from", "to", "zone", "assumed", "service", "severity")
        self._asked = {name: query[name] for name in kept if query.get(name)}

    def to(self, what: str = "incidents", **of: str) -> str:
        return f"/reports/{what}?{urlencode(self._asked | of)}"


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


def _span(measured: Measured) -> timedelta:
    times = measured.cohort_us
    return timedelta(microseconds=max(times) - min(times)) if times else timedelta()


def _over(measured: Measured, asked: Question, unit: GroupBy, links: _Links) -> tuple[Over, ...]:
    """Every week or month between the first and the last, those without incidents too."""
    groups = {group.key: group for group in groups_of(measured, unit, asked)}
    own, keys = grouped(measured, unit, asked.zone), _all_keys(measured, unit, asked.zone)

    def over(name: MetricName) -> Over:
        metrics = [groups[key].metrics[name] if key in groups else _NOTHING for key in keys]
        drawn = [
            (key, sorted(values_of(measured, own.get(key, ()), name, asked.assumed)), metric.median, metric.p90)
            for key, metric in zip(keys, metrics, strict=True)
        ]
        columns = [
            Column(key, metric, links.to(metric=name, key=key, group_by=unit))
            for key, metric in zip(keys, metrics, strict=True)
        ]
        return Over(METRIC_TITLES[name], trend(drawn), tuple(columns))

    return over(DETECT), over(RESOLVE)


_NOTHING: Final = Statistics(
    n=0, of=0, mean=None, median=None, p90=None, min=None, max=None, basis={}, assumed_left_out=0
)


def _all_keys(measured: Measured, unit: GroupBy, zone: str) -> list[str]:
    """The names of all weeks, or months, from the first incident to the last."""
    if not measured.cohort_us:
        return []
    times = (min(measured.cohort_us), max(measured.cohort_us))
    days = [date.fromisoformat(cohorts(GroupBy.DAY, zone)(at)) for at in times]
    return list(dict.fromkeys(label(days[0] + timedelta(days=n), unit) for n in range((days[1] - days[0]).days + 1)))


def _rule(line: RuleLine, links: _Links) -> RuleRow:
    of = {"rule": line.rule, "rule_service": line.service or ""}
    return RuleRow(line, *(links.to(**of, fired=fired) for fired in Fired))


def _noise(line: Noise, links: _Links) -> NoiseRow:
    of = {"rule": line.rule, "rule_service": line.service or ""}
    return NoiseRow(line, links.to("episodes", **of), links.to("episodes", **of, counted="1"))


def _largest(groups: Sequence[Group]) -> list[Group]:
    ordered = sorted(groups, key=lambda each: (-each.incidents, each.key is None, each.key or ""))
    return ordered[:_MOST_SERVICES]


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
