"""The correlator: one record in, decisions out. The same log always gives the same decisions.

For each record, in log order:

1. Log time moves to the record's receive time, never back (contract §8.4).
2. Every timer that is due by then is carried out first, at its own deadline. A configuration holds from there on.
3. A delivery that is known already is counted as a duplicate and changes nothing (§8.3); one of the quarantine that is
   read again does so once.
4. Its alerts are heard in order of their stated start, then what people say, in the sender's order.
5. What waits for an incident is offered again where one opened or its interval changed (§8.13).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from alertline.incidents.correlating.joining import fires_on
from alertline.incidents.correlating.lifecycle import resolve_quiet
from alertline.incidents.decisions import Decision, DecisionKind
from alertline.incidents.hearing.alerts import hear
from alertline.incidents.hearing.pages import hear_page
from alertline.incidents.hearing.silence import fall_silent
from alertline.incidents.ids import mark_id
from alertline.incidents.memory.archive import Copy
from alertline.incidents.memory.state import StreamState
from alertline.incidents.memory.timers import TimerKind
from alertline.incidents.model import ChangeRow, ConfigurationRow
from alertline.incidents.people.hearing import hear_command, hear_entry, offer_again
from alertline.incidents.people.quarantine import discard, note_replay, why_not_again
from alertline.incidents.rules import ruled
from alertline.incidents.scopes import EVERYWHERE, scope_of
from alertline.incidents.work import Work
from schemas.events import AlertEvent, Change, Command, Entry, Event
from schemas.records import Configured, Delivery, Record, Tick
from schemas.vocabulary import Basis, ChangeKind, CommandName

__all__ = ["Step", "advance", "step"]

_CARRIED_OUT: Final[dict[TimerKind, Callable[[Work, str, datetime], None]]] = {
    TimerKind.EXPECTED_OVER: fires_on,
    TimerKind.QUIET: resolve_quiet,
    TimerKind.SILENT: fall_silent,
}
_LATEST = datetime.max.replace(tzinfo=UTC)


class Step(msgspec.Struct, frozen=True):
    """What one record led to.

    Attributes:
        decisions: in order; already in the state.
        duplicate_of: offset of the earlier copy, where the delivery was known.
        refused: why nothing was taken in, where a person had disposed of the delivery before.
    """

    decisions: list[Decision]
    duplicate_of: int | None = None
    refused: str | None = None


def step(state: StreamState, offset: int, record: Record) -> Step:
    """Take in one record of the stream; the state is changed by exactly the decisions that are returned."""
    if isinstance(record, Tick):
        return Step(advance(state, offset, record.at))
    if isinstance(record, Configured):
        decisions = advance(state, offset, record.at) + _configured(state, offset, record)
        return Step(decisions + advance(state, offset, state.log_time))
    decisions = advance(state, offset, record.received_at)
    if record.replay_of is not None:
        if (refusal := why_not_again(state, record)) is not None:
            return Step(decisions, refused=refusal)
    elif (known := _known(state, offset, record)) is not None:
        return Step(decisions, known.offset)
    work = Work(state, offset, record.received_at, record.id, record.source)
    work.events = record.events
    note_replay(work, record)
    for event in _in_order(record.events):
        _hear(work, event)
    offer_again(work)
    work.settle()
    # a timer that was overdue when it was set (an alert told long after its maintenance window) does not wait
    return Step(decisions + work.decisions + advance(state, offset, state.log_time))


def _known(state: StreamState, offset: int, record: Delivery) -> Copy | None:
    return state.deliveries.add(
        record.id,
        record.received_at,
        offset,
        keyed=record.keyed,
        log_time=state.log_time,
        archive=state.archive,
    )


def advance(state: StreamState, offset: int, to: datetime) -> list[Decision]:
    """Let log time run on, and carry out the timers that fall due, each at its own deadline."""
    decisions: list[Decision] = []
    to = max(state.log_time, to)  # a timer whose deadline passed when it was set waits for no later record
    while (due := state.pop_due(to)) is not None:
        deadline, kind, name = due
        state.log_time = max(state.log_time, deadline)
        work = Work(state, offset, deadline, "", "")
        _CARRIED_OUT[kind](work, name, deadline)
        offer_again(work)
        work.settle()
        decisions += work.decisions
    state.log_time = to
    return decisions


def _configured(state: StreamState, offset: int, record: Configured) -> list[Decision]:
    """Let a configuration hold from here on; one that holds already decides nothing."""
    if state.configuration is not None and state.configuration.digest == record.digest:
        return []
    work = Work(state, offset, record.at, "", "")
    row = ConfigurationRow(
        id=mark_id("cf", state.stream),
        stream=state.stream,
        configuration=record.configuration,
        digest=record.digest,
        at=state.log_time,
    )
    work.decide(DecisionKind.CONFIGURED, row)
    return work.decisions


def _in_order(events: tuple[Event, ...]) -> list[Event]:
    """Alerts by their stated start (a group is no order), then the rest as the sender listed it."""
    if len(events) == 1:
        return list(events)
    alerts = [event for event in events if isinstance(event, AlertEvent)]
    rest = [event for event in events if not isinstance(event, AlertEvent)]
    return [*sorted(alerts, key=lambda each: (each.starts_at or _LATEST, each.item)), *rest]


def _hear(work: Work, event: Event) -> None:
    match event:
        case AlertEvent():
            event = ruled(event, work.source, work.state.stream, work.policy)
            (hear_page if event.paging else hear)(work, event)
        case Entry():
            hear_entry(work, event)
        case Command():
            (discard if event.command is CommandName.DISCARD_DELIVERY else hear_command)(work, event)
        case Change():
            _hear_change(work, event)
        case _:
            pass  # a sender's test button: shown with the delivery, never an alert


def _hear_change(work: Work, change: Change) -> None:
    row = ChangeRow(
        id=work.event(change.item),
        stream=work.state.stream,
        scope=(EVERYWHERE if change.kind is ChangeKind.UNRECORDED else scope_of(work.state.stream, change.scope)),
        kind=change.kind,
        at=change.at or work.received_at,
        text=change.text,
        basis=Basis.REPORTED if change.at else Basis.FALLBACK,
        read_at=work.log_time,
        ended_at=change.ended_at,
        service=change.service,
        actor=change.actor,
        source=work.source,
        source_url=change.source_url,
    )
    work.decide(DecisionKind.CHANGE_RECORDED, row)
