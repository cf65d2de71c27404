"""The routes of every protocol that other tools speak: at the paths that their senders know, or under an integration's.

At the root (`/v2/enqueue`) a protocol serves the one integration of its source; where there are several, the address
names which: `/v1/webhooks/NAME/v2/enqueue`. Both take the same requests and give the same replies.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

import msgspec
from aiohttp import web

from alertline.clock import monotonic
from alertline.web.access import PRINCIPAL, Permission
from alertline.web.problems import Problem
from alertline.web.routes import Route
from ingest.integrations import Integration
from ingest.proof.admission import owner_of, unknown
from ingest.proof.shown import Shown
from ingest.receivers import DELIVERY, Receiver
from ingest.servers import alertmanager, opsgenie, pagerduty, slack, victorops
from ingest.servers.cloud_events import handshake_routes
from ingest.servers.protocol import Call, Protocol, Reply, Taken
from schemas.records import Delivery

__all__ = ["PROTOCOLS", "let_in", "server_routes"]

PROTOCOLS: Final = (
    alertmanager.PROTOCOL,
    pagerduty.PROTOCOL,
    opsgenie.PROTOCOL,
    victorops.PROTOCOL,
    slack.PROTOCOL,
)
_NAMED: Final = "/v1/webhooks/{integration}"


def server_routes(receiver: Receiver) -> tuple[Route, ...]:
    """Every route at which a protocol is spoken."""
    spoken = tuple(
        Route(call.method, place + call.path, Permission.INGEST, partial(_serve, receiver, protocol, call), said=said)
        for protocol in PROTOCOLS
        for said in (partial(_refusal, protocol),)
        for call in protocol.calls
        for place in ("", _NAMED)
    )
    return (*spoken, *handshake_routes(receiver))


def let_in(receiver: Receiver, route: Route) -> Route:
    """A route that answers a sender of Opsgenie's protocol from elsewhere, behind what its deliveries are behind."""

    async def handle(request: web.Request) -> web.StreamResponse:
        integration = _served(receiver, opsgenie.PROTOCOL, request, b"")
        await receiver.admitted(request, b"", integration.name)
        return await route.handler(request)

    return msgspec.structs.replace(route, handler=handle)


async def _serve(receiver: Receiver, protocol: Protocol, call: Call, request: web.Request) -> web.Response:
    began = monotonic()
    body = await receiver.body_of(request)
    integration = _served(receiver, protocol, request, body)
    path = _path_of(request) if call.told else None
    record = await receiver.keep(request, body, integration.name, path)
    response = _response(call.reply(Taken(record, monotonic() - began)))
    if isinstance(record, Delivery):
        response.headers[DELIVERY] = record.id
    return response


def _served(receiver: Receiver, protocol: Protocol, request: web.Request, body: bytes) -> Integration:
    """The integration that a request is for.

    Raises:
        Problem: there is none of the name that the address gives, or several and the address gives none.
    """
    named, source = request.match_info.get("integration"), protocol.source
    principal = request.get(PRINCIPAL)
    if named is not None:
        known = receiver.integrations.find(named)
        if known is None or known[0].source != source:
            raise unknown(named, principal, f"there is no integration {named!r} of source {source!r}")
        return known[0]
    found = receiver.integrations.of_source(source)
    if len(found) > 1:
        # whose secret this is tells which of them is meant
        found = _holding(found, protocol.credential.shown(request.headers, request.match_info, body)) or found
    if len(found) == 1:
        return found[0]
    if not found:
        raise unknown(source, principal, f"there is no integration of source {source!r}")
    names, path = ", ".join(each.name for each in found), protocol.calls[0].path
    raise unknown(source, principal, f"several are of source {source!r}: {names}; post to /v1/webhooks/NAME{path}")


def _holding(found: tuple[Integration, ...], shown: str | None) -> tuple[Integration, ...]:
    """The one of several integrations that a shown secret belongs to; all of them where it belongs to none."""
    name = owner_of(((each.name, each.keys) for each in found), lambda _request: shown, Shown({}, b""))
    return tuple(each for each in found if name in (None, each.name))


def _path_of(request: web.Request) -> str:
    """The path as the sender wrote it: what is percent-encoded there is one part."""
    return request.rel_url.raw_path


def _refusal(protocol: Protocol, problem: Problem) -> web.Response:
    return _response(protocol.refused(problem), problem.headers)


def _response(reply: Reply, headers: Mapping[str, str] | None = None) -> web.Response:
    content_type = reply.content_type if reply.body else None
    return web.Response(status=reply.status, body=reply.body, content_type=content_type, headers=headers)
