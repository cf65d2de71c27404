"""An incident as the API, `replay` and `export` show it (contract §5). Times are UTC, microseconds at most."""

from datetime import datetime
from typing import Any

import msgspec

from schemas.vocabulary import (
    Basis,
    ChangeKind,
    Classification,
    CommandName,
    EndBasis,
    IncidentStatus,
    MetricName,
    MilestoneName,
    RowKind,
    Severity,
    SlotStatus,
)

__all__ = [
    "Alert",
    "Candidate",
    "Conflict",
    "Edit",
    "Episode",
    "Gap",
    "Impact",
    "Incident",
    "Metric",
    "Milestone",
    "Postmortem",
    "ProbableOrigin",
    "Reason",
    "Related",
    "Slot",
    "Task",
    "TimelineRow",
]


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why something is here: the rule, its points, and the sentence shown to people."""

    rule: str
    points: int
    text: str


class Milestone(msgspec.Struct, frozen=True, kw_only=True):
    """One stamp with how we know it.

    Attributes:
        at: the point estimate; earliest, latest: bounds of it, None where unknown.
        basis: how we know it; note: the rule or the reason in words.
        evidence: ids of the events behind it.
        revision: 0 for the automatic value, then one more with each override or undo.
    """

    at: datetime
    basis: Basis
    earliest: datetime | None = None
    latest: datetime | None = None
    evidence: tuple[str, ...] = ()
    revision: int = 0
    note: str | None = None


class Metric(msgspec.Struct, frozen=True):
    """One duration in seconds; None where it is not measured, with the reason."""

    seconds: float | None
    basis: Basis | None = None
    reason: str | None = None


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """One firing of one alert, in event time; ended_at None: it still fires, as far as we know."""

    started_at: datetime
    ended_at: datetime | None
    end_basis: EndBasis | None
    start_basis: Basis = Basis.REPORTED
    id: str = ""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert (source and dedup key) of the incident with its episodes here."""

    id: str
    source: str
    dedup_key: str
    title: str
    service: str | None
    host: str | None
    severity: Severity
    labels: dict[str, str]
    episodes: tuple[Episode, ...]
    notifications: int
    why: tuple[Reason, ...]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A change near the start of the impact: a candidate, never a cause."""

    id: str
    at: datetime
    ended_at: datetime | None
    kind: ChangeKind
    text: str
    service: str | None
    actor: str | None
    points: int
    why: tuple[Reason, ...]


class Related(msgspec.Struct, frozen=True):
    """Another incident that may belong to this one: suggested, not attached."""

    incident: str
    points: int
    why: tuple[Reason, ...]


class ProbableOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a cascade probably began, by the map of calls: a pointer for people, never called a cause.

    Attributes:
        service, alert: what alerted there, and the id of the alert; at: event time of its onset.
        text: why.
    """

    service: str
    alert: str
    at: datetime
    text: str


class TimelineRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of the timeline; `evidence` holds the ids of the events behind it.

    Attributes:
        note: what a person added to the row; revision: how often people edited it.
        written: a person wrote it, so it can be corrected; of other rows people can say only more.
    """

    id: str
    at: datetime
    kind: RowKind
    text: str
    basis: Basis
    ended_at: datetime | None = None
    source: str | None = None
    actor: str | None = None
    evidence: tuple[str, ...] = ()
    pinned: bool = False
    hidden: bool = False
    original_time: str | None = None
    note: str | None = None
    revision: int = 0
    written: bool = False


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """One order of a person about the incident, as the history shows it.

    Attributes:
        id: of the command; at: when it was read (log time); command: its name; what: the thing, in words.
        before, after: the values, where it changed one.
        done: it was carried out; else `refused` says why not.
        undoable: it can be taken back now; undone_by: id of the command that did.
    """

    id: str
    at: datetime
    actor: str | None
    command: CommandName
    what: str
    before: Any = None
    after: Any = None
    reason: str | None = None
    done: bool = True
    refused: str | None = None
    undoable: bool = False
    undone_by: str | None = None


class Conflict(msgspec.Struct, frozen=True):
    """Statements that cannot all be true: reported, never smoothed."""

    what: str
    values: tuple[datetime | str, ...]
    evidence: tuple[str, ...]


class Gap(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A stretch of the incident in which nothing was recorded."""

    from_: datetime
    to: datetime
    what: str


class Impact(msgspec.Struct, frozen=True):
    """What users felt, as a person wrote it."""

    users_percent: float | None = None
    text: str | None = None


class Task(msgspec.Struct, frozen=True):
    """A follow-up that a person wrote."""

    text: str
    done: bool = False
    owner: str | None = None
    type: str | None = None


class Slot(msgspec.Struct, frozen=True):
    """One part of the postmortem that only a person can write; `revision`: how often it was written."""

    status: SlotStatus = SlotStatus.EMPTY
    text: str = ""
    revision: int = 0


class Postmortem(msgspec.Struct, frozen=True):
    """The human part of the draft: slots by name, and the share of required slots that are done (0..1)."""

    slots: dict[str, Slot]
    completeness: float


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """The whole incident. Shape: contract §5; meanings: docs/glossary.md.

    Attributes:
        version: number of recorded decisions that changed it; grows, never repeats.
        metrics: `ttx/1` durations by name, and under `definition` the name of the definition.
        revisions: how often people set each thing of it: the milestones, title, severity, classification.
        history: what people ordered, oldest first.
    """

    id: str
    status: IncidentStatus
    title: str
    severity: Severity
    classification: Classification
    scope: str
    services: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    version: int
    milestones: dict[MilestoneName, Milestone | None]
    metrics: dict[MetricName, Metric]
    definition: str
    first_received_at: datetime | None
    alerts: tuple[Alert, ...]
    changes: tuple[Candidate, ...]
    related: tuple[Related, ...]
    probable_origin: ProbableOrigin | None
    timeline: tuple[TimelineRow, ...]
    conflicts: tuple[Conflict, ...]
    gaps: tuple[Gap, ...]
    flags: tuple[str, ...]
    reopen_count: int
    first_resolved_at: datetime | None
    recurrence_of: str | None
    merged_into: str | None
    aliases: tuple[str, ...]
    impact: Impact
    tasks: tuple[Task, ...]
    postmortem: Postmortem
    revisions: dict[str, int] = {}
    history: tuple[Edit, ...] = ()
