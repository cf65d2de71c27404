"""Where requests come in: the lanes of webhooks in front, the web server behind them; and how they drain."""

import asyncio
import socket
from contextlib import AsyncExitStack
from typing import Final

import structlog
from aiohttp import web

from alertline.clock import monotonic
from alertline.config import Settings
from alertline.errors import AlertlineError
from alertline.web.lane import Lanes
from alertline.wiring.access import Access
from alertline.wiring.closing import named
from ingest.receivers import Receiver

__all__ = ["BACKLOG", "Draining", "bound", "listen"]

log = structlog.get_logger(__name__)

BACKLOG: Final = 1024
_DRAIN_S: Final = 4.0
_LOOK_S: Final = 0.02


class Draining:
    """Whether the process is about to stop: it says so, and still takes what comes, until balancers have heard of it.

    `notice_s`: how long that takes them.
    """

    def __init__(self, notice_s: float) -> None:
        self._notice_s = notice_s
        self.begun = False
        self.lanes: Lanes | None = None

    async def begin(self) -> None:
        """Be not ready any more, end connections with their next answer, and wait until everybody knows."""
        self.begun = True
        if self.lanes is not None:
            self.lanes.closing = True
        if self._notice_s > 0:
            log.info("server.draining", seconds=self._notice_s)
            await asyncio.sleep(self._notice_s)


def bound(settings: Settings, stack: AsyncExitStack) -> socket.socket:
    """Take the address before anything is started: that it is taken is told at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)  # what comes before we are ready waits
    except OSError as error:
        raise AlertlineError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; choose another with --port"
        ) from error
    return listener


async def listen(
    app: web.Application,
    listener: socket.socket,
    receiver: Receiver | None,
    access: Access,
    stack: AsyncExitStack,
    draining: Draining | None = None,
) -> str:
    """Serve on a bound socket until the stack is closed, which drains; gives the address."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_DRAIN_S)
    await runner.setup()
    stack.push_async_callback(named, "web server", runner.cleanup)
    web_server = runner.server
    assert web_server is not None  # noqa: S101 - it is set up
    lanes = Lanes({} if receiver is None else receiver.lanes(access.authenticator), web_server, access.hosts.serves)
    host, port = listener.getsockname()[:2]
    server = await asyncio.get_running_loop().create_server(lanes, sock=listener, backlog=BACKLOG)
    stack.push_async_callback(named, "webhooks that are being taken", lambda: _drain(server, lanes, receiver))
    if draining is not None:
        draining.lanes = lanes
        stack.push_async_callback(named, "notice to balancers", draining.begin)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _drain(server: asyncio.Server, lanes: Lanes, receiver: Receiver | None) -> None:
    """Take no new connection and wait for bodies that have begun to come: aiohttp's own shutdown would read no more."""
    server.close()
    end = monotonic() + _DRAIN_S
    await lanes.close(_DRAIN_S)
    while receiver is not None and receiver.arriving and monotonic() < end:  # noqa: ASYNC110 - an Event would be set on the hot path
        await asyncio.sleep(_LOOK_S)
