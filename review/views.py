"""What the templates show, prepared from an incident: groups and places, no words of our own about what happened."""

from datetime import datetime

import msgspec

from alertline.incidents.telling.statements import lead, misleading_paths
from alertline.incidents.telling.wording import LENGTHS, METRIC_TITLES, SINCE_DETECTION, SINCE_IMPACT, day, metric_value
from review.axis import Axis, axis_of
from schemas.incident import Gap, Incident, Metric, Milestone, TimelineRow
from schemas.vocabulary import MetricName, MilestoneName

__all__ = ["Day", "IncidentView", "MetricGroup", "MetricLine", "view_of"]


class MetricLine(msgspec.Struct, frozen=True):
    """One duration: title, the value in words, and the metric for its basis and reason."""

    name: MetricName
    title: str
    value: str
    metric: Metric


class MetricGroup(msgspec.Struct, frozen=True):
    """The durations of one clock."""

    title: str
    lines: tuple[MetricLine, ...]


class Day(msgspec.Struct, frozen=True):
    """One UTC day of the timeline: its rows, and between them the gaps that begin there."""

    date: str
    rows: tuple[TimelineRow | Gap, ...]


class IncidentView(msgspec.Struct, frozen=True):
    """The incident page.

    Attributes:
        lead: sentences made of records only.
        key_times: all eleven milestones, None for what is not recorded.
        rejected: row id of a hypothesis → when it was rejected.
        key_rows: ids of the rows that stand for a milestone.
    """

    incident: Incident
    lead: tuple[str, ...]
    detected_at: datetime | None
    key_times: tuple[tuple[MilestoneName, Milestone | None], ...]
    metrics: tuple[MetricGroup, ...]
    days: tuple[Day, ...]
    rejected: dict[str, datetime]
    key_rows: frozenset[str]
    hidden: int
    axis: Axis | None


def view_of(incident: Incident) -> IncidentView:
    """Prepare the incident page."""
    detected = incident.milestones.get(MilestoneName.DETECTED)
    return IncidentView(
        incident=incident,
        lead=tuple(sentence.text for sentence in lead(incident)),
        detected_at=detected.at if detected else None,
        key_times=tuple((name, incident.milestones.get(name)) for name in MilestoneName),
        metrics=_metrics(incident),
        days=_days(incident),
        rejected={row_id: rejection.at for row_id, rejection in misleading_paths(incident).items()},
        key_rows=frozenset(row.id for row in incident.timeline if _stands_for_milestone(incident, row)),
        hidden=sum(row.hidden for row in incident.timeline),
        axis=axis_of(incident),
    )


def _metrics(incident: Incident) -> tuple[MetricGroup, ...]:
    groups = (
        ("Since the impact started", SINCE_IMPACT),
        ("Since detection", SINCE_DETECTION),
        ("Lengths and lags", LENGTHS),
    )
    return tuple(
        MetricGroup(
            title,
            tuple(
                MetricLine(name, METRIC_TITLES[name], metric_value(metric), metric)
                for name in names
                if (metric := incident.metrics.get(name)) is not None
            ),
        )
        for title, names in groups
    )


def _days(incident: Incident) -> tuple[Day, ...]:
    """Rows keep their order; a gap stands before the first row that is later than its beginning."""
    pending = sorted(incident.gaps, key=lambda gap: gap.from_)
    days: dict[str, list[TimelineRow | Gap]] = {}
    for row in incident.timeline:
        while pending and pending[0].from_ < row.at:
            gap = pending.pop(0)
            days.setdefault(day(gap.from_), []).append(gap)
        days.setdefault(day(row.at), []).append(row)
    for gap in pending:
        days.setdefault(day(gap.from_), []).append(gap)
    return tuple(Day(date, tuple(rows)) for date, rows in days.items())


def _stands_for_milestone(incident: Incident, row: TimelineRow) -> bool:
    if row.kind.value not in set(MilestoneName):
        return False
    stamp = incident.milestones.get(MilestoneName(row.kind.value))
    return stamp is not None and stamp.at == row.at and not row.hidden
