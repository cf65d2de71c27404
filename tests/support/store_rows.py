"""Rows, summaries, deliveries and batches for tests of the store: all of stream `s`, at T0, unless a test says else."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from alertline.incidents.decisions import Decision, DecisionKind
from alertline.incidents.handled import handled_id
from alertline.incidents.model import (
    AlertRow,
    ChangeRow,
    ConfigurationRow,
    EpisodeRow,
    HandledRow,
    IncidentRow,
    ItemRow,
    Order,
    Row,
    Span,
)
from alertline.store.port import Applied, Batch, Claim, DeliveryRow, StreamClock, Summary
from schemas.configuration import Configuration, Windows, digest_of
from schemas.vocabulary import Basis, ChangeKind, Classification, HeldState, IncidentStatus, Outcome, RowKind, Severity

T0 = datetime(2024, 8, 20, 14, 5, 7, 123456, tzinfo=UTC)


def alert(name: str = "a1", **other: object) -> AlertRow:
    """An alert row."""
    row = AlertRow(id=name, stream="s", scope="default", source="generic", identity=name, dedup_key=name, title=name)
    return msgspec.structs.replace(row, **other)


def episode(
    name: str, incident: str | None, start: datetime = T0, end: datetime | None = None, alert: str = "a1"
) -> EpisodeRow:
    """An episode, of the alert a1 unless said."""
    return EpisodeRow(
        id=name, stream="s", scope="default", alert=alert, incident=incident, spans=(Span(start=start, end=end),),
        first_received=start, last_received=start,
    )  # fmt: skip


def incident(name: str = "i1", status: IncidentStatus = IncidentStatus.OPEN, **other: object) -> IncidentRow:
    """An incident row."""
    row = IncidentRow(
        id=name,
        stream="s",
        scope="default",
        status=status,
        opened_by="e",
        opened_at=T0,
        opened=Order(1),
        created_at=T0,
        updated_at=T0,
    )
    return msgspec.structs.replace(row, **other)


def item(name: str, incident: str | None, at: datetime = T0, text: str = "text") -> ItemRow:
    """Something that was said."""
    return ItemRow(
        id=name, stream="s", scope="default", incident=incident, kind=RowKind.NOTE, at=at, text=text,
        basis=Basis.MANUAL, order=Order(1), read_at=at, args={"deep": [1, {"x": None}]},
    )  # fmt: skip


def configuration(quiet: timedelta, stream: str = "s") -> ConfigurationRow:
    """The configuration of a stream."""
    found = Configuration(windows=Windows(quiet=quiet), depends_on={"api": ("db",)})
    return ConfigurationRow(id=f"cf_{stream}", stream=stream, configuration=found, digest=digest_of(found), at=T0)


def handled(delivery_id: str, received_at: datetime, state: HeldState, stream: str = "s") -> HandledRow:
    """What was made of a copy of a delivery in quarantine."""
    return HandledRow(
        id=handled_id(stream, delivery_id, received_at), stream=stream, delivery=delivery_id, received_at=received_at,
        state=state, command="d_c", at=T0, actor="ana", reason="why",
    )  # fmt: skip


def change(name: str, at: datetime, scope: str = "default") -> ChangeRow:
    """A change of the observed system."""
    return ChangeRow(
        id=name, stream="s", scope=scope, kind=ChangeKind.DEPLOY, at=at, text="v2", basis=Basis.REPORTED, read_at=at
    )


def summary(name: str, started_at: datetime = T0, **other: object) -> Summary:
    """A line of the list."""
    line = Summary(
        id=name, stream="s", scope="default", status=IncidentStatus.OPEN, title=f"Title of {name}",
        severity=Severity.ERROR, classification=Classification.INCIDENT, services=(), started_at=started_at,
        created_at=T0, updated_at=T0, version=1, milestones={}, metrics={}, alerts=1, flags=(), reopen_count=0,
        recurrence_of=None, merged_into=None,
    )  # fmt: skip
    return msgspec.structs.replace(line, **other)


def delivery(name: str, offset: int, received_at: datetime = T0, **other: object) -> DeliveryRow:
    """A delivery as it was applied."""
    row = DeliveryRow(
        id=name, stream="s", partition=0, offset=offset, received_at=received_at, integration="generic",
        source="generic", outcome=Outcome.ACCEPTED,
    )  # fmt: skip
    return msgspec.structs.replace(row, **other)


def batch(
    claim: Claim,
    rows: Sequence[Row] = (),
    *,
    first: int = 0,
    next_offset: int | None = None,
    deliveries: Sequence[DeliveryRow] = (),
    summaries: Sequence[Summary] = (),
    clocks: Sequence[StreamClock] = (StreamClock("s", T0),),
) -> Batch:
    """A batch whose first record decided all rows, in their order."""
    applied = [
        Applied(row.stream, first, n, Decision(DecisionKind.INCIDENT_UPDATED, row)) for n, row in enumerate(rows)
    ]
    return Batch(
        claim=claim, first=first, next_offset=first + 1 if next_offset is None else next_offset, decisions=applied,
        deliveries=deliveries, summaries=summaries, clocks=clocks,
    )  # fmt: skip
