"""The review API on a real log, correlator and store, in this process: for tests that write and look."""

import atexit
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alertline.cli.replaying import record_of
from alertline.eventlog.memory import MemoryLog
from alertline.incidents.policy import Policy
from alertline.store.engine import open_engine
from alertline.store.reader import StoreReader
from alertline.store.reports import ReportReader
from alertline.wiring.commanding import LoggedOrders
from alertline.wiring.embedded import DataFolder
from alertline.wiring.reading import StoredIncidents
from alertline.wiring.server import build_app
from consumers.replay import Replay
from ingest.catalogue import adapters
from ingest.intake import Posted, receive
from ingest.integrations import Integration, Integrations
from ingest.recording import line_of, read_recordings
from review.pages import review_routes
from review.reports.routes import report_routes
from schemas.public import to_json_bytes
from schemas.records import Record, decode, encode
from tests.server.test_runner import applied, runner_of, running
from tests.support.story import Story, time

__all__ = ["Review", "reviewing"]

Client = TestClient[web.Request, web.Application]


class Review:
    """A client of the API, and what it stands on.

    Attributes:
        now: what the server's clock says; every look moves it on by a second.
    """

    def __init__(self, client: Client, log: MemoryLog, store: StoreReader, engine: Any, folder: Path) -> None:
        self.client, self.log, self.store, self._engine, self._folder = client, log, store, engine, folder

    async def happens(self, story: Story) -> None:
        """Let deliveries come in, and be applied."""
        for record in story.records:
            await self.log.append("default", encode(record))
        await applied(self._engine, self.log)

    async def receives(self, at: str, *items: dict[str, Any]) -> None:
        """Let alerts in our own format come in at a time of day, as a receiver takes them, and be applied."""
        posted = Posted(integration="generic", body=orjson.dumps(items), received_at=time(at))
        record = receive(posted, Integration(name="generic", source="generic"), adapters()["generic"])
        await self.log.append("default", encode(record))
        await applied(self._engine, self.log)

    async def asks(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """One request: status and document; `_` in a header's name stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else orjson.dumps(body)
        response = await self.client.request(method, path, data=data, headers=named)
        read = await response.read()
        return response.status, orjson.loads(read) if "json" in response.content_type else read.decode()

    async def incidents(self) -> list[dict[str, Any]]:
        """Every incident as the API lists it."""
        _, page = await self.asks("GET", "/v1/incidents?limit=200")
        found: list[dict[str, Any]] = page["incidents"]
        return found

    async def the_incident(self) -> dict[str, Any]:
        """The one that there is."""
        (incident,) = await self.incidents()
        return incident

    async def records(self) -> Sequence[Record]:
        """All that lies on the log."""
        return [decode(each.payload) for each in await self.log.read(0, 0, 100_000)]

    async def replayed(self) -> list[dict[str, Any]]:
        """What a replay of the exported log comes to, by id."""
        file = self._folder / "export.ndjson"
        file.write_bytes(b"".join(map(line_of, await self.records())))
        replay, integrations = Replay(Policy()), Integrations(known=adapters())
        for line in read_recordings([file]):
            replay.feed(record_of(line, integrations))
        found = [orjson.loads(to_json_bytes(each)) for each in replay.result().incidents]
        return sorted(found, key=lambda each: str(each["id"]))


@asynccontextmanager
async def reviewing(folder: Path, *, deciding: bool = True) -> AsyncIterator[Review]:
    """A running service without receivers; `deciding` False: no correlator runs."""
    log, moment = MemoryLog(), Moment()
    shutil.copy(await _template(), folder / "store.db")
    engine = open_engine(f"sqlite+aiosqlite:///{folder / 'store.db'}")
    store = StoreReader(engine)
    orders = LoggedOrders(log, store, Integrations(known=adapters()), moment.tick)
    routes = [*review_routes(StoredIncidents(store, log), orders), *report_routes(ReportReader(engine))]
    app = build_app(routes=routes, recorded_time=False, max_body=1_000_000)
    try:
        async with TestClient(TestServer(app)) as client:
            review = Review(client, log, store, engine, folder)
            if not deciding:
                yield review
                return
            async with running(runner_of(log, engine)):
                yield review
    finally:
        await engine.dispose()


async def _template() -> Path:
    """An empty store, made once: making its tables takes longer than most tests."""
    if not _TEMPLATES:
        folder = Path(tempfile.mkdtemp(prefix="alertline-test-"))
        atexit.register(shutil.rmtree, folder)
        engine = await DataFolder(str(folder)).open_store()
        async with engine.connect() as connection:
            await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        await engine.dispose()
        _TEMPLATES.append(folder / "store.db")
    return _TEMPLATES[0]


_TEMPLATES: list[Path] = []


class Moment(msgspec.Struct):
    """A clock that goes on by a second whenever somebody looks."""

    now: datetime = time("10:30")

    def tick(self) -> datetime:
        """A second later."""
        self.now += timedelta(seconds=1)
        return self.now
