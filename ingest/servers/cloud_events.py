"""CloudEvents: events come by the path of their integration; here is the handshake of the HTTP webhook specification.

Who wants to send asks with OPTIONS whether it may (Azure Event Grid does), so that nobody can be made to flood others.
"""

from functools import partial
from typing import Final

from aiohttp import web

from alertline.web.access import Permission
from alertline.web.problems import Problem
from alertline.web.routes import Route
from ingest.receivers import Receiver

__all__ = ["handshake_routes"]

_SOURCE: Final = "cloudevents"
_ASKS: Final = "WebHook-Request-Origin"
_LONGEST: Final = 255


def handshake_routes(receiver: Receiver) -> tuple[Route, ...]:
    """Where a sender asks. It is public, as the specification has it: the answer takes nothing in and tells nothing."""
    paths = ("/v1/webhooks/{integration}", "/v1/webhooks/{integration}/{token}")
    return tuple(Route("OPTIONS", path, Permission.PUBLIC, partial(_handshake, receiver)) for path in paths)


async def _handshake(receiver: Receiver, request: web.Request) -> web.Response:
    origin = request.headers.get(_ASKS, "")
    found = receiver.integrations.find(request.match_info["integration"])
    if found is None or found[0].source != _SOURCE or not 0 < len(origin) <= _LONGEST:
        raise Problem(405, "Post webhooks here", headers={"Allow": "POST, PUT"})
    return web.Response(
        headers={"Allow": "POST", "WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"},
    )
