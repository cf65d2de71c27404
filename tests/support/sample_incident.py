"""Incidents written by hand, shaped like scenario S2: an API outage behind a load balancer, 2024-08-20."""

from datetime import UTC, datetime, timedelta

import msgspec

from schemas.incident import (
    Alert,
    Candidate,
    Conflict,
    Episode,
    Gap,
    Impact,
    Incident,
    Metric,
    Milestone,
    Postmortem,
    Reason,
    Slot,
    TimelineRow,
)
from schemas.vocabulary import (
    Basis,
    ChangeKind,
    Classification,
    EndBasis,
    IncidentStatus,
    MetricName,
    MilestoneName,
    RowKind,
    Severity,
    SlotStatus,
)

__all__ = ["at", "outage", "running", "titled"]

DERIVED, MANUAL, REPORTED = Basis.DERIVED, Basis.MANUAL, Basis.REPORTED


def at(clock: str, *, day: int = 20) -> datetime:
    """A time of the sample's day, `14:05`."""
    hour, minute = clock.split(":")
    return datetime(2024, 8, day, int(hour), int(minute), tzinfo=UTC)


def outage() -> Incident:
    """The whole outage, resolved, with its root cause half written."""
    return Incident(
        id="inc_6f21c03e",
        status=IncidentStatus.RESOLVED,
        title="API success rate below 90 %",
        severity=Severity.CRITICAL,
        classification=Classification.INCIDENT,
        scope="default",
        services=("api",),
        created_at=at("14:05") + timedelta(seconds=30, microseconds=377_000),
        updated_at=at("15:50") + timedelta(seconds=30),
        version=41,
        milestones=_milestones(),
        metrics=_metrics(),
        definition="ttx/1",
        first_received_at=at("14:05") + timedelta(seconds=30, microseconds=377_000),
        alerts=_alerts(),
        changes=_changes(),
        related=(),
        probable_origin=None,
        timeline=_timeline(),
        conflicts=(Conflict("severity", ("critical", "error"), ("ev_fire1", "ev_fire2")),),
        gaps=(Gap(at("15:00"), at("15:20"), "nothing recorded for 20 min"),),
        flags=("flapping",),
        reopen_count=0,
        first_resolved_at=at("15:45"),
        recurrence_of=None,
        merged_into=None,
        aliases=("inc_old",),
        impact=Impact(80.0, "The others saw response times above 10 s."),
        tasks=(),
        postmortem=Postmortem({"root_cause": Slot(SlotStatus.DRAFT, "A **pool setting** was altered.")}, 0.0),
    )


def running() -> Incident:
    """The same outage while it runs: nothing is resolved, nobody has said anything, the impact start is assumed."""
    stamp = Milestone(at=at("14:05"), basis=Basis.ASSUMED, evidence=("ev_fire1",))
    known = {
        MilestoneName.IMPACT_STARTED: stamp,
        MilestoneName.DETECTED: msgspec.structs.replace(stamp, basis=REPORTED),
    }
    alert = _alerts()[0]
    firing = Episode(started_at=at("14:05"), ended_at=None, end_basis=None)
    return msgspec.structs.replace(
        outage(),
        id="inc_running",
        aliases=(),
        status=IncidentStatus.OPEN,
        milestones={name: known.get(name) for name in MilestoneName},
        metrics={name: Metric(None, None, "not resolved") for name in MetricName}
        | {MetricName.DETECT_FROM_IMPACT: Metric(0.0, Basis.ASSUMED)},
        alerts=(msgspec.structs.replace(alert, episodes=(firing,)),),
        timeline=tuple(row for row in _timeline() if row.id == "fire1.fired"),
        changes=(),
        conflicts=(),
        gaps=(),
        flags=(),
        first_resolved_at=None,
        impact=Impact(),
        postmortem=Postmortem({}, 0.0),
    )


def titled(text: str) -> Incident:
    """The outage with a foreign text wherever a sender can put one."""
    incident = outage()
    replace = msgspec.structs.replace
    return replace(
        incident,
        title=text,
        scope=text,
        services=(text,),
        flags=(text,),
        alerts=tuple(replace(alert, title=text, dedup_key=text, service=text) for alert in incident.alerts),
        changes=tuple(replace(change, text=text, actor=text) for change in incident.changes),
        timeline=tuple(replace(row, text=text, actor=text, evidence=(text,)) for row in incident.timeline),
        conflicts=(Conflict(text, (text,), (text,)),),
        gaps=(Gap(at("15:00"), at("15:20"), text),),
        postmortem=Postmortem({"root_cause": Slot(SlotStatus.DRAFT, text)}, 0.0),
    )


def _milestones() -> dict[MilestoneName, Milestone | None]:
    stamps = {
        MilestoneName.IMPACT_STARTED: Milestone(
            at=at("14:00"),
            basis=DERIVED,
            earliest=at("13:59"),
            latest=at("14:00"),
            evidence=("ev_fire1",),
            note="14:05 less the pending window of 5 min",
        ),
        MilestoneName.DETECTED: Milestone(at=at("14:05"), basis=REPORTED, evidence=("ev_fire1",)),
        MilestoneName.INVESTIGATING: Milestone(at=at("14:10"), basis=MANUAL, evidence=("ev_look",)),
        MilestoneName.ESCALATED: Milestone(at=at("14:50"), basis=MANUAL, evidence=("ev_escalate",)),
        MilestoneName.CAUSE_IDENTIFIED: Milestone(at=at("15:20"), basis=MANUAL, evidence=("ev_cause",)),
        MilestoneName.FIX_APPLIED: Milestone(at=at("15:30"), basis=MANUAL, evidence=("ev_fix",)),
        MilestoneName.MITIGATED: Milestone(at=at("15:40"), basis=MANUAL, evidence=("ev_mitigated",)),
        MilestoneName.RESOLVED: Milestone(
            at=at("15:45"), basis=DERIVED, evidence=("ev_end2",), note="last alert ended; quiet for 5 min after"
        ),
    }
    return {name: stamps.get(name) for name in MilestoneName}


def _metrics() -> dict[MetricName, Metric]:
    return {
        MetricName.DETECT_FROM_IMPACT: Metric(300.0, DERIVED),
        MetricName.ACK_FROM_DETECT: Metric(None, None, "nobody acknowledged"),
        MetricName.INVESTIGATE_FROM_DETECT: Metric(300.0, REPORTED),
        MetricName.ESCALATE_FROM_DETECT: Metric(2700.0, REPORTED),
        MetricName.IDENTIFY_FROM_DETECT: Metric(4500.0, REPORTED),
        MetricName.FIX_FROM_DETECT: Metric(5100.0, REPORTED),
        MetricName.RECOVER_FROM_IMPACT: Metric(6000.0, DERIVED),
        MetricName.RESOLVE_FROM_IMPACT: Metric(6300.0, DERIVED),
        MetricName.RESOLVE_FROM_DETECT: Metric(6000.0, DERIVED),
        MetricName.IMPACT_ACTIVE: Metric(6000.0, REPORTED),
        MetricName.DETOUR_TOTAL: Metric(900.0, MANUAL),
        MetricName.INGEST_LAG: Metric(30.377, REPORTED),
        MetricName.FDRT: Metric(None, None, "no change is linked"),
    }


def _alerts() -> tuple[Alert, ...]:
    first = Alert(
        id="alert_1",
        source="alertmanager",
        dedup_key="1027d971ba724bae",
        title="API success rate below 90 %",
        service="api",
        host=None,
        severity=Severity.CRITICAL,
        labels={"alertname": "ApiSuccessRateLow", "cluster": "eu1"},
        episodes=(_episode("14:05", "15:40"),),
        notifications=4,
        why=(Reason("first", 0, "It opened the incident."),),
    )
    second = msgspec.structs.replace(
        first,
        id="alert_2",
        dedup_key="2e97d7b3e3bedf15",
        title="Error rate of /v1/orders above 5 %",
        severity=Severity.ERROR,
        labels={"endpoint": "/v1/orders", "alertname": "ApiErrorRateHigh"},
        episodes=(_episode("14:20", "15:45"),),
        why=(Reason("service", 8, "Same service: api."), Reason("time", 7, "Started 20 min after the first alert.")),
    )
    return (first, second)


def _episode(start: str, end: str) -> Episode:
    return Episode(
        started_at=at(start), ended_at=at(end), end_basis=EndBasis.REPORTED, id="fire1" if start == "14:05" else "fire2"
    )


def _changes() -> tuple[Candidate, ...]:
    return (
        Candidate(
            id="ev_maintenance",
            at=at("13:50"),
            ended_at=at("13:58"),
            kind=ChangeKind.MAINTENANCE,
            text="Routine load balancer maintenance: server pool setting updated",
            service="api",
            actor="netops-f",
            points=18,
            why=(Reason("near", 8, "Started 10 min before the impact."),),
        ),
        Candidate(
            id="ev_deploy",
            at=at("13:20"),
            ended_at=None,
            kind=ChangeKind.DEPLOY,
            text="api 2024.08.20-1 deployed",
            service="api",
            actor="ci",
            points=13,
            why=(Reason("near", 3, "Made 40 min before the impact."),),
        ),
    )


def _timeline() -> tuple[TimelineRow, ...]:
    return (*_until_escalation(), *_from_escalation())


def _until_escalation() -> tuple[TimelineRow, ...]:
    monitor = "alertmanager"
    return (
        _row(
            "impact",
            "14:00",
            RowKind.IMPACT_STARTED,
            "14:05 less the pending window of 5 min",
            DERIVED,
            None,
            "ev_fire1",
        ),
        _row("fire1.fired", "14:05", RowKind.ALERT_FIRED, "API success rate below 90 %", REPORTED, monitor, "ev_fire1"),
        _row("detected", "14:05", RowKind.DETECTED, "First alert", REPORTED, monitor, "ev_fire1"),
        _said("look", "14:10", RowKind.INVESTIGATING, "Checking the API servers for high memory or CPU usage."),
        _row(
            "fire2.fired",
            "14:20",
            RowKind.ALERT_FIRED,
            "Error rate of /v1/orders above 5 %",
            REPORTED,
            monitor,
            "ev_fire2",
        ),
        _said("hypothesis1", "14:25", RowKind.HYPOTHESIS, "The recent API update; rolling back."),
        msgspec.structs.replace(
            _said("rollback", "14:25", RowKind.ROLLBACK, "api rolled back to 2024.08.19-2"), ended_at=at("14:30")
        ),
        _said("rejected1", "14:30", RowKind.HYPOTHESIS_REJECTED, "Rolled back, the issue persists: not the update."),
    )


def _from_escalation() -> tuple[TimelineRow, ...]:
    monitor = "alertmanager"
    return (
        _said("escalate", "14:50", RowKind.ESCALATED, "Escalated to the networking team."),
        _said("finding", "15:00", RowKind.FINDING, "Abnormal traffic patterns at the load balancer."),
        _said("cause", "15:20", RowKind.CAUSE_IDENTIFIED, "All traffic goes to a single backend server."),
        _said("fix", "15:30", RowKind.FIX_APPLIED, "Load balancer configuration corrected."),
        _row(
            "fire1.resolved",
            "15:40",
            RowKind.ALERT_RESOLVED,
            "API success rate below 90 %",
            REPORTED,
            monitor,
            "ev_end1",
        ),
        _said("mitigated", "15:40", RowKind.MITIGATED, "Response times are returning to normal."),
        _row(
            "fire2.resolved",
            "15:45",
            RowKind.ALERT_RESOLVED,
            "Error rate of /v1/orders above 5 %",
            REPORTED,
            monitor,
            "ev_end2",
        ),
        _row(
            "resolved", "15:45", RowKind.RESOLVED, "Last alert ended; quiet for 5 min after", DERIVED, None, "ev_end2"
        ),
        msgspec.structs.replace(
            _said("hidden", "15:52", RowKind.NOTE, "Secret test entry, please ignore"), hidden=True
        ),
    )


def _row(
    name: str, clock: str, kind: RowKind, text: str, basis: Basis, source: str | None, evidence: str
) -> TimelineRow:
    return TimelineRow(id=name, at=at(clock), kind=kind, text=text, basis=basis, source=source, evidence=(evidence,))


def _said(name: str, clock: str, kind: RowKind, text: str) -> TimelineRow:
    row = _row(name, clock, kind, text, MANUAL, "alertline", f"ev_{name}")
    return msgspec.structs.replace(row, actor="engineer-e")
