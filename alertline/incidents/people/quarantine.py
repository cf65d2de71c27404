"""What people make of the quarantine: each delivery in it is disposed of once, read again or put aside.

The state holds no row of what waits there: a sender whose every body is unreadable must not fill the memory. That a
delivery lies in quarantine is looked up before the command is given, and can only end by such a command.
"""

from datetime import datetime

from alertline.incidents.decisions import DecisionKind
from alertline.incidents.handled import HandledRow, handled_id
from alertline.incidents.memory.state import StreamState
from alertline.incidents.work import Work
from schemas.events import Command
from schemas.records import Delivery
from schemas.vocabulary import HeldState, Outcome

__all__ = ["discard", "disposed", "note_replay", "why_not", "why_not_again"]


def disposed(state: StreamState, delivery: str, received_at: datetime) -> HandledRow | None:
    """What was made of one copy of a delivery; None while it waits."""
    return state.handled.get(handled_id(state.stream, delivery, received_at))


def why_not_again(state: StreamState, record: Delivery) -> str | None:
    """Why a delivery is not read again; None where it may be."""
    if record.replay_of is None:
        return None
    row = disposed(state, record.replay_of.delivery, record.received_at)
    return None if row is None else why_not(row)


def why_not(row: HandledRow) -> str:
    """Why nothing more can be done with it."""
    if row.state is HeldState.REPLAYED:
        return f"it was read again as {row.command}"
    return f"it was discarded by {row.actor or 'somebody'}" + (f": {row.reason}" if row.reason else "")


def note_replay(work: Work, record: Delivery) -> None:
    """Let the delivery that is read again wait no longer, if anything in it could be read."""
    again = record.replay_of
    if again is None or record.outcome is Outcome.QUARANTINED:
        return
    row = HandledRow(
        id=handled_id(work.state.stream, again.delivery, record.received_at),
        stream=work.state.stream,
        delivery=again.delivery,
        received_at=record.received_at,
        state=HeldState.REPLAYED,
        command=record.id,
        at=again.at,
        actor=again.actor,
        reason=again.reason,
    )
    work.decide(DecisionKind.DELIVERY_REPLAYED, row)


def discard(work: Work, command: Command) -> None:
    """Put a delivery aside for good; one that was disposed of before stays as it is."""
    if command.delivery is None or command.received_at is None:
        return
    if disposed(work.state, command.delivery, command.received_at) is not None:
        return
    row = HandledRow(
        id=handled_id(work.state.stream, command.delivery, command.received_at),
        stream=work.state.stream,
        delivery=command.delivery,
        received_at=command.received_at,
        state=HeldState.DISCARDED,
        command=work.delivery_id,
        at=command.at or work.received_at,
        actor=command.actor,
        reason=command.reason,
    )
    work.decide(DecisionKind.DELIVERY_DISCARDED, row)
