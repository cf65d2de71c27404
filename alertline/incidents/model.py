"""The rows that the correlator keeps: its memory, the store's tables and the public incident are all made of them.

Every row is frozen and carries its id and its stream. A row changes by a decision that leaves a new one behind
(`decisions.py`). Whatever can be computed from rows is not in a row.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from alertline.incidents.handled import HandledRow
from alertline.incidents.policy import Policy
from alertline.incidents.spans import Span
from schemas.configuration import Configuration
from schemas.incident import Reason, Related
from schemas.vocabulary import Basis, ChangeKind, EndBasis, IncidentStatus, RowKind, Severity

# No row can ever be part of a cycle: the collector of cycles need not look at them (gc=False), and there are many.

__all__ = [
    "LOAD_ORDER",
    "AlertRow",
    "ArrivalRow",
    "ChangeRow",
    "ConfigurationRow",
    "EpisodeRow",
    "HandledRow",
    "IncidentFacts",
    "IncidentRow",
    "ItemRow",
    "Order",
    "Row",
    "Span",
    "load_order",
    "witnesses",
]


_GROUP_LABELS = ("namespace", "kubernetes_namespace", "kube_namespace", "team")


class AlertRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="row", tag="alert"):
    """One alert: source and dedup key within a scope, as last described.

    Attributes:
        identity: what the condition keeps from one episode to the next; several dedup keys may share it.
        severity: the highest that any notification named.
    """

    id: str
    stream: str
    scope: str
    source: str
    identity: str
    dedup_key: str
    title: str
    service: str | None = None
    host: str | None = None
    severity: Severity = Severity.UNKNOWN
    labels: dict[str, str] = {}
    description: str | None = None
    source_url: str | None = None
    runbook: str | None = None

    @property
    def check(self) -> str:
        """What fired, whichever service it fired for."""
        return self.labels.get("alertname", self.title)

    @property
    def group(self) -> str | None:
        """The namespace or team that the alert names."""
        return next((self.labels[name] for name in _GROUP_LABELS if self.labels.get(name)), None)


class EpisodeRow(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="row", tag="episode"
):
    """One firing of one alert, folded from the spans that overlap (`episodes.py`).

    Attributes:
        incident: the incident it belongs to; None while a resolve stands alone that tells nothing, or it was expected.
        spans: by start; the first gives the start, the last one the end.
        pending_for: seconds before the start during which the condition already held; None if unknown.
        pending_configured: a configured rule says that, not the alert itself.
        notifications: accepted notifications that are no duplicates.
        first_received, last_received: receive times of the first and the newest of them.
        read_at: log time at which the newest of them was read.
        repeats: its source repeats itself while it fires; repeated: how often that was observed, and
            longest_gap: the longest time between two receipts then.
        leased_until: log time until which its source lets it count as firing without saying it again; None: its source
            grants no such lease.
        stale: nothing was heard of it for long, and its source would not repeat itself: nobody knows whether it fires.
        point: a moment of a source that never resolves; no longer one once its source tells an end after all.
        why: the reasons for its membership; related: incidents that it may belong to as well, or instead.
        expected: it began in a maintenance window.
        pinned: a person put it here; automation never moves it.
        origin, older_origins: the incident it was in before a merge brought it here; those before that one.
        absorbed_by: the episode that took over its spans when late records joined them; it then counts no more.
    """

    id: str
    stream: str
    scope: str
    alert: str
    incident: str | None
    spans: tuple[Span, ...]
    severity: Severity = Severity.UNKNOWN
    pending_for: float | None = None
    pending_configured: bool = False
    notifications: int = 0
    first_received: datetime
    last_received: datetime
    read_at: datetime | None = None
    repeats: bool = False
    repeated: int = 0
    longest_gap: timedelta | None = None
    leased_until: datetime | None = None
    stale: bool = False
    point: bool = False
    paging: bool = False
    expected: bool = False
    pinned: bool = False
    origin: str | None = None
    older_origins: tuple[str, ...] = ()
    absorbed_by: str | None = None
    why: tuple[Reason, ...] = ()
    related: tuple[Related, ...] = ()

    @property
    def started_at(self) -> datetime:
        """Event time of the earliest start."""
        return self.spans[0].start

    @property
    def start_basis(self) -> Basis:
        """How the start is known."""
        return self.spans[0].start_basis

    @property
    def ended_at(self) -> datetime | None:
        """Event time of the end; None while it fires. A span without an end goes on into the next one."""
        latest = self.spans[-1].end
        if latest is not None and len(self.spans) > 1:
            for span in self.spans:
                if span.end is not None and span.end > latest:
                    latest = span.end
        return latest

    @property
    def end_span(self) -> Span | None:
        """The span that gives the end; None while it fires."""
        end = self.ended_at
        return None if end is None else next(span for span in self.spans if span.end == end)

    @property
    def end_read_at(self) -> datetime | None:
        """Log time at which the newest of its ends was read."""
        if len(self.spans) == 1:
            return self.spans[0].read_at
        return max((span.read_at for span in self.spans if span.read_at is not None), default=None)

    @property
    def ended_by(self) -> datetime | None:
        """Event time by which it had ended: later than `ended_at` where only silence told of the end."""
        span = self.end_span
        return None if span is None else span.read_at if span.end_basis is EndBasis.EXPIRED else span.end

    @property
    def start_evidence(self) -> tuple[str, ...]:
        """The event that told of the start: its firing, or the resolve that was all we heard."""
        span = self.spans[0]
        event = span.fired_event or span.resolved_event
        return () if event is None else (event,)

    @property
    def end_evidence(self) -> tuple[str, ...]:
        """The event that told of the end; for a moment that is its only event."""
        span = self.end_span
        event = None if span is None else span.resolved_event or span.fired_event
        return () if event is None else (event,)

    @property
    def end_basis(self) -> EndBasis | None:
        """How the end is known."""
        span = self.end_span
        return span.end_basis if span is not None else None


def witnesses(episodes: Sequence[EpisodeRow]) -> Sequence[EpisodeRow]:
    """The episodes that say when something was wrong: pages only where no monitoring alert is a member (§8.12)."""
    return [episode for episode in episodes if not episode.paging] or episodes


class Order(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where in the log something was said: the tie-break of equal times."""

    offset: int
    n: int = 0


class ItemRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="row", tag="item"):
    """Something said about an incident: an entry, a command, or a mark of the correlator (reopened, correction…).

    Attributes:
        incident: None while it waits for its incident (contract §8.13).
        asked_incident: the incident that its author named, if any.
        kind: how it shows on the timeline.
        command, args: for a command: its name, and what it carries.
        order, read_at: where and when (log time) it was read; offered until `retry_until`.
        paging: said by a pager: its resolve counts only where the rules let it (§8.9).
        accepted: False for a statement that the rules do not let stand (it is shown as a note, with the reason).
        origin, older_origins: the incident it was in before a merge brought it here; those before that one.
    """

    id: str
    stream: str
    scope: str
    incident: str | None
    kind: RowKind
    at: datetime
    text: str
    basis: Basis
    order: Order
    read_at: datetime
    ended_at: datetime | None = None
    service: str | None = None
    actor: str | None = None
    source: str | None = None
    asked_incident: str | None = None
    command: str | None = None
    args: dict[str, Any] = {}
    retry_until: datetime | None = None
    evidence: tuple[str, ...] = ()
    original_time: str | None = None
    paging: bool = False
    accepted: bool = True
    origin: str | None = None
    older_origins: tuple[str, ...] = ()


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="row", tag="change"):
    """A change of the observed system, kept per scope."""

    id: str
    stream: str
    scope: str
    kind: ChangeKind
    at: datetime
    text: str
    basis: Basis
    read_at: datetime
    ended_at: datetime | None = None
    service: str | None = None
    actor: str | None = None
    source: str | None = None
    source_url: str | None = None


class IncidentRow(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="row", tag="incident"
):
    """What has been decided about an incident, and cannot be computed from its members.

    Attributes:
        opened_by: id of the event that opened it; opened_at: its event time.
        opened: where in the log it was opened: the order of incidents.
        created_at, updated_at: log times of the opening and of the newest decision about it.
        deadline: log time at which the quiet period ended that resolved it; None if a person did, or it is open.
        settled_at: log time at which it was resolved, by whomever; None while it is open.
        reopened: where in the log it was last reopened; resolves said before that no longer stand.
        held_open_from: log time of a person's `reopen`: automation resolves only on an end read after it.
        first_resolved_at: event time of the first resolve, kept through reopenings.
        merged_into: the survivor, for the loser of a merge, and for an emptied incident.
        cannot_link: incidents that a person said this one must never be merged with.

    Title, severity, classification and slots that a person set are items (command `update`), not columns here.
    """

    id: str
    stream: str
    scope: str
    status: IncidentStatus
    opened_by: str
    opened_at: datetime
    opened: Order
    created_at: datetime
    updated_at: datetime
    version: int = 1
    service: str | None = None
    deadline: datetime | None = None
    settled_at: datetime | None = None
    reopened: Order | None = None
    held_open_from: datetime | None = None
    reopen_count: int = 0
    first_resolved_at: datetime | None = None
    recurrence_of: str | None = None
    merged_into: str | None = None
    cannot_link: tuple[str, ...] = ()


class ArrivalRow(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="row", tag="arrival"
):
    """That something started in a scope, as it was first heard: what `background.py` learns from. Never changed.

    Attributes:
        at: event time of the onset; read_at: log time when it was read.
        check: what fired, whichever service it fired for; group: the namespace or team that the alert names.
        chronic: it was known then as a check that keeps firing on its own: no witness of who fails together.
    """

    id: str
    stream: str
    scope: str
    at: datetime
    read_at: datetime
    order: Order
    check: str
    service: str | None = None
    group: str | None = None
    chronic: bool = False


class ConfigurationRow(msgspec.Struct, frozen=True, kw_only=True, tag_field="row", tag="configuration"):
    """How the alerts of a stream are correlated now: one row a stream, the newest record of it.

    Attributes:
        at: log time from which it holds.
    """

    id: str
    stream: str
    configuration: Configuration
    digest: str
    at: datetime


Row = AlertRow | EpisodeRow | ItemRow | ChangeRow | IncidentRow | ArrivalRow | ConfigurationRow | HandledRow

LOAD_ORDER: Final = (ConfigurationRow, AlertRow, IncidentRow, EpisodeRow, ItemRow, ChangeRow, ArrivalRow, HandledRow)
"""The order in which rows are taken in again: none before what it refers to."""


def load_order(row: Row) -> tuple[int, Order, str]:
    """Rows that others refer to first; then as they were made, where the rules go by that."""
    made = (
        row.opened if isinstance(row, IncidentRow) else row.order if isinstance(row, ItemRow | ArrivalRow) else Order(0)
    )
    return LOAD_ORDER.index(type(row)), made, row.id


class IncidentFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the public incident is computed from.

    Attributes:
        alerts: of the member episodes; episodes: the members; items: attached to it.
        changes: of its scope, near or within it.
        aliases: ids that lead to it.
        policy: what the rules go by in its stream now.
    """

    row: IncidentRow
    alerts: tuple[AlertRow, ...]
    episodes: tuple[EpisodeRow, ...]
    items: tuple[ItemRow, ...]
    changes: tuple[ChangeRow, ...]
    aliases: tuple[str, ...] = ()
    policy: Policy = Policy()
