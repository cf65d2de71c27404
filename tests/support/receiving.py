"""Receivers over a real server on a free port: with what a test needs to look behind them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from alertline.eventlog.memory import MemoryLog
from alertline.eventlog.port import LogFull, Position
from alertline.web.access import Authenticator, LocalOperator, Principal
from alertline.web.routes import add_routes, add_unknown_routes
from ingest.integrations import Integration, Integrations
from ingest.receivers import Receiver, ReceiverOptions
from ingest.servers.routes import server_routes
from schemas.records import Delivery, Record, decode

__all__ = [
    "ALERT",
    "GROUP",
    "NOW",
    "Client",
    "Full",
    "Guest",
    "Hands",
    "Stuck",
    "problem",
    "records",
    "serving",
    "the_delivery",
]

NOW = datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC)
ALERT = {"title": "Queue grows", "service": "mail"}
GROUP = {"version": "4", "groupKey": "g", "alerts": [{"status": "firing", "labels": {"alertname": "Down"}}]}

Client = TestClient[web.Request, web.Application]


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """The moment that was set."""
        return self.now


class Stuck(MemoryLog):
    """A log that never becomes durable."""

    async def append(self, stream: str, payload: bytes) -> Position:
        """Wait."""
        await asyncio.sleep(60)
        raise AssertionError("nobody waits that long")


class Full(MemoryLog):
    """A log without room."""

    async def append(self, stream: str, payload: bytes) -> Position:
        """Refuse."""
        raise LogFull("no room")


class Guest:
    """A sender that may deliver and nothing else; or one without credentials."""

    def __init__(self, principal: Principal | None) -> None:
        self.principal = principal

    async def authenticate(self, headers: Mapping[str, str], token: str | None = None) -> Principal | None:
        """Name who was given."""
        return self.principal


@asynccontextmanager
async def serving(
    log: MemoryLog,
    options: ReceiverOptions | None = None,
    *,
    clock: Callable[[], datetime] = Hands(),  # noqa: B008 - never moved where it is shared
    configured: dict[str, Integration] | None = None,
    authenticator: Authenticator | None = None,
) -> AsyncIterator[Client]:
    """A server with the receivers and nothing else."""
    app = web.Application()
    receiver = Receiver(log, Integrations(configured), clock, options)
    add_routes(app, (*receiver.routes(), *server_routes(receiver)), authenticator or LocalOperator())
    add_unknown_routes(app)
    async with TestClient(TestServer(app)) as client:
        yield client


async def records(log: MemoryLog) -> list[Record]:
    """Everything on the log."""
    return [decode(one.payload) for partition in await log.partitions() for one in await log.read(partition, 0, 1000)]


async def the_delivery(log: MemoryLog) -> Delivery:
    """The only record on the log."""
    (record,) = await records(log)
    assert isinstance(record, Delivery)
    return record


async def problem(response: ClientResponse, status: int) -> dict[str, Any]:
    """The problem that a response is."""
    assert response.status == status
    assert response.content_type == "application/problem+json"
    body: dict[str, Any] = await response.json()
    assert body["status"] == status
    return body
