"""What the templates show, prepared from an incident: groups and places, no words of our own about what happened."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from alertline.incidents.telling.slots import completeness
from alertline.incidents.telling.statements import lead, misleading_paths, row_detail
from alertline.incidents.telling.wording import (
    LENGTHS,
    METRIC_TITLES,
    SINCE_DETECTION,
    SINCE_IMPACT,
    duration,
    metric_value,
    milestone_title,
)
from review.axis import Axis, axis_of
from review.drafting import Part, parts_of
from review.rows import Table, table_of
from review.zones import Zone
from schemas.incident import Incident, Metric, Milestone
from schemas.vocabulary import Basis, MetricName, MilestoneName, RowKind

__all__ = ["Effect", "IncidentView", "MetricGroup", "MetricLine", "effects_of", "view_of"]

_FEW: Final = 10
_ASKED: Final = (
    MilestoneName.ACKNOWLEDGED,
    MilestoneName.INVESTIGATING,
    MilestoneName.CAUSE_IDENTIFIED,
    MilestoneName.FIX_APPLIED,
    MilestoneName.MITIGATED,
)


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


class IncidentView(msgspec.Struct, frozen=True):
    """The incident page.

    Attributes:
        lead: sentences made of records only.
        key_times: all eleven milestones, None for what is not recorded.
        rejected: row id of a hypothesis → when it was rejected.
        table: the rows that are shown; draft: its parts in order.
        questions: what nobody has answered yet.
    """

    incident: Incident
    lead: tuple[str, ...]
    detected_at: datetime | None
    key_times: tuple[tuple[MilestoneName, Milestone | None], ...]
    metrics: tuple[MetricGroup, ...]
    table: Table
    rejected: dict[str, datetime]
    axis: Axis | None
    draft: tuple[Part, ...]
    questions: tuple[str, ...]
    completeness: float


def view_of(incident: Incident, query: Mapping[str, str], zone: Zone) -> IncidentView:
    """Prepare the incident page: the rows that the address asks for, times in a zone."""
    detected = incident.milestones.get(MilestoneName.DETECTED)
    return IncidentView(
        incident=incident,
        lead=tuple(sentence.text for sentence in lead(incident)),
        detected_at=detected.at if detected else None,
        key_times=tuple((name, incident.milestones.get(name)) for name in MilestoneName),
        metrics=_metrics(incident),
        table=table_of(incident, query, zone),
        rejected={row_id: rejection.at for row_id, rejection in misleading_paths(incident).items()},
        axis=axis_of(incident, zone),
        draft=parts_of(incident),
        questions=tuple(_questions(incident)),
        completeness=completeness(incident.postmortem.slots),
    )


def _questions(incident: Incident) -> Iterable[str]:
    """What the records leave open, in words; each can be answered on this page."""
    stamps = incident.milestones
    missing = [milestone_title(name).lower() for name in _ASKED if stamps.get(name) is None]
    if missing:
        yield f"Not recorded: {', '.join(missing)}."
    rejected = misleading_paths(incident)
    opened = [row for row in incident.timeline if row.kind is RowKind.HYPOTHESIS and not row.hidden]
    pending = [row for row in opened if row.id not in rejected]
    if len(pending) > _FEW:
        yield f"{len(pending) - _FEW} more hypotheses were neither rejected nor confirmed."
    for row in pending[:_FEW]:
        yield f"What came of “{row_detail(row)}”? It was neither rejected nor confirmed."
    impact = stamps.get(MilestoneName.IMPACT_STARTED)
    if impact is not None and impact.basis is Basis.ASSUMED:
        yield "When did the impact start? It is taken to be no later than the first alert."


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


class Effect(msgspec.Struct, frozen=True):
    """What an override does to one duration: as it is, and as it would be; `change`: by how much, signed."""

    title: str
    before: Metric
    after: Metric
    change: str


def effects_of(before: Incident, after: Incident) -> tuple[tuple[Effect, ...], tuple[str, ...]]:
    """The durations that an override changes, and the titles of those that it does not."""
    changed, same = [], []
    for name, title in METRIC_TITLES.items():
        old, new = before.metrics.get(name), after.metrics.get(name)
        if old is None or new is None:
            continue
        if (old.seconds, old.basis) == (new.seconds, new.basis):
            same.append(title)
        else:
            changed.append(Effect(title, old, new, _change(old.seconds, new.seconds)))
    return tuple(changed), tuple(same)


def _change(old: float | None, new: float | None) -> str:
    if old is None or new is None or old == new:
        return ""
    return f"+{duration(new - old)}" if new > old else duration(new - old)
