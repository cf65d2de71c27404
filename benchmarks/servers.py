"""The servers that the receiver benchmark compares, each started as a process of its own.

`python -m benchmarks.servers noop|idle FOLDER` runs one of them; `serve` is the product itself, as it is.
"""

import asyncio
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Final

import uvloop
from aiohttp import web

from alertline.clock import now
from alertline.eventlog.sqlite import SqliteLog
from alertline.wiring.access import Access
from alertline.wiring.listening import listen
from alertline.wiring.server import build_app
from ingest.integrations import Integrations
from ingest.receivers import Receiver, ReceiverOptions

__all__ = ["KINDS", "started"]

KINDS: Final = {
    "noop": "an aiohttp handler that reads nothing and answers 202",
    "idle": "the receivers on the SQLite log, no correlator",
    "serve": "`alertline serve` as it is",
}
_START_S: Final = 20.0
_STOP_S: Final = 20.0
_REPLY: Final = b'{"delivery":"d_0123456789abcdef0123","accepted":1,"duplicates":0,"quarantined":0,"rejected":[]}'


@contextmanager
def started(kind: str, folder: Path) -> Iterator[int]:
    """Run a server while the block runs; gives its port.

    Raises:
        RuntimeError: it does not start.
    """
    if kind == "serve":
        arguments = ["alertline", "serve", "--port", "0", "--data", str(folder)]
    else:
        arguments = ["benchmarks.servers", kind, str(folder)]
    process = subprocess.Popen([sys.executable, "-m", *arguments], stderr=subprocess.PIPE, text=True)
    try:
        yield _port(process)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _port(process: subprocess.Popen[str]) -> int:
    told: list[str] = []
    assert process.stderr is not None  # noqa: S101 - it is a pipe
    for line in process.stderr:
        told.append(line)
        if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise RuntimeError(f"the server did not start: {''.join(told)}")


async def _noop(request: web.Request) -> web.Response:
    return web.Response(status=202, body=_REPLY, content_type="application/json")


async def _run(kind: str, folder: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    async with AsyncExitStack() as stack:
        if kind == "noop":
            await _noop_on(listener)
        else:
            log = await SqliteLog.open(folder / "log.db")
            receiver = Receiver(log, Integrations(), now, ReceiverOptions())
            app = build_app(routes=list(receiver.routes()), recorded_time=False, max_body=1024 * 1024)
            await listen(app, listener, receiver, Access(), stack)
        print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
        await asyncio.Event().wait()


async def _noop_on(listener: socket.socket) -> None:
    app = web.Application()
    app.router.add_post("/v1/webhooks/alertmanager", _noop)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    await web.SockSite(runner, listener, backlog=1024).start()


def main() -> None:
    """Run from the command line until told to stop."""
    kind, folder = sys.argv[1:]
    uvloop.run(_run(kind, Path(folder)))


if __name__ == "__main__":
    main()
