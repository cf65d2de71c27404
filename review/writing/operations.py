"""What each route that writes means: body in, command out. The routes and OpenAPI are made of this table."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from review.writing.bodies import (
    AlertsBody,
    Body,
    DeclareBody,
    EditBody,
    EntryBody,
    MergeBody,
    MilestoneBody,
    MomentBody,
    PatchBody,
    ReasonBody,
    UndoBody,
)

__all__ = ["ENTRIES", "ORDERS", "Order", "plain"]

_INCIDENT: Final = "/v1/incidents/{id}"


class Order(msgspec.Struct, frozen=True):
    """One route that gives a command about an incident.

    Attributes:
        body: what it takes; command: what it comes to; told: what it does, in a sentence.
        revised: `If-Match` may name the revision of the thing that it changes.
    """

    method: str
    path: str
    body: type[Body]
    command: Callable[[web.Request, Any], Mapping[str, object]]
    told: str
    revised: bool = False


def plain(body: msgspec.Struct, *left_out: str) -> dict[str, object]:
    """The fields of a body as JSON values, but for who and why, and those that say nothing."""
    values: dict[str, object] = msgspec.to_builtins(body)
    dropped = {"actor", "reason", "scope", "stream", *left_out}
    return {name: value for name, value in values.items() if name not in dropped}


def _said(body: msgspec.Struct) -> dict[str, object]:
    return {name: value for name, value in plain(body).items() if value is not None}


def _override(request: web.Request, body: MilestoneBody) -> Mapping[str, object]:
    to = {"to": msgspec.to_builtins(body.at)} if body.at is not None else {}
    return {"command": "override_milestone", "milestone": request.match_info["name"], **to}


def _no_override(request: web.Request, _body: ReasonBody) -> Mapping[str, object]:
    return {"command": "override_milestone", "milestone": request.match_info["name"], "undo": True}


def _edit(request: web.Request, body: EditBody) -> Mapping[str, object]:
    return {"command": "edit_entry", "entry": request.match_info["entry"], "fields": plain(body)}


def _patch(_request: web.Request, body: PatchBody) -> Mapping[str, object]:
    return {"command": "update", "fields": plain(body)}


def _undo(_request: web.Request, body: UndoBody) -> Mapping[str, object]:
    return {"command": "undo", "of": body.command}


def _named(name: str) -> Callable[[web.Request, Any], Mapping[str, object]]:
    """A command that takes its body as it is."""
    return lambda _request, body: {"command": name, **_said(body)}


_WORDS: Final = (
    ("acknowledge", MomentBody, "Say that somebody has taken it up.", True),
    ("resolve", MomentBody, "Say that it is over; it stands if no alert started after that.", True),
    ("reopen", MomentBody, "Say that it is not over.", False),
    ("close", MomentBody, "Say that it is done with.", True),
    ("merge", MergeBody, "Let it become part of another incident; its id leads there from then on.", False),
    ("split", AlertsBody, "Give alerts, and entries that are named, an incident of their own.", False),
    ("attach", AlertsBody, "Let alerts, or entries that wait, belong to this incident.", False),
    ("detach", AlertsBody, "Give alerts an incident of their own.", False),
)

ORDERS: Final = (
    Order(
        "PATCH", _INCIDENT, PatchBody, _patch, "Set title, severity, classification; write into slots.", revised=True
    ),
    Order("PUT", f"{_INCIDENT}/milestones/{{name}}", MilestoneBody, _override, "Override a milestone.", revised=True),
    Order(
        "DELETE",
        f"{_INCIDENT}/milestones/{{name}}",
        ReasonBody,
        _no_override,
        "Undo overrides: the automatic value stands again.",
        revised=True,
    ),
    Order(
        "PATCH",
        f"{_INCIDENT}/entries/{{entry}}",
        EditBody,
        _edit,
        "Pin, hide, annotate a row; correct what a person wrote.",
        revised=True,
    ),
    *(Order("POST", f"{_INCIDENT}/{name}", body, _named(name), told, revised) for name, body, told, revised in _WORDS),
    Order("POST", f"{_INCIDENT}/undo", UndoBody, _undo, "Take a command back, as the history has it."),
)
"""The routes that give a command about an incident that there is."""

ENTRIES: Final = (
    ("/v1/incidents", DeclareBody, "Open an incident by hand."),
    (f"{_INCIDENT}/entries", EntryBody, "Say something about an incident."),
    ("/v1/entries", EntryBody, "Say something; the rules find the incident that is meant, or keep it waiting."),
)
"""The routes that make something new."""
