"""What people say: to which incident an entry or a command belongs (contract §8.13), and what it changes there."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from alertline.incidents.correlating.lifecycle import basis_of_statement, open_incident, resolve_said
from alertline.incidents.decisions import DecisionKind
from alertline.incidents.derived.timeline import lasted
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import IncidentRow, ItemRow
from alertline.incidents.people.amend import apply, describe, not_standing, prepared
from alertline.incidents.scopes import scope_of
from alertline.incidents.work import Work
from schemas.events import Command, Entry
from schemas.vocabulary import Basis, CommandName, IncidentStatus, RowKind

__all__ = ["Asked", "Found", "find_incident", "hear_command", "hear_entry", "offer_again"]

_DECLARES = (RowKind.DETECTED, RowKind.DECLARED)


class Found(msgspec.Struct, frozen=True):
    """What the search came to: the incident, or none, or several that are equally good."""

    incident: str | None = None
    several: bool = False


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of something said: enough to find its incident."""

    scope: str
    at: datetime
    service: str | None = None
    incident: str | None = None
    closing: bool = False


def hear_entry(work: Work, entry: Entry) -> None:
    """Take in what a person says."""
    event = work.event(entry.item)
    row = ItemRow(
        id=event,
        stream=work.state.stream,
        scope=scope_of(work.state.stream, entry.scope),
        incident=None,
        kind=RowKind(entry.kind),
        at=entry.at or work.received_at,
        ended_at=entry.ended_at,
        text=entry.text,
        basis=basis_of_statement(entry.at),
        order=work.order(),
        read_at=work.log_time,
        service=entry.service,
        actor=entry.actor,
        source=work.source,
        asked_incident=entry.incident,
        retry_until=work.log_time + work.policy.retry,
        evidence=(event,),
        original_time=entry.original_time,
    )
    _hear(work, row)


def hear_command(work: Work, command: Command) -> None:
    """Take in an order. It finds its incident as an entry does, and is carried out there."""
    event = work.event(command.item)
    kind, text = describe(command)
    row = ItemRow(
        id=event,
        stream=work.state.stream,
        scope=scope_of(work.state.stream, command.scope),
        incident=None,
        kind=kind,
        at=command.at or work.received_at,
        text=text,
        basis=Basis.MANUAL,
        order=work.order(),
        read_at=work.log_time,
        service=command.service,
        actor=command.actor,
        source=work.source,
        asked_incident=command.incident,
        command=command.command.value,
        args=_args(command),
        retry_until=work.log_time + work.policy.retry,
        evidence=(event,),
    )
    _hear(work, row)


def _args(command: Command) -> dict[str, object]:
    """What a command carries, as plain JSON values."""
    found: dict[str, object] = {
        "reason": command.reason,
        "milestone": command.milestone,
        "to": command.to.isoformat() if command.to else None,
        "undo": command.undo or None,
        "into": command.into,
        "alerts": list(command.alerts) or None,
        "entries": list(command.entries) or None,
        "entry": command.entry,
        "of": command.of,
        "fields": command.fields or None,
        "revision": command.revision,
    }
    return {name: value for name, value in found.items() if value is not None}


def _hear(work: Work, row: ItemRow) -> None:
    if row.command == CommandName.DECLARE:
        declared = open_incident(work, scope=row.scope, by=row.id, at=row.at, service=row.service)
        _attach(work, row, declared.id, DecisionKind.ITEM_RECORDED)
        return
    found = find_incident(work.state, _asked(row))
    if found.incident is not None:
        _attach(work, row, found.incident, DecisionKind.ITEM_RECORDED)
    elif row.kind in _DECLARES and row.command is None and row.asked_incident is None and not found.several:
        incident = open_incident(work, scope=row.scope, by=row.id, at=row.at, service=row.service)
        _attach(work, row, incident.id, DecisionKind.ITEM_RECORDED)
    else:
        work.decide(DecisionKind.ITEM_RECORDED, row)


def offer_again(work: Work) -> None:
    """Offer what still waits to the scopes in which an incident opened or changed its interval (§8.13).

    Attaching may change an interval in turn: go on until nothing moves.
    """
    while work.moved:
        scope, _ = work.moved.popitem()
        for item in list(work.state.waiting[scope]):
            row = work.state.items[item]
            if row.retry_until is None or row.retry_until < work.log_time:
                work.state.waiting[scope].pop(item)  # too late: it stays unattached until a person attaches it
                continue
            found = find_incident(work.state, _asked(row))
            if found.incident is not None:
                _attach(work, row, found.incident, DecisionKind.ITEM_ATTACHED)


def _attach(work: Work, row: ItemRow, incident: str, kind: DecisionKind) -> None:
    row = msgspec.structs.replace(row, incident=incident)
    home = work.state.incidents[incident]
    if row.command is not None:
        row = prepared(work, home, row)  # it is decided on what was there before it
    work.decide(kind, row)
    work.touch(incident, interval=row.kind in (RowKind.IMPACT_STARTED, RowKind.RESOLVED, *_DECLARES))
    if row.command is not None:
        if row.accepted:
            apply(work, home, row)
    elif row.kind is RowKind.RESOLVED and not resolve_said(work, home, row):
        work.decide(DecisionKind.ITEM_ATTACHED, not_standing(row))


# -------------------------------------------------------------------- finding


def _asked(row: ItemRow) -> Asked:
    return Asked(
        scope=row.scope,
        at=row.at,
        service=row.service,
        incident=row.asked_incident,
        closing=row.command == CommandName.CLOSE,
    )


def find_incident(state: StreamState, asked: Asked) -> Found:
    """The incident that something said belongs to (§8.13, in its order)."""
    if asked.incident is not None:
        survivor = state.survivor(asked.incident)
        return Found(survivor.id if survivor else None)
    tests: tuple[Callable[[IncidentRow], bool], ...] = (
        lambda each: _distance(state, each, asked.at) == timedelta(0),
        lambda each: asked.closing or each.status is IncidentStatus.OPEN,
        lambda each: _distance(state, each, asked.at) <= state.policy.reach,
    )
    several = False
    for test in tests:
        found = _of_service(state, (each for each in _rows(state, asked) if test(each)), asked.service)
        if len(found) == 1:
            return Found(found[0].id)
        several = several or len(found) > 1
    return Found(None, several)


def _rows(state: StreamState, asked: Asked) -> Iterable[IncidentRow]:
    """The incidents that may be meant: what is to be closed may have been over for long."""
    reach = state.policy.quiet + state.policy.reach
    near = {each.id: each for each in state.incidents_near(asked.scope, asked.at, reach)}
    if asked.closing:
        near.update((each.id, each) for each in state.incidents_to_close(asked.scope, asked.service))
        return [each for each in near.values() if each.status is not IncidentStatus.CLOSED]
    return near.values()


def _of_service(state: StreamState, rows: Iterable[IncidentRow], service: str | None) -> list[IncidentRow]:
    """Those that have the service, or all if none has it; of several, two: more need not be known."""
    own: list[IncidentRow] = []
    others: list[IncidentRow] = []
    for row in rows:
        if service is not None and service in _services(state, row):
            own.append(row)
        elif len(others) < 2:
            others.append(row)
        if len(own) == 2 or (service is None and len(others) == 2):
            break
    return own or others


def _services(state: StreamState, row: IncidentRow) -> Iterable[str]:
    return {*state.members[row.id].services, *([row.service] if row.service else [])}


def _distance(state: StreamState, row: IncidentRow, at: datetime) -> timedelta:
    """How far a time lies outside [impact_started, resolved + quiet]; an open incident has no end."""
    start, end = lasted(row, state.stamps(row.id))
    if at < start:
        return start - at
    return timedelta(0) if end is None else max(at - end - state.policy.quiet, timedelta(0))
