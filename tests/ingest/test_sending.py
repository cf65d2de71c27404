"""Sending a recording to a real server, which is away at times."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from alertline.eventlog.memory import MemoryLog
from alertline.web.access import LocalOperator
from alertline.web.routes import add_routes
from ingest.integrations import Integrations
from ingest.receivers import Receiver, ReceiverOptions
from ingest.recording import read_recordings
from ingest.sending import NotApplied, Sender, SendingFailed, SendOptions
from ingest.servers.routes import server_routes
from schemas.records import Delivery, Record, Tick, decode
from schemas.vocabulary import Outcome

NOW = datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC)


class Time:
    """A clock whose sleepers wake at once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.naps: list[float] = []

    def monotonic(self) -> float:
        """The seconds slept so far."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.naps.append(seconds)
        self.seconds += seconds


class Site:
    """A server with receivers and a small review API; it fails as often as it is told."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.failures = 0
        self.polls_until_applied = 2
        self.tokens: set[str | None] = set()

    def app(self) -> web.Application:
        """The application."""
        app = web.Application(middlewares=[self._away])
        options = ReceiverOptions(recorded_time=True)
        receiver = Receiver(self.log, Integrations(), lambda: NOW, options)
        add_routes(app, (*receiver.routes(), *server_routes(receiver)), LocalOperator())
        app.router.add_get("/v1/deliveries/{id}", self._delivery)
        app.router.add_get("/v1/incidents", self._incidents)
        return app

    @web.middleware
    async def _away(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.tokens.add(request.headers.get("Authorization"))
        if self.failures:
            self.failures -= 1
            raise web.HTTPServiceUnavailable
        return await handler(request)

    async def _delivery(self, request: web.Request) -> web.Response:
        self.polls_until_applied -= 1
        return web.json_response({}, status=404 if self.polls_until_applied > 0 else 200)

    async def _incidents(self, request: web.Request) -> web.Response:
        if "cursor" in request.query:
            return web.json_response({"incidents": [{"id": "i2"}], "next_cursor": None})
        return web.json_response({"incidents": [{"id": "i1"}], "next_cursor": "c"})

    async def records(self) -> list[Record]:
        """Everything on the log."""
        return [decode(one.payload) for one in await self.log.read(0, 0, 100)]


@asynccontextmanager
async def sending(site: Site, time: Time, **options: float) -> AsyncIterator[Sender]:
    """A sender to a running site."""
    server = TestServer(site.app())
    async with server, aiohttp.ClientSession() as session:
        told = SendOptions(url=str(server.make_url("/")), token="t", **options)  # noqa: S106 - not a secret
        yield Sender(session, told, sleep=time.sleep, monotonic=time.monotonic)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Three lines: with a key, with a body that is no JSON, and one that our own format refuses."""
    path = tmp_path / "day.ndjson"
    path.write_text(
        '{"received_at":"2024-01-01T00:00:00Z","source":"generic","headers":{"Idempotency-Key":"k"},"body":{"title":"t"}}\n'
        '{"received_at":"2024-01-01T00:00:10Z","source":"alertmanager","body_text":"not json"}\n'
        '{"received_at":"2024-01-01T00:00:20Z","source":"generic","body":{"status":"firing"}}\n'
    )
    return path


async def test_what_another_protocol_answers(tmp_path: Path) -> None:
    """A recorded request to another tool's path goes there again; its delivery's id stands in a header."""
    path = tmp_path / "opsgenie.ndjson"
    path.write_text(
        '{"received_at":"2024-01-01T00:00:00Z","source":"opsgenie","path":"/v2/alerts/a%2Fb/close",'
        '"query":"identifierType=alias","body":{}}\n'
    )
    site = Site()
    async with sending(site, Time()) as sender:
        sent = await sender.send(read_recordings([path]))

    (record,) = await site.records()
    assert isinstance(record, Delivery)
    assert sent.last_delivery == record.id
    assert (record.path, record.source, record.outcome) == ("/v2/alerts/a%2Fb/close", "opsgenie", Outcome.ACCEPTED)


async def test_send(recording: Path) -> None:
    """Every line arrives in order, with its time, its key and its bytes; what the server refuses is told."""
    site, time, seen = Site(), Time(), list[int]()
    async with sending(site, time) as sender:
        sent = await sender.send(read_recordings([recording]), lambda line: seen.append(line.number))

    records = [record for record in await site.records() if isinstance(record, Delivery)]
    assert seen == [1, 2, 3]
    assert [record.received_at.second for record in records] == [0, 10, 20]
    assert [record.keyed for record in records] == [True, False, False]
    assert records[1].raw == b"not json"
    assert (sent.lines, sent.last_delivery) == (3, records[-1].id)
    assert [(one.number, one.status) for one in sent.refused] == [(3, 422)]
    assert sent.last_received_at == datetime(2024, 1, 1, 0, 0, 20, tzinfo=UTC)
    assert site.tokens == {"Bearer t"}
    assert time.naps == []


async def test_server_comes_back(recording: Path) -> None:
    """A server that answers 503 for a while gets every line, in longer and longer pauses."""
    site, time = Site(), Time()
    site.failures = 4
    async with sending(site, time) as sender:
        sent = await sender.send(read_recordings([recording]))

    assert sent.lines == 3
    assert time.naps == sorted(time.naps)
    assert len(time.naps) == 4


async def test_server_stays_away(recording: Path) -> None:
    """A server that stays away is given up after the time that was said, whether it answers 503 or not at all."""
    site, time = Site(), Time()
    site.failures = 1000
    async with sending(site, time, patience_s=5) as sender:
        with pytest.raises(SendingFailed, match="503"):
            await sender.send(read_recordings([recording]))
    async with aiohttp.ClientSession() as session:
        nowhere = SendOptions(url="http://127.0.0.1:9", patience_s=1)
        with pytest.raises(SendingFailed):
            await Sender(session, nowhere, sleep=time.sleep, monotonic=time.monotonic).send(
                read_recordings([recording])
            )


async def test_speed(recording: Path) -> None:
    """Recorded pauses are kept, divided by the speed."""
    site, time = Site(), Time()
    async with sending(site, time, speed=2) as sender:
        await sender.send(read_recordings([recording]))

    assert time.naps == [5, 5]


async def test_tick_and_wait() -> None:
    """Log time is let run on, and what was posted after that can be waited for; at most as long as was said."""
    site, time = Site(), Time()
    at = datetime(2024, 1, 1, 1, tzinfo=UTC)
    async with sending(site, time) as sender:
        marker = await sender.tick(at)
        await sender.wait(marker)
        site.polls_until_applied = 10_000
        with pytest.raises(NotApplied):
            await sender.wait(marker, limit_s=3)
        incidents = await sender.incidents()

    tick, behind = await site.records()
    assert tick == Tick(stream="default", at=at)
    assert isinstance(behind, Delivery)
    assert (behind.id, behind.received_at, behind.events) == (marker, at, ())
    assert incidents == [{"id": "i1"}, {"id": "i2"}]
