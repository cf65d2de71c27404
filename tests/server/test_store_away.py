"""A runner whose PostgreSQL goes away, for a while, in the middle of the work: nothing lost, nothing twice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.eventlog.memory import MemoryLog
from alertline.incidents.policy import Policy
from alertline.store.engine import open_engine
from alertline.store.failures import StoreUnavailable
from alertline.store.migrate import upgrade
from alertline.store.port import Batch, Filter
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter
from consumers.runner import Runner
from schemas.records import Delivery, encode
from tests.support.postgres import Server, database, own_server
from tests.support.server import Server as Served
from tests.support.server import until
from tests.support.story import Story


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A PostgreSQL of this module's own."""
    with own_server() as made:
        yield made


@pytest.fixture
def server(own: Server) -> Server:
    """It runs, to be stopped and started."""
    if not own.runs:
        own.start()
    return own


@pytest.fixture
async def engine(server: Server) -> AsyncIterator[AsyncEngine]:
    """An empty store on it."""
    with database(server.url) as made:
        await upgrade(made.url)
        opened = open_engine(made.url)
        yield opened
        await opened.dispose()


def deliveries(count: int) -> list[Delivery]:
    """Firing alerts, each of another name."""
    story = Story()
    for number in range(count):
        story.at(f"10:{number // 60:02}:{number % 60:02}").fires(f"alert{number}", start="10:00")
    return [record for record in story.records if isinstance(record, Delivery)]


class Breaking(StoreWriter):
    """A writer during whose next commit something happens: before it is made, or after, so that nobody hears of it."""

    def __init__(self, engine: AsyncEngine, *, after: bool) -> None:
        super().__init__(engine)
        self._after = after
        self.happens: Callable[[], None] | None = None

    async def commit(self, batch: Batch) -> None:
        """Commit, while it happens."""
        act, self.happens = self.happens, None
        if act is not None and not self._after:
            await asyncio.to_thread(act)
        await super().commit(batch)
        if act is not None and self._after:
            await asyncio.to_thread(act)
            raise StoreUnavailable("the answer to the commit was lost")


class Kept:
    """A runner that is started again, from the store's position, whenever the store was away."""

    def __init__(self, make: Callable[[], Runner]) -> None:
        self._make = make
        self.runner = make()
        self._reasons: list[str] = []

    async def run(self) -> None:
        """Run until stopped."""
        while True:
            try:
                return await self.runner.run()
            except StoreUnavailable as error:
                self._reasons.append(str(error))
                self.runner = self._make()
                await asyncio.sleep(0.1)

    async def interrupted(self, task: asyncio.Task[None]) -> None:
        """Wait until it was, by the store's not being available and nothing else."""
        seen = len(self._reasons)
        async with asyncio.timeout(30):
            while len(self._reasons) == seen and not task.done():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        assert not task.done(), task.exception()


async def applied(engine: AsyncEngine, end: int) -> None:
    """Wait until the store has applied all before `end`."""
    async with asyncio.timeout(30):
        while True:
            try:
                if await StoreReader(engine).applied(0) >= end:
                    return
            except StoreUnavailable:
                pass
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
async def test_it_waits_and_goes_on(server: Server, engine: AsyncEngine, *, after: bool) -> None:
    """Stopped before, or right after, a commit: the runner says that it waits, keeps its claim, and goes on."""
    many, log = deliveries(90), MemoryLog()
    writer = Breaking(engine, after=after)
    kept = Kept(lambda: Runner(log, writer, Policy(), owner="one", ticking=False))
    task = asyncio.create_task(kept.run())
    for stop, part in (server.stop, many[:60]), (server.crash, many[60:75]), (server.stop, many[75:]):
        writer.happens = stop
        for each in part:
            await log.append("default", encode(each))
        await kept.interrupted(task)
        await asyncio.to_thread(server.start)
        await applied(engine, await log.end(0))
    kept.runner.stop()
    await task

    reader = StoreReader(engine)
    assert [len(await reader.delivery(each.id)) for each in many] == [1] * len(many)
    found = [await reader.facts(line.id) for line in (await reader.page(Filter(), None, 200)).incidents]
    names = [alert.dedup_key for facts in found if facts for alert in facts.alerts]
    assert sorted(names) == sorted(f"alert{number}" for number in range(90))


def test_a_server_goes_on_taking_deliveries(tmp_path: Path, server: Server) -> None:
    """While its store is away: 202 as before, not ready and saying why, pages 503; afterwards all is applied, once."""
    entry = {"type": "entry", "kind": "declared", "text": "it is down"}
    with database(server.url) as made, Served(tmp_path / "data", "--database", made.url) as served:
        served.start().ready()
        assert served.post("/v1/webhooks/alertline", entry)[0] == 202
        until(lambda: served.incidents() or None, "an incident")
        server.stop()
        assert served.post("/v1/webhooks/alertline", {**entry, "scope": "b"})[0] == 202
        until(lambda: served.get("/readyz")[0] == 503, "not ready")
        assert [served.get(path)[0] for path in ("/v1/incidents", "/", "/v1/deliveries/x")] == [503] * 3
        server.start()
        until(lambda: served.get("/readyz")[0] == 200, "ready again")
        until(lambda: len(served.incidents()) == 2, "what was taken meanwhile")
