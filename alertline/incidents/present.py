"""The public incident, computed from its facts: one pure function behind replay, API, pages, exports and the draft."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from alertline.incidents.derived.candidates import candidates
from alertline.incidents.derived.durations import DEFINITION, durations
from alertline.incidents.derived.edits import fields_set, shown_revisions, slots_of
from alertline.incidents.derived.flags import flags
from alertline.incidents.derived.gist import sums_of
from alertline.incidents.derived.milestones import Stamps, stamp
from alertline.incidents.derived.origin import probable_origin
from alertline.incidents.derived.storms import bounded
from alertline.incidents.derived.sums import Sums
from alertline.incidents.derived.timeline import bounds, gaps, timeline, unrecorded
from alertline.incidents.model import AlertRow, EpisodeRow, IncidentFacts, ItemRow, witnesses
from alertline.incidents.people.history import history_of
from alertline.incidents.policy import Policy
from alertline.incidents.severity import highest
from alertline.incidents.telling.slots import completeness, required_slots
from schemas.incident import (
    Alert,
    Episode,
    Gap,
    Impact,
    Incident,
    Metric,
    Postmortem,
    Reason,
    Related,
    Slot,
    TimelineRow,
)
from schemas.vocabulary import (
    Classification,
    CommandName,
    MetricName,
    MilestoneName,
    RowKind,
    Severity,
)

__all__ = ["Overview", "overview", "present", "services_of"]


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What lists and reports show of an incident: all but its rows."""

    title: str
    severity: Severity
    classification: Classification
    services: tuple[str, ...]
    stamps: Stamps
    metrics: dict[MetricName, Metric]
    flags: tuple[str, ...]
    first_received_at: datetime | None


def overview(facts: IncidentFacts, stamps: Stamps, sums: Sums, services: Iterable[str]) -> Overview:
    """Compute the overview of an incident whose milestones and sums are known.

    Its telling episodes are enough (`gist.py`), with their alerts; `services` are those of all alerts.
    """
    orders = [item for item in facts.items if item.command is not None]
    edited = fields_set(orders)
    severity = highest([*(episode.severity for episode in witnesses(facts.episodes)), *_declared(orders)])
    return Overview(
        title=edited.get("title") or _title(facts, sums),
        severity=Severity(edited.get("severity", severity)),
        classification=Classification(edited.get("classification", Classification.INCIDENT)),
        services=tuple(sorted({*services, *((facts.row.service,) if facts.row.service else ())})),
        stamps=stamps,
        metrics=durations(facts, stamps, sums),
        flags=tuple(sorted(flags(facts, stamps, sums))),
        first_received_at=min((episode.first_received for episode in witnesses(facts.episodes)), default=None),
    )


def present(facts: IncidentFacts, policy: Policy) -> Incident:
    """Compute the whole public incident."""
    row, stamps = facts.row, stamp(facts.row, facts.episodes, facts.items, policy)
    whole = overview(facts, stamps, sums_of(facts.episodes, policy), services_of(facts.alerts))
    rows, orders = timeline(facts, stamps), [item for item in facts.items if item.command is not None]
    start, end = bounds(facts.row, stamps)
    return Incident(
        id=row.id,
        status=row.status,
        title=whole.title,
        severity=whole.severity,
        classification=whole.classification,
        scope=row.scope,
        services=whole.services,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        milestones=stamps.milestones,
        metrics=whole.metrics,
        definition=DEFINITION,
        first_received_at=whole.first_received_at,
        alerts=tuple(_alerts(facts)),
        changes=candidates(facts.changes, start, whole.services, policy),
        related=_related(facts),
        probable_origin=probable_origin(facts.alerts, witnesses(facts.episodes), policy.calls),
        timeline=bounded(rows, facts),
        conflicts=stamps.conflicts,
        gaps=tuple(sorted(_gaps(facts, rows, start, end, policy), key=lambda gap: (gap.from_, gap.to))),
        flags=whole.flags,
        reopen_count=row.reopen_count,
        first_resolved_at=row.first_resolved_at or stamps.at(MilestoneName.RESOLVED),
        recurrence_of=row.recurrence_of,
        merged_into=row.merged_into,
        aliases=facts.aliases,
        impact=Impact(),
        tasks=(),
        postmortem=_postmortem(orders),
        revisions=shown_revisions(orders),
        history=history_of(orders),
    )


def _title(facts: IncidentFacts, sums: Sums) -> str:
    """The earliest alert's title, with how many more there are; without alerts, what was declared."""
    alerts = {alert.id: alert for alert in facts.alerts}
    own = witnesses(facts.episodes)
    first = min(own, key=lambda each: (each.started_at, each.id), default=None)
    if first is not None:
        more = sums.witnesses - 1
        title = alerts[first.alert].title
        return f"{title} (+{more} more)" if more else title
    declared = [item for item in facts.items if item.kind in (RowKind.DECLARED, RowKind.DETECTED)]
    earliest = min(declared, key=lambda item: item.order, default=None)
    return earliest.text.splitlines()[0] if earliest is not None and earliest.text.strip() else "Incident"


def services_of(alerts: Iterable[AlertRow]) -> Iterable[str]:
    """The services that some alerts name."""
    return (alert.service for alert in alerts if alert.service)


def _declared(items: Iterable[ItemRow]) -> Iterable[Severity]:
    """The severities that people declared with: alerts may raise them, never lower them."""
    for item in items:
        if item.command == CommandName.DECLARE and (named := item.args.get("fields", {}).get("severity")):
            yield Severity(named)


def _postmortem(items: Iterable[ItemRow]) -> Postmortem:
    slots = {name: Slot() for name in required_slots()} | slots_of(items)
    return Postmortem(slots, completeness(slots))


def _related(facts: IncidentFacts) -> tuple[Related, ...]:
    """Incidents that members may belong to as well, each once with its best reasons, strongest first."""
    own = {facts.row.id, *facts.aliases}
    best: dict[str, Related] = {}
    for episode in sorted(facts.episodes, key=lambda each: (each.started_at, each.id)):
        for other in episode.related:
            if other.incident not in own and (other.incident not in best or best[other.incident].points < other.points):
                best[other.incident] = other
    return tuple(sorted(best.values(), key=lambda each: (-each.points, each.incident)))


def _gaps(
    facts: IncidentFacts, rows: Sequence[TimelineRow], start: datetime, end: datetime | None, policy: Policy
) -> list[Gap]:
    silent = gaps(rows, start, end, policy.gap.total_seconds(), policy.gap_share)
    return silent + unrecorded(facts.changes, start, end)


def _alerts(facts: IncidentFacts) -> Iterable[Alert]:
    own: dict[str, list[EpisodeRow]] = {}
    for episode in sorted(witnesses(facts.episodes), key=lambda each: (each.started_at, each.id)):
        own.setdefault(episode.alert, []).append(episode)
    known = {alert.id: alert for alert in facts.alerts}
    for alert, episodes in own.items():
        yield _alert(known[alert], episodes)


def _alert(alert: AlertRow, episodes: list[EpisodeRow]) -> Alert:
    why: dict[Reason, None] = {}
    for episode in episodes:
        why |= dict.fromkeys(episode.why)
    return Alert(
        id=alert.id,
        source=alert.source,
        dedup_key=alert.dedup_key,
        title=alert.title,
        service=alert.service,
        host=alert.host,
        severity=alert.severity,
        labels=alert.labels,
        episodes=tuple(_episode(each) for each in episodes),
        notifications=sum(each.notifications for each in episodes),
        why=tuple(why),
    )


def _episode(row: EpisodeRow) -> Episode:
    return Episode(
        id=row.id,
        started_at=row.started_at,
        start_basis=row.start_basis,
        ended_at=row.ended_at,
        end_basis=row.end_basis,
    )
