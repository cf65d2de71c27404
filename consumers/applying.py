"""From log records to what one transaction writes. Pure but for the states, which change by the decisions alone."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from alertline.eventlog.port import LogRecord
from alertline.incidents.decisions import Decision
from alertline.incidents.engine import Step, step
from alertline.incidents.memory.archive import NO_ARCHIVE, Archive, ArchiveAway
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import ChangeRow, EpisodeRow, IncidentRow, ItemRow, load_order
from alertline.incidents.policy import Policy
from alertline.store.port import Applied, Batch, Claim, CommandOutcome, DeliveryRow, Loaded, StreamClock
from consumers.outcomes import failures, outcomes
from consumers.telling import Told, tell
from schemas.events import AlertEvent
from schemas.records import Configured, Delivery, NewerRecord, Record, UnreadableRecord, decode
from schemas.vocabulary import Outcome

__all__ = ["Inapplicable", "States", "apply_records", "not_applicable", "on_log_time"]

_RIGHT: Final = timedelta()
_ON_ITS_WAY: Final = timedelta(minutes=2)  # a process may stand still between making a batch and sending it
_UNREAD: Final = 20  # items of a batch; all of them are in the record


class Inapplicable(Exception):
    """The core cannot take in one of the records; its cause says why."""

    def __init__(self, index: int) -> None:
        super().__init__(f"record no. {index} of the batch")
        self.index = index


class States:
    """The memory of every stream of a partition, as loaded from the store and changed by decisions since.

    `policy` is what a stream goes by until its log holds a configuration.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._archives: Callable[[str], Archive] = lambda _: NO_ARCHIVE
        self._states: dict[str, StreamState] = {}

    def all(self) -> list[StreamState]:
        """The memory of every stream, by name."""
        return [self._states[stream] for stream in sorted(self._states)]

    def of(self, stream: str) -> StreamState:
        """The memory of a stream; a new stream has an empty one."""
        state = self._states.get(stream)
        if state is None:
            state = self._states[stream] = StreamState(stream, self._policy, self._archives(stream))
        return state

    def restore(self, loaded: Loaded) -> None:
        """Take in what the store held: rows that others refer to first."""
        for clock in loaded.clocks:
            self.of(clock.stream).log_time = clock.log_time
        for row in sorted(loaded.rows, key=load_order):
            self.of(row.stream).put(row)
        self.remember(loaded.deliveries)

    def remember(self, deliveries: Iterable[DeliveryRow]) -> None:
        """Know these deliveries again."""
        for each in sorted(deliveries, key=lambda row: row.offset):
            if each.replay_of is not None:
                continue  # whether it is known, the row of the delivery that it read again says
            if each.duplicate_of is None:
                self.of(each.stream).deliveries.add(each.id, each.received_at, each.offset, keyed=each.keyed)
            elif not each.keyed:
                self.of(each.stream).deliveries.add(each.id, each.received_at, each.duplicate_of, keyed=False)

    def ask(self, archives: Callable[[str], Archive]) -> None:
        """Recall what is not in memory from these from here on."""
        self._archives = archives
        for stream, state in self._states.items():
            state.archive = archives(stream)

    def rest(self) -> None:
        """Let what is over for long leave the memory; it must have been written. Nothing is recalled until `ask`."""
        for state in self._states.values():
            state.rest()
            state.deliveries.rest()

    def told(self, incidents: Iterable[tuple[str, str]], retold: Iterable[tuple[str, str]] = ()) -> Told:
        """What readers are told of some incidents (stream, id), as they are now; of others only the timeline."""
        return tell(
            [(self.of(stream), incident) for stream, incident in incidents],
            [(self.of(stream), incident) for stream, incident in retold],
        )


def apply_records(
    states: States,
    records: Sequence[LogRecord],
    claim: Claim,
    archives: Callable[[str], Archive] = lambda _: NO_ARCHIVE,
) -> Batch:
    """Read records in order and say what they come to; what is not in memory is asked of the archive of its stream.

    Raises:
        schemas.records.NewerRecord: a record is newer than this code: nothing may be skipped, upgrade first.
        Inapplicable: the core failed on a record, and the memory is of no use any more.
    """
    decisions, deliveries = list[Applied](), list[DeliveryRow]()
    touched, retold = dict[tuple[str, str], None](), dict[tuple[str, str], None]()
    states.ask(archives)
    read = [_read(each, index) for index, each in enumerate(records)]
    _look_up(states, read)
    for index, (each, record) in enumerate(zip(records, read, strict=True)):
        taken = _taken(states, each, record, index)
        state, incidents = states.of(record.stream), _incidents(taken.decisions)
        shown = state.incidents if isinstance(record, Configured) and taken.decisions else incidents
        touched |= dict.fromkeys((state.stream, incident) for incident in shown)
        retold |= dict.fromkeys((state.stream, incident) for incident in _showing_changes(state, taken.decisions))
        decisions += [
            Applied(record.stream, each.position.offset, n, decision) for n, decision in enumerate(taken.decisions)
        ]
        if isinstance(record, Delivery):
            deliveries.append(_delivery_row(record, each, taken, incidents, outcomes(state, record, taken)))
    told = states.told(touched, retold)
    return Batch(
        claim=claim,
        first=claim.next_offset,
        next_offset=records[-1].position.next_offset,
        decisions=decisions,
        deliveries=deliveries,
        summaries=told.summaries,
        automatic=told.automatic,
        timelines=told.timelines,
        clocks=[StreamClock(state.stream, state.log_time) for state in states.all()],
    )


def _read(each: LogRecord, index: int) -> Record:
    try:
        return on_log_time(decode(each.payload), each.appended_at, each.sent_at)
    except NewerRecord:
        raise
    except UnreadableRecord as error:
        raise Inapplicable(index) from error


def _look_up(states: States, records: Iterable[Record]) -> None:
    """Ask at once for all that is known by the keys of these alerts: one by one it would be a question for each."""
    keys: dict[str, dict[str, None]] = {}
    for record in records:
        own = keys.setdefault(record.stream, {})
        for event in record.events if isinstance(record, Delivery) else ():
            if isinstance(event, AlertEvent):
                own |= dict.fromkeys((event.dedup_key, event.identity, *event.aliases))
    for stream, named in keys.items():
        states.of(stream).settle(named)


def _taken(states: States, each: LogRecord, record: Record, index: int) -> Step:
    state = states.of(record.stream)
    try:
        if isinstance(record, Configured) and record.digest != (state.configuration and state.configuration.digest):
            state.recall_all()  # by other rules other times may follow, for every incident
        return step(state, each.position.offset, record)
    except ArchiveAway:
        raise
    except Exception as error:
        raise Inapplicable(index) from error


def on_log_time(record: Record, appended_at: datetime, sent_at: datetime | None = None) -> Record:
    """The record as the log's clock judges it: nothing was received after it was appended (§8.4).

    A process whose clock differs from the log's by more than a record is on its way received at another time, too. How
    long a record waited in a spool before it was sent, its process measured by that same clock.
    """
    if isinstance(record, Configured) and record.at > appended_at:
        return msgspec.structs.replace(record, at=appended_at)
    if not isinstance(record, Delivery):
        return record
    off = appended_at - sent_at if sent_at is not None else _RIGHT
    received_at = min(record.received_at + (off if abs(off) > _ON_ITS_WAY else _RIGHT), appended_at)
    return record if received_at == record.received_at else msgspec.structs.replace(record, received_at=received_at)


def not_applicable(record: LogRecord, claim: Claim, reason: str, *, kept: bool = True) -> Batch:
    """What is written of a record that the core cannot take in: it is kept and shown, and reading goes on.

    `kept`: unless the store refuses even that; then only the read position moves.
    """
    rows = []
    if kept and isinstance(delivery := _readable(record), Delivery):
        row = _delivery_row(delivery, record, Step([]), ())
        rows = [
            msgspec.structs.replace(
                row, outcome=Outcome.QUARANTINED, reason=reason, commands=failures(delivery, reason)
            )
        ]
    return Batch(
        claim=claim,
        first=claim.next_offset,
        next_offset=record.position.next_offset,
        decisions=(),
        deliveries=rows,
        summaries=(),
        clocks=(),
    )


def _readable(record: LogRecord) -> Record | None:
    """The record, if its bytes are one; of others only the offset can be told, and the runner has done that."""
    try:
        return decode(record.payload)
    except UnreadableRecord:
        return None


def _incidents(decisions: Iterable[Decision]) -> tuple[str, ...]:
    """The incidents that some decisions are about, in order of first mention."""
    found: dict[str, None] = {}
    for decision in decisions:
        row = decision.row
        if isinstance(row, IncidentRow):
            found[row.id] = None
        elif isinstance(row, EpisodeRow | ItemRow) and row.incident is not None:
            found[row.incident] = None
    return tuple(found)


def _showing_changes(state: StreamState, decisions: Iterable[Decision]) -> Iterable[str]:
    """The incidents whose timeline has a row more because a change of the observed system came in."""
    for decision in decisions:
        if isinstance(decision.row, ChangeRow):
            yield from state.incidents_showing(decision.row)


def _delivery_row(
    delivery: Delivery,
    at: LogRecord,
    taken: Step,
    incidents: tuple[str, ...],
    commands: tuple[CommandOutcome, ...] = (),
) -> DeliveryRow:
    again = delivery.replay_of
    return DeliveryRow(
        id=delivery.id,
        stream=delivery.stream,
        partition=at.position.partition,
        offset=at.position.offset,
        received_at=delivery.received_at,
        integration=delivery.integration,
        source=delivery.source,
        outcome=delivery.outcome if taken.refused is None else Outcome.IGNORED,
        keyed=delivery.keyed,
        reason=taken.refused or delivery.reason,
        events=len(delivery.events),
        rejected=len(delivery.rejected),
        duplicate_of=taken.duplicate_of,
        incidents=incidents,
        unread=delivery.rejected[:_UNREAD],
        replay_of=None if again is None else again.delivery,
        commands=commands,
    )
