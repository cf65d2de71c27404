"""The routes that write. Each answers with the incident as it stands then; 201 where something new was made."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import msgspec
from aiohttp import web

from alertline.incidents.telling.export import public_item
from alertline.web.access import Permission
from alertline.web.problems import Problem
from alertline.web.routes import Route
from review.answers import json_answer
from review.commanding import By, Waiting, asked_by
from review.writing.amendments import Amendments, Told
from review.writing.bodies import DeclareBody, EntryBody, read_body
from review.writing.operations import ENTRIES, ORDERS, Order, plain
from review.writing.revisions import revision_in
from schemas.public import to_json_bytes
from schemas.vocabulary import MilestoneName

__all__ = ["declared", "given", "said", "write_routes"]

_Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


def write_routes(amendments: Amendments) -> list[Route]:
    """Every route of the API that changes an incident."""
    orders = [Route(each.method, each.path, Permission.WRITE, _order(amendments, each)) for each in ORDERS]
    new = (_declare(amendments), _say(amendments, named=True), _say(amendments, named=False))
    pairs = zip(ENTRIES, new, strict=True)
    return [*orders, *(Route("POST", path, Permission.WRITE, handler) for (path, _, _), handler in pairs)]


async def given(amendments: Amendments, order: Order, request: web.Request, body: msgspec.Struct, by: By) -> Told:
    """Give the command that a route means.

    Raises:
        Problem: 404, 409, 412, 422; Waiting: not decided within 5 s.
    """
    name = request.match_info.get("name")
    if name is not None and name not in list(MilestoneName):
        raise Problem(404, "No such milestone", f"one of {', '.join(MilestoneName)}")
    revision = revision_in(request) if order.revised else None
    seen = {"revision": revision} if revision is not None else {}
    return await amendments.command(request.match_info["id"], {**order.command(request, body), **seen}, by)


async def declared(amendments: Amendments, body: DeclareBody, by: By) -> Told:
    """Open an incident by hand."""
    fields = {"title": body.title, "severity": body.severity.value}
    about = {name: value for name, value in plain(body, "title", "severity").items() if value is not None}
    scope = {"scope": body.scope} if body.scope else {}
    return await amendments.declare({**about, **scope, "fields": fields}, body.stream, by)


async def said(amendments: Amendments, incident: str | None, body: EntryBody, by: By) -> Told:
    """Say something."""
    entry = {name: value for name, value in plain(body).items() if value is not None}
    scope = {"scope": body.scope} if body.scope else {}
    return await amendments.entry(incident, {**entry, **scope}, body.stream, by)


def _order(amendments: Amendments, order: Order) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        by, body = await asked_by(request), await read_body(request, order.body)
        try:
            told = await given(amendments, order, request, body, by)
        except Waiting as waiting:
            return waiting.answer()
        return _whole(told, 200)

    return handle


def _declare(amendments: Amendments) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        by, body = await asked_by(request), await read_body(request, DeclareBody)
        try:
            told = await declared(amendments, body, by)
        except Waiting as waiting:
            return waiting.answer()
        return _whole(told, 201, f"/v1/incidents/{_quoted(told.incident.id)}" if told.incident else None)

    return handle


def _say(amendments: Amendments, *, named: bool) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        by, body = await asked_by(request), await read_body(request, EntryBody)
        incident = request.match_info["id"] if named else None
        try:
            told = await said(amendments, incident, body, by)
        except Waiting as waiting:
            return waiting.answer()
        if told.incident is None:
            return await _waits(amendments, told)
        where = f"/v1/incidents/{_quoted(told.incident.id)}/entries/{_quoted(told.id)}"
        return _whole(told, 201, where)

    return handle


async def _waits(amendments: Amendments, told: Told) -> web.Response:
    """It found no incident, or several: it is kept, shown, and can be attached by hand."""
    waiting = [public_item(each) for each in await amendments.reader.unattached() if each.id == told.id]
    response = json_answer({"incident": None, "unattached": waiting[0] if waiting else None})
    response.set_status(201)
    return response


def _whole(told: Told, status: int, location: str | None = None) -> web.Response:
    if told.incident is None:
        raise Problem(409, "Not carried out", "the incident is gone")
    response = json_answer(to_json_bytes(told.incident), headers={"Location": location} if location else None)
    response.set_status(status)
    return response


def _quoted(name: str) -> str:
    return quote(name, safe="")
