"""Closed vocabularies. A word that is not here does not cross a process boundary."""

from enum import StrEnum

__all__ = [
    "AlertStatus",
    "Assumed",
    "Basis",
    "ChangeKind",
    "Classification",
    "CommandName",
    "EndBasis",
    "EntryKind",
    "Excluded",
    "GroupBy",
    "HeldState",
    "IncidentStatus",
    "MetricName",
    "MilestoneName",
    "Outcome",
    "PageAction",
    "RowKind",
    "Severity",
    "SlotStatus",
]


class Severity(StrEnum):
    """How bad, in the four steps of the field; `unknown` where a source says nothing."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    UNKNOWN = "unknown"


class AlertStatus(StrEnum):
    """What one notification says of its alert."""

    FIRING = "firing"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"


class PageAction(StrEnum):
    """What a pager did, or was told: the verb of one paging record."""

    TRIGGERED = "triggered"
    NOTIFIED = "notified"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    ESCALATED = "escalated"
    ANNOTATED = "annotated"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    UPDATED = "updated"


class Outcome(StrEnum):
    """What became of one delivery when it was read."""

    ACCEPTED = "accepted"
    PARTIAL = "partial"
    QUARANTINED = "quarantined"
    IGNORED = "ignored"
    CONTROL = "control"


class HeldState(StrEnum):
    """What became of a delivery in quarantine: it waits, was read again, or was put aside by a person."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class Basis(StrEnum):
    """How we know a time, strongest first."""

    MANUAL = "manual"
    REPORTED = "reported"
    DERIVED = "derived"
    ASSUMED = "assumed"
    IMPORTED = "imported"
    FALLBACK = "fallback"


class EndBasis(StrEnum):
    """How we know the end of an episode."""

    REPORTED = "reported"
    EXPIRED = "expired"
    ASSUMED = "assumed"
    MANUAL = "manual"


class IncidentStatus(StrEnum):
    """The life of an incident."""

    OPEN = "open"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Classification(StrEnum):
    """What kind of incident it was; only `incident` counts in the metrics."""

    INCIDENT = "incident"
    DRILL = "drill"
    MAINTENANCE = "maintenance"
    FALSE_POSITIVE = "false_positive"


class MilestoneName(StrEnum):
    """The eleven stamps of an incident, in the order in which they usually happen."""

    IMPACT_STARTED = "impact_started"
    DETECTED = "detected"
    NOTIFIED = "notified"
    ACKNOWLEDGED = "acknowledged"
    INVESTIGATING = "investigating"
    ESCALATED = "escalated"
    CAUSE_IDENTIFIED = "cause_identified"
    FIX_APPLIED = "fix_applied"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"


class MetricName(StrEnum):
    """The durations of `ttx/1`; formulas in docs/metrics.md and alertline/incidents/derived/durations.py."""

    DETECT_FROM_IMPACT = "detect_from_impact"
    ACK_FROM_DETECT = "ack_from_detect"
    INVESTIGATE_FROM_DETECT = "investigate_from_detect"
    ESCALATE_FROM_DETECT = "escalate_from_detect"
    IDENTIFY_FROM_DETECT = "identify_from_detect"
    FIX_FROM_DETECT = "fix_from_detect"
    RECOVER_FROM_IMPACT = "recover_from_impact"
    RESOLVE_FROM_IMPACT = "resolve_from_impact"
    RESOLVE_FROM_DETECT = "resolve_from_detect"
    IMPACT_ACTIVE = "impact_active"
    DETOUR_TOTAL = "detour_total"
    INGEST_LAG = "ingest_lag"
    FDRT = "fdrt"


class Excluded(StrEnum):
    """Why an incident does not count in a report: the first of these that holds."""

    MERGED = "merged"
    DRILL = Classification.DRILL.value
    MAINTENANCE = Classification.MAINTENANCE.value
    FALSE_POSITIVE = Classification.FALSE_POSITIVE.value
    NOT_DETECTED = "not_detected"
    OPEN = "open"


class GroupBy(StrEnum):
    """By what a report divides incidents; an incident of several services, or sources, counts in each of them."""

    SERVICE = "service"
    SEVERITY = "severity"
    SOURCE = "source"
    SCOPE = "scope"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Assumed(StrEnum):
    """Which assumed values a report counts.

    `ends`: all but assumed detections, which are 0 by definition; `include`: all; `exclude`: none.
    """

    ENDS = "ends"
    INCLUDE = "include"
    EXCLUDE = "exclude"


class EntryKind(StrEnum):
    """What a person or a paging system may say (`{"type": "entry", "kind": …}`)."""

    IMPACT_STARTED = "impact_started"
    IMPACT_ENDED = "impact_ended"
    DETECTED = "detected"
    NOTIFIED = "notified"
    ACKNOWLEDGED = "acknowledged"
    DECLARED = "declared"
    SEVERITY_CHANGED = "severity_changed"
    INVESTIGATING = "investigating"
    HYPOTHESIS = "hypothesis"
    HYPOTHESIS_REJECTED = "hypothesis_rejected"
    FINDING = "finding"
    ESCALATED = "escalated"
    CAUSE_IDENTIFIED = "cause_identified"
    FIX_STARTED = "fix_started"
    FIX_APPLIED = "fix_applied"
    ROLLBACK = "rollback"
    RECOVERING = "recovering"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    COMMS = "comms"
    NOTE = "note"
    EVIDENCE = "evidence"


class RowKind(StrEnum):
    """Every kind of timeline row: what people say (an entry's own word), and what the correlator adds."""

    CHANGE = "change"
    IMPACT_STARTED = EntryKind.IMPACT_STARTED.value
    IMPACT_ENDED = EntryKind.IMPACT_ENDED.value
    ALERT_FIRED = "alert_fired"
    ALERT_RESOLVED = "alert_resolved"
    ALERT_REFIRED = "alert_refired"
    ALERT_SUPPRESSED = "alert_suppressed"
    DETECTED = EntryKind.DETECTED.value
    NOTIFIED = EntryKind.NOTIFIED.value
    ACKNOWLEDGED = EntryKind.ACKNOWLEDGED.value
    DECLARED = EntryKind.DECLARED.value
    SEVERITY_CHANGED = EntryKind.SEVERITY_CHANGED.value
    INVESTIGATING = EntryKind.INVESTIGATING.value
    HYPOTHESIS = EntryKind.HYPOTHESIS.value
    HYPOTHESIS_REJECTED = EntryKind.HYPOTHESIS_REJECTED.value
    FINDING = EntryKind.FINDING.value
    ESCALATED = EntryKind.ESCALATED.value
    CAUSE_IDENTIFIED = EntryKind.CAUSE_IDENTIFIED.value
    FIX_STARTED = EntryKind.FIX_STARTED.value
    FIX_APPLIED = EntryKind.FIX_APPLIED.value
    ROLLBACK = EntryKind.ROLLBACK.value
    RECOVERING = EntryKind.RECOVERING.value
    MITIGATED = EntryKind.MITIGATED.value
    RESOLVED = EntryKind.RESOLVED.value
    REOPENED = "reopened"
    CLOSED = "closed"
    COMMS = EntryKind.COMMS.value
    NOTE = EntryKind.NOTE.value
    EVIDENCE = EntryKind.EVIDENCE.value
    MERGED = "merged"
    SPLIT = "split"
    CORRECTION = "correction"


class ChangeKind(StrEnum):
    """What was changed in the system (never called a cause).

    Only Alertline itself says `unrecorded`: that for a while it could take no deliveries. That is no candidate and no
    row, but a gap of every incident that it touches.
    """

    DEPLOY = "deploy"
    CONFIG = "config"
    ROLLBACK = "rollback"
    FLAG = "flag"
    MAINTENANCE = "maintenance"
    UNRECORDED = "unrecorded"


class CommandName(StrEnum):
    """What a person may order; every command is a record of the log."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    CLOSE = "close"
    MERGE = "merge"
    SPLIT = "split"
    ATTACH = "attach"
    DETACH = "detach"
    OVERRIDE_MILESTONE = "override_milestone"
    UPDATE = "update"
    DECLARE = "declare"
    EDIT_ENTRY = "edit_entry"
    UNDO = "undo"
    DISCARD_DELIVERY = "discard_delivery"


class SlotStatus(StrEnum):
    """How far a person got with one slot of the postmortem."""

    EMPTY = "empty"
    DRAFT = "draft"
    DONE = "done"
