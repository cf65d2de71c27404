"""What the stream's writer decided about each command of a delivery: stored with it, and what its author is told."""

from collections.abc import Iterator

from alertline.incidents.engine import Step
from alertline.incidents.ids import EventIds
from alertline.incidents.memory.state import StreamState
from alertline.incidents.people.quarantine import disposed, why_not
from alertline.store.port import CommandOutcome
from schemas.events import Command
from schemas.records import Delivery
from schemas.vocabulary import CommandName, Outcome

__all__ = ["failures", "outcomes"]

_REPLAY = "replay_delivery"


def outcomes(state: StreamState, delivery: Delivery, taken: Step) -> tuple[CommandOutcome, ...]:
    """The outcomes, right after the delivery was taken in; of a known one those of its first copy stand."""
    if taken.duplicate_of is not None:
        return ()
    return (*_of_replay(delivery, taken), *_of_commands(state, delivery, taken))


def failures(delivery: Delivery, reason: str) -> tuple[CommandOutcome, ...]:
    """The outcomes of a delivery that could not be taken in: nothing was carried out."""
    names = [(event.item, event.command.value) for event in delivery.events if isinstance(event, Command)]
    if delivery.replay_of is not None:
        names.insert(0, (0, _REPLAY))
    return tuple(CommandOutcome(item=item, command=name, accepted=False, reason=reason) for item, name in names)


def _of_replay(delivery: Delivery, taken: Step) -> Iterator[CommandOutcome]:
    """That a delivery be read again is a command too, though nobody wrote it as one."""
    if delivery.replay_of is None:
        return
    failed = delivery.reason if delivery.outcome is Outcome.QUARANTINED else None
    reason = taken.refused or failed
    yield CommandOutcome(item=0, command=_REPLAY, accepted=reason is None, reason=reason)


def _of_commands(state: StreamState, delivery: Delivery, taken: Step) -> Iterator[CommandOutcome]:
    for event in delivery.events:
        if not isinstance(event, Command):
            continue
        if taken.refused is not None:
            yield CommandOutcome(item=event.item, command=event.command, accepted=False, reason=taken.refused)
        elif event.command is CommandName.DISCARD_DELIVERY:
            yield _discarded(state, delivery, event)
        else:
            yield _carried_out(state, delivery, event)


def _discarded(state: StreamState, delivery: Delivery, event: Command) -> CommandOutcome:
    named = event.delivery is not None and event.received_at is not None
    row = disposed(state, event.delivery or "", event.received_at or delivery.received_at) if named else None
    accepted = row is not None and row.command == delivery.id
    reason = None if accepted else "it names no delivery" if row is None else why_not(row)
    return CommandOutcome(item=event.item, command=event.command, accepted=accepted, reason=reason)


def _carried_out(state: StreamState, delivery: Delivery, event: Command) -> CommandOutcome:
    """A command about an incident: the item that it became says whether it stands."""
    row = state.items[EventIds(state.stream, delivery.id, delivery.received_at).of(event.item)]
    if row.incident is None:
        reason = "it found no incident, or several"
        return CommandOutcome(item=event.item, command=event.command, accepted=None, reason=reason)
    refusal = None if row.accepted else row.args.get("refused", row.text)
    return CommandOutcome(
        item=event.item,
        command=event.command,
        accepted=row.accepted,
        reason=refusal,
        incident=row.incident,
        lost=bool(row.args.get("lost")),
    )
