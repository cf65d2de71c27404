"""The short way of a webhook: it answers and records what aiohttp would, and leaves to aiohttp whatever is unusual."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web

from alertline.eventlog.memory import MemoryLog
from alertline.eventlog.port import LogFull, Position
from alertline.web.access import LocalOperator
from alertline.web.lane import Lanes
from alertline.web.routes import add_routes, add_unknown_routes
from ingest.integrations import Integrations
from ingest.receivers import Receiver, ReceiverOptions
from schemas.records import Delivery, decode

NOW = datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC)
BODY = json.dumps({"title": "Queue grows", "service": "mail"}).encode()
GROUP = json.dumps({"alerts": [{"status": "firing", "labels": {"alertname": "Down"}}]}).encode()


class Full(MemoryLog):
    """A log without room."""

    async def append(self, stream: str, payload: bytes) -> Position:
        """Refuse."""
        raise LogFull("no room")


class Slow(MemoryLog):
    """A log that takes its time."""

    async def append(self, stream: str, payload: bytes) -> Position:
        """Append after a while."""
        await asyncio.sleep(0.1)
        return await super().append(stream, payload)


class Wire:
    """One connection to a server, and how many connections aiohttp was given."""

    def __init__(self, lanes: Lanes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lanes, self.reader, self.writer, self.handed_over = lanes, reader, writer, 0

    async def say(self, *parts: bytes) -> tuple[int, dict[str, object]]:
        """Send something in parts; the status and the JSON of the next answer."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            if part is not parts[-1]:
                await asyncio.sleep(0.02)
        return await self.hear()

    async def hear(self) -> tuple[int, dict[str, object]]:
        """The status and the JSON of the next answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
        body = await self.reader.readexactly(int(lines["Content-Length"]))
        return int(head.split()[1]), json.loads(body)


@asynccontextmanager
async def connected(log: MemoryLog, options: ReceiverOptions | None = None) -> AsyncIterator[Wire]:
    """A server with lanes, and one connection to it."""
    receiver = Receiver(log, Integrations(), lambda: NOW, options)
    app = web.Application()
    add_routes(app, receiver.routes(), LocalOperator())
    add_unknown_routes(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    fallback = runner.server
    assert fallback is not None

    def handed_over() -> asyncio.Protocol:
        wire.handed_over += 1
        return fallback()

    lanes = Lanes(receiver.lanes(), handed_over)
    server = await asyncio.get_running_loop().create_server(lanes, "127.0.0.1", 0)
    wire = Wire(lanes, *await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1]))
    try:
        yield wire
    finally:
        wire.writer.close()
        server.close()
        await lanes.close(1)
        await runner.cleanup()


def post(body: bytes, *lines: str, path: str = "/v1/webhooks/generic", length: bool = True) -> bytes:
    """A request as it goes over the wire."""
    told = [f"Content-Length: {len(body)}"] if length else []
    head = [f"POST {path} HTTP/1.1", "Host: here", "Content-Type: application/json", *told, *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def the_deliveries(log: MemoryLog) -> list[Delivery]:
    """Every delivery on the log."""
    found = [decode(one.payload) for one in await log.read(0, 0, 100)]
    return [each for each in found if isinstance(each, Delivery)]


async def test_the_same_as_by_the_long_way() -> None:
    """A plain request takes the lane; the record and the answer are those that aiohttp's way gives."""
    log = MemoryLog()
    async with connected(log) as wire:
        first = await wire.say(post(BODY, "X-Custom: kept", "Authorization: Bearer secret"))
        by_lane = wire.handed_over
        await wire.say(post(BODY, "X-Custom: kept", "Authorization: Bearer secret", "Connection: close"))

    one, other = await the_deliveries(log)
    assert (by_lane, wire.handed_over) == (0, 1)
    assert one == other
    assert one.headers == {"content-type": "application/json", "x-custom": "kept"}
    reply = {"delivery": one.id, "accepted": 1, "duplicates": 0, "quarantined": 0, "rejected": []}
    assert first == (202, reply)


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([post(BODY)[:-5], BODY[-5:]], 202),
        ([post(BODY)[:30], post(BODY)[30:]], 202),
        ([post(gzip.compress(BODY), "Content-Encoding: gzip")], 202),
        ([post(b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY), "Transfer-Encoding: chunked", length=False)], 202),
        ([post(BODY, "Connection: close")], 202),
        ([post(BODY, path="/v1/webhooks")], 202),
        ([post(BODY, path="/v1/webhooks/generic?team=a")], 202),
        ([post(BODY, path="/v1/webhooks/generic/token-1")], 202),
        ([post(BODY, "Content-Length: 3")], 400),
        ([post(BODY, "Transfer-Encoding: chunked")], 400),
        ([post(BODY, path="/v1/webhooks/unheard-of")], 404),
        ([b"GET /v1/webhooks/generic HTTP/1.1\r\nHost: here\r\n\r\n"], 405),
        ([b"GET /nowhere HTTP/1.1\r\nHost: here\r\n\r\n"], 404),
    ],
)
async def test_unusual_requests_are_handed_over(parts: list[bytes], status: int) -> None:
    """What is not plain, or not complete at once, is aiohttp's, and answered as ever."""
    log = MemoryLog()
    async with connected(log) as wire:
        for part in parts:
            wire.writer.write(part)
            await asyncio.sleep(0.02)
        head = await wire.reader.readuntil(b"\r\n\r\n")

    assert int(head.split()[1]) == status
    assert wire.handed_over == 1
    assert [each.raw for each in await the_deliveries(log)] == ([BODY] if status == 202 else [])


async def test_requests_in_a_row_are_answered_in_order() -> None:
    """A sender that does not wait for answers gets them all, in order."""
    log = Slow()
    async with connected(log) as wire:
        wire.writer.write(post(BODY))
        await asyncio.sleep(0.02)
        for path in ("alertmanager", "nowhere"):
            wire.writer.write(post(GROUP, path=f"/v1/webhooks/{path}"))
        answers = [await wire.hear() for _ in range(3)]

    assert [status for status, _ in answers] == [202, 202, 404]
    assert [each.source for each in await the_deliveries(log)] == ["generic", "alertmanager"]


async def test_refusals() -> None:
    """What is wrong is told as everywhere, and the connection stays."""
    async with connected(Full(), ReceiverOptions(body_limit=200)) as wire:
        full = await wire.say(post(BODY))
        large = await wire.say(post(b'"' + b"x" * 300 + b'"'))
        nothing = await wire.say(post(b"[]"))
    async with connected(MemoryLog()) as other:
        told = await other.say(post(b"nonsense"))

    assert [full[0], large[0], nothing[0], told[0]] == [503, 413, 503, 422]
    assert large[1]["title"] == "The body is too large"
    assert (wire.handed_over, other.handed_over) == (0, 0)


async def test_closing_answers_what_was_taken() -> None:
    """Who stops the server waits for what is being taken; idle connections are closed."""
    log = Slow()
    async with connected(log) as wire:
        wire.writer.write(post(BODY))
        await asyncio.sleep(0.02)
        await wire.lanes.close(1)
        status, _ = await wire.hear()
        rest = await wire.reader.read()

    assert (status, rest, len(await the_deliveries(log))) == (202, b"", 1)


async def test_a_sender_that_goes_away_was_heard() -> None:
    """What was taken is recorded although nobody waits for the answer any more."""
    log = Slow()
    async with connected(log) as wire:
        wire.writer.write(post(BODY))
        await wire.writer.drain()
        await asyncio.sleep(0.02)
        wire.writer.transport.abort()
        await asyncio.sleep(0.2)

    assert len(await the_deliveries(log)) == 1
