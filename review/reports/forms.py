"""A report as JSON values, as tables for spreadsheets and as text for a terminal: the same figures in each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from alertline.incidents.derived.durations import DEFINITION
from alertline.incidents.reporting.alerts import EpisodeLine
from alertline.incidents.reporting.figures import METRICS, Group, Report, Statistics
from alertline.incidents.telling.spreadsheet import csv_text
from alertline.incidents.telling.wording import NOT_MEASURED, day_and_clock, duration, metric_value, one_line
from review.api import public_summary
from review.reports.making import AlertReport, Behind
from schemas.vocabulary import MetricName, MilestoneName

__all__ = [
    "ALERT_COLUMNS",
    "EPISODE_COLUMNS",
    "INCIDENT_COLUMNS",
    "REPORT_COLUMNS",
    "alerts_csv",
    "episodes_csv",
    "incidents_csv",
    "incidents_text",
    "public_alerts",
    "public_episodes",
    "public_incidents",
    "public_report",
    "report_csv",
    "report_text",
]

_FIGURES: Final = ("n", "of", "mean", "median", "p90", "min", "max")
REPORT_COLUMNS: Final = (
    *("from", "to", "zone", "definition", "as_of", "assumed", "calendar", "group_by", "row", "key"),
    *("incidents", "excluded", "metric", *_FIGURES, "basis", "assumed_left_out"),
)
INCIDENT_COLUMNS: Final = (
    *("id", "title", "status", "severity", "classification", "excluded", "scope", "services", "updated_at"),
    *(f"{name}_{part}" for name in MilestoneName for part in ("at", "basis")),
    *(f"{name}_{part}" for name in METRICS for part in ("seconds", "basis")),
    "definition",
)
ALERT_COLUMNS: Final = (
    "table",
    "rule",
    "service",
    "first",
    "detect_median",
    "later",
    "after_median",
    "episodes",
    "in_incident",
)

EPISODE_COLUMNS: Final = tuple(field.encode_name for field in msgspec.structs.fields(EpisodeLine))


def public_report(report: Report) -> dict[str, object]:
    """The report as JSON values (contract §6)."""
    public: dict[str, object] = msgspec.to_builtins(report)
    return public


def public_incidents(found: Sequence[Behind]) -> list[dict[str, object]]:
    """Each incident as one line of the list, and why it does not count (`excluded`; null: it does)."""
    return [public_summary(each.summary) | {"excluded": each.excluded} for each in found]


def public_alerts(alerts: AlertReport) -> dict[str, object]:
    """Rules in incidents that count, and the episodes of rules, as JSON values."""
    public: dict[str, object] = msgspec.to_builtins(alerts)
    return public


def report_csv(report: Report) -> str:
    """A row for each metric of the whole (`row` is `total`) and of each group."""
    head = msgspec.to_builtins(report)
    about = [head[name] for name in REPORT_COLUMNS[:8]]
    groups = [("total", report.total), *(("group", each) for each in report.groups if report.group_by is not None)]
    return csv_text(REPORT_COLUMNS, ([*about, *row] for kind, group in groups for row in _rows(kind, group)))


def incidents_csv(found: Sequence[Behind]) -> str:
    """A row for each incident: milestones and metrics with their basis."""
    return csv_text(INCIDENT_COLUMNS, map(_incident_row, found))


def incidents_text(found: Sequence[Behind]) -> str:
    """A line for each incident: when it was detected, how long it took, and whether it counts."""
    lines = [f"{'detected':16} {'detect':>14} {'resolve':>14}  {'counts':14} incident"]
    for each in found:
        stamp = each.summary.milestones.get(MilestoneName.DETECTED)
        values = [
            each.summary.metrics.get(name) for name in (MetricName.DETECT_FROM_IMPACT, MetricName.RESOLVE_FROM_DETECT)
        ]
        known = [NOT_MEASURED if value is None else metric_value(value) for value in values]
        counts = "yes" if each.excluded is None else each.excluded.replace("_", " ")
        when = "not recorded" if stamp is None else day_and_clock(stamp.at)
        title = one_line(each.summary.title)
        lines.append(f"{when:16} {known[0]:>14} {known[1]:>14}  {counts:14} {each.summary.id} {title}")
    return "\n".join(lines)


def alerts_csv(alerts: AlertReport) -> str:
    """Both tables, told apart by the first column."""
    rules = (
        ("rules", each.rule, each.service, each.first, each.detect_median, each.later, each.after_median, None, None)
        for each in alerts.rules
    )
    heard = (
        ("noise", each.rule, each.service, None, None, None, None, each.episodes, each.in_incident)
        for each in alerts.noise
    )
    return csv_text(ALERT_COLUMNS, (*rules, *heard))


def public_episodes(found: Sequence[EpisodeLine]) -> list[dict[str, object]]:
    """Each episode of a rule, and why its incident does not count."""
    public: list[dict[str, object]] = msgspec.to_builtins(found)
    return public


def episodes_csv(found: Sequence[EpisodeLine]) -> str:
    """A row for each episode."""
    return csv_text(EPISODE_COLUMNS, ([each[name] for name in EPISODE_COLUMNS] for each in public_episodes(found)))


def report_text(report: Report) -> str:
    """The report as lines of a terminal."""
    lines = [*_head(report), *_block(None if report.group_by is None else "all", report.total)]
    if report.group_by is not None:
        for group in report.groups:
            lines += _block(f"{report.group_by}: {group.key if group.key is not None else 'none recorded'}", group)
    return "\n".join(lines)


def _rows(kind: str, group: Group) -> Iterator[list[object]]:
    for name, metric in group.metrics.items():
        figures = [getattr(metric, figure) for figure in _FIGURES]
        yield [
            *(kind, group.key, group.incidents, _pairs(group.excluded), name),
            *figures,
            *(_pairs(metric.basis), metric.assumed_left_out),
        ]


def _pairs(counts: Mapping[str, int]) -> list[str]:
    return [f"{name}={count}" for name, count in counts.items()]


def _incident_row(each: Behind) -> Iterator[object]:
    public = public_summary(each.summary)
    for name in ("id", "title", "status", "severity", "classification"):
        yield public[name]
    yield each.excluded
    yield each.summary.scope
    yield each.summary.services
    yield public["updated_at"]
    for milestone in MilestoneName:
        stamp = each.summary.milestones.get(milestone)
        yield None if stamp is None else msgspec.to_builtins(stamp.at)
        yield None if stamp is None else stamp.basis
    for name in METRICS:
        metric = each.summary.metrics.get(name)
        yield None if metric is None else metric.seconds
        yield None if metric is None else metric.basis
    yield DEFINITION


def _head(report: Report) -> Iterator[str]:
    since = f"{report.since:%Y-%m-%d %H:%M} UTC" if report.since else "the first"
    until = f"{report.until:%Y-%m-%d %H:%M} UTC" if report.until else "the last"
    yield f"Incidents detected from {since} to {until}; definitions {report.definition}; zone {report.zone}"
    as_of = "nothing was read yet" if report.as_of is None else f"as of {report.as_of:%Y-%m-%d %H:%M:%S} UTC"
    hours = "" if report.calendar is None else f"; _bh: working hours of {report.calendar}"
    yield f"{as_of}; assumed values: {report.assumed}; p90: {report.quantile}{hours}"


def _block(title: str | None, group: Group) -> Iterator[str]:
    yield ""
    apart = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in group.excluded.items())
    yield f"{f'{title}: ' if title else ''}{group.incidents} incidents count" + (f"; apart: {apart}" if apart else "")
    yield f"  {'metric':28} {'n of':>9} {'median':>14} {'mean':>14} {'p90':>14} {'least':>14} {'most':>14}"
    for name, metric in group.metrics.items():
        yield f"  {name:28} {f'{metric.n}/{metric.of}':>9}{_cells(metric)}"


def _cells(metric: Statistics) -> str:
    values = (metric.median, metric.mean, metric.p90, metric.min, metric.max)
    return "".join(f" {NOT_MEASURED if value is None else duration(value):>14}" for value in values)
