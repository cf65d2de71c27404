"""The bodies of the routes that write: what each may say. The OpenAPI document is made of these."""

from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web

from alertline.web.problems import Problem
from review.commanding import said_in
from schemas.vocabulary import Classification, EntryKind, Severity, SlotStatus

__all__ = [
    "AlertsBody",
    "Body",
    "DeclareBody",
    "EditBody",
    "EntryBody",
    "MergeBody",
    "MilestoneBody",
    "MomentBody",
    "PatchBody",
    "ReasonBody",
    "SlotBody",
    "UndoBody",
    "read_body",
]

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Reason = Annotated[str, msgspec.Meta(max_length=500)]
Name = Annotated[str, msgspec.Meta(max_length=200)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Prose = Annotated[str, msgspec.Meta(max_length=200_000)]
SlotName = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
Unset = msgspec.UnsetType


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What every write may say.

    Attributes:
        actor: who, while nobody is signed in; whoever is acts under their own name.
    """

    actor: Name | None = None


class ReasonBody(Body, frozen=True, kw_only=True):
    """Why, if it is said."""

    reason: Reason | None = None


class EntryBody(Body, frozen=True, kw_only=True):
    """What a person says.

    Attributes:
        at: when it happened; left out: now. ended_at: when it was over.
        service, scope, stream: where, for an entry that names no incident.
    """

    kind: EntryKind
    text: Prose = ""
    at: Moment | None = None
    ended_at: Moment | None = None
    service: Name | None = None
    scope: Name | None = None
    stream: Name | None = None


class EditBody(ReasonBody, frozen=True, kw_only=True):
    """What is changed of a timeline row; what is left out stays.

    Attributes:
        pinned, hidden, note: of every row; a note of null is none.
        kind, text, at, ended_at: only of what a person wrote.
    """

    pinned: bool | Unset = msgspec.UNSET
    hidden: bool | Unset = msgspec.UNSET
    note: Prose | Unset | None = msgspec.UNSET
    kind: EntryKind | Unset = msgspec.UNSET
    text: Prose | Unset = msgspec.UNSET
    at: Moment | Unset = msgspec.UNSET
    ended_at: Moment | Unset | None = msgspec.UNSET


class MilestoneBody(Body, frozen=True, kw_only=True):
    """An override; `at` null sets the milestone to none."""

    at: Moment | None
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class MomentBody(ReasonBody, frozen=True, kw_only=True):
    """When, if not now."""

    at: Moment | None = None


class MergeBody(ReasonBody, frozen=True, kw_only=True):
    """Into which incident."""

    into: Id


class AlertsBody(ReasonBody, frozen=True, kw_only=True):
    """Ids of alerts, and of entries that go along."""

    alerts: tuple[Id, ...] = ()
    entries: tuple[Id, ...] = ()


class UndoBody(ReasonBody, frozen=True, kw_only=True):
    """The id of the command that is taken back, as the history has it."""

    command: Id


class SlotBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is written into a slot of the postmortem."""

    text: Prose = ""
    status: SlotStatus = SlotStatus.EMPTY


class PatchBody(ReasonBody, frozen=True, kw_only=True):
    """What is set of an incident; null brings the automatic value back, what is left out stays."""

    title: Title | Unset | None = msgspec.UNSET
    severity: Severity | Unset | None = msgspec.UNSET
    classification: Classification | Unset | None = msgspec.UNSET
    slots: dict[SlotName, SlotBody] | Unset = msgspec.UNSET


class DeclareBody(ReasonBody, frozen=True, kw_only=True):
    """An incident that a person noticed."""

    title: Title
    severity: Severity = Severity.UNKNOWN
    at: Moment | None = None
    service: Name | None = None
    scope: Name | None = None
    stream: Name | None = None


B = TypeVar("B", bound=Body)


async def read_body(request: web.Request, shape: type[B]) -> B:
    """The body of a request as its route takes it; fields that it does not know are left out.

    Raises:
        Problem: 400, it is no object; 422, a field is missing or wrong, which is named.
    """
    said: dict[str, Any] = dict(await said_in(request))
    try:
        return msgspec.convert(said, shape)
    except msgspec.ValidationError as error:
        words, _, path = str(error).partition(" - at `$")
        pointer = "/" + path.rstrip("`").lstrip(".").replace(".", "/") if path else ""
        raise Problem(422, "A field is wrong", words, pointer=pointer) from error
