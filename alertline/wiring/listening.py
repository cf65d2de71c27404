"""Where requests come in: the lanes of webhooks in front, the web server behind them; and how they drain."""

import asyncio
import socket
from contextlib import AsyncExitStack
from typing import Final

from aiohttp import web

from alertline.clock import monotonic
from alertline.web.lane import Lanes
from alertline.wiring.access import Access
from alertline.wiring.closing import named
from ingest.receivers import Receiver

__all__ = ["BACKLOG", "listen"]

BACKLOG: Final = 1024
_DRAIN_S: Final = 4.0
_LOOK_S: Final = 0.02


async def listen(
    app: web.Application, listener: socket.socket, receiver: Receiver, access: Access, stack: AsyncExitStack
) -> str:
    """Serve on a bound socket until the stack is closed, which drains; gives the address."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_DRAIN_S)
    await runner.setup()
    stack.push_async_callback(named, "web server", runner.cleanup)
    web_server = runner.server
    assert web_server is not None  # noqa: S101 - it is set up
    lanes = Lanes(receiver.lanes(access.authenticator), web_server, access.hosts.serves)
    host, port = listener.getsockname()[:2]
    server = await asyncio.get_running_loop().create_server(lanes, sock=listener, backlog=BACKLOG)
    stack.push_async_callback(named, "webhooks that are being taken", lambda: _drain(server, lanes, receiver))
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _drain(server: asyncio.Server, lanes: Lanes, receiver: Receiver) -> None:
    """Take no new connection and wait for bodies that have begun to come: aiohttp's own shutdown would read no more."""
    server.close()
    end = monotonic() + _DRAIN_S
    await lanes.close(_DRAIN_S)
    while receiver.arriving and monotonic() < end:  # noqa: ASYNC110 - an Event would be set on the hot path
        await asyncio.sleep(_LOOK_S)
