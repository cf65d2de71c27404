"""What a store takes from the correlator and gives to readers."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from alertline.incidents.decisions import Decision
from alertline.incidents.model import HandledRow, Row
from schemas.events import Rejected
from schemas.incident import Metric, Milestone, TimelineRow
from schemas.vocabulary import (
    Classification,
    HeldState,
    IncidentStatus,
    MetricName,
    MilestoneName,
    Outcome,
    Severity,
)

__all__ = [
    "Applied",
    "Automatic",
    "Batch",
    "Claim",
    "CommandOutcome",
    "DeliveryRow",
    "Fenced",
    "Filter",
    "Held",
    "IncidentPage",
    "Loaded",
    "LogChanged",
    "StreamClock",
    "Summary",
    "Timeline",
]


class Fenced(Exception):
    """Another process claimed the partition, or the batch does not follow on what was applied: nothing was written."""


class LogChanged(Exception):
    """The store was filled from another log: reading on would skip records silently."""


class Claim(msgspec.Struct, frozen=True):
    """The right to apply one partition: good until somebody claims it again."""

    log_id: str
    partition: int
    epoch: int
    next_offset: int


class StreamClock(msgspec.Struct, frozen=True):
    """Log time of a stream: the newest receive time read so far."""

    stream: str
    log_time: datetime


class CommandOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the stream's writer decided about one command of a delivery.

    Attributes:
        item: which command of the delivery.
        accepted: whether it was carried out; None: it found no incident yet.
        reason: why not; incident: the incident that it was about.
        lost: somebody else changed the thing first.
    """

    item: int
    command: str
    accepted: bool | None
    reason: str | None = None
    incident: str | None = None
    lost: bool = False


class DeliveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery occurrence as it was applied.

    Attributes:
        id: the delivery id that its sender was told.
        duplicate_of: offset of the earlier copy, where this one is a known delivery again.
        keyed: whether the sender gave the id.
        incidents: ids of the incidents that it touched.
        unread: what could not be read of a batch: the first few items of `rejected`.
        commands: what became of the commands in it; of a delivery that was read again, of that order.
        replay_of: id of the delivery in quarantine that was read again.
    """

    id: str
    stream: str
    partition: int
    offset: int
    received_at: datetime
    integration: str
    source: str
    outcome: Outcome
    keyed: bool = False
    reason: str | None = None
    events: int = 0
    rejected: int = 0
    duplicate_of: int | None = None
    incidents: tuple[str, ...] = ()
    unread: tuple[Rejected, ...] = ()
    commands: tuple[CommandOutcome, ...] = ()
    replay_of: str | None = None

    @property
    def held(self) -> bool:
        """Whether it lies in quarantine; of copies only the first, and nothing that was read again in vain."""
        if self.duplicate_of is not None:
            return False
        if self.outcome is Outcome.PARTIAL:
            return True
        return self.outcome is Outcome.QUARANTINED and self.replay_of is None


class Held(msgspec.Struct, frozen=True):
    """A delivery in quarantine, and what was made of it; None while it waits."""

    delivery: DeliveryRow
    handled: HandledRow | None = None

    @property
    def state(self) -> HeldState:
        """Whether it waits."""
        return HeldState.OPEN if self.handled is None else self.handled.state


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list of incidents: computed when the incident changed, searched and sorted by the store.

    Attributes:
        started_at: impact_started, else detected, else the opening: the sort key (newest first), with the id.
        title: as shown.
        merged_into: set for those that lists leave out.
    """

    id: str
    stream: str
    scope: str
    status: IncidentStatus
    title: str
    severity: Severity
    classification: Classification
    services: tuple[str, ...]
    started_at: datetime
    created_at: datetime
    updated_at: datetime
    version: int
    milestones: dict[MilestoneName, Milestone | None]
    metrics: dict[MetricName, Metric]
    alerts: int
    flags: tuple[str, ...]
    reopen_count: int
    recurrence_of: str | None
    merged_into: str | None

    @property
    def ended_at(self) -> datetime | None:
        """Until when a statement is about the incident (contract §8.13); None: it has no end."""
        resolved = self.milestones.get(MilestoneName.RESOLVED)
        return None if self.status is IncidentStatus.OPEN or resolved is None else resolved.at


class Automatic(msgspec.Struct, frozen=True):
    """What the milestones and metrics of an incident would be without the overrides of people."""

    incident: str
    milestones: dict[MilestoneName, Milestone | None]
    metrics: dict[MetricName, Metric]


class Timeline(msgspec.Struct, frozen=True):
    """All rows of an incident's timeline, in order."""

    incident: str
    rows: tuple[TimelineRow, ...]


class Applied(msgspec.Struct, frozen=True):
    """One decision with its place: (stream, offset, n) is unique and never changes."""

    stream: str
    offset: int
    n: int
    decision: Decision


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """All that one transaction writes.

    Attributes:
        claim: in whose name; first: the offset it starts from; next_offset: where reading goes on.
        automatic: of those incidents of `summaries` in which a person overrode a milestone.
        timelines: of some incidents; one of `summaries` that is not among them is told later.
    """

    claim: Claim
    first: int
    next_offset: int
    decisions: Sequence[Applied]
    deliveries: Sequence[DeliveryRow]
    summaries: Sequence[Summary]
    clocks: Sequence[StreamClock]
    automatic: Sequence[Automatic] = ()
    timelines: Sequence[Timeline] = ()


class Loaded(msgspec.Struct, frozen=True):
    """What a correlator starts from: the current rows, log times, and the deliveries that are still remembered."""

    rows: Sequence[Row]
    clocks: Sequence[StreamClock]
    deliveries: Sequence[DeliveryRow]


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which incidents to list; None: all. `since` and `until` are bounds on `started_at`."""

    status: IncidentStatus | None = None
    service: str | None = None
    severity: Severity | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


class IncidentPage(msgspec.Struct, frozen=True):
    """A page of the list and where the next one begins."""

    incidents: Sequence[Summary]
    next_cursor: str | None
