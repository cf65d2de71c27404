"""The runner on the real log and store, in this process: what it does with a record that cannot be applied."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.eventlog.memory import MemoryLog
from alertline.eventlog.port import EventLog
from alertline.eventlog.sqlite import SqliteLog
from alertline.incidents.engine import Step, step
from alertline.incidents.memory.state import StreamState
from alertline.incidents.policy import Policy
from alertline.store.port import Fenced, Filter, LogChanged
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter
from alertline.wiring.embedded import DataFolder
from consumers.runner import Runner, run_guarded
from consumers.telling import Told
from schemas.records import Delivery, NewerRecord, Record, encode
from tests.support.story import Story, time


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    """An empty log in a file."""
    opened = await DataFolder(str(tmp_path)).open_log()
    yield opened
    await opened.close()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An empty store in a file."""
    opened = await DataFolder(str(tmp_path)).open_store()
    yield opened
    await opened.dispose()


def runner_of(log: EventLog, engine: AsyncEngine, owner: str = "one", **more: Any) -> Runner:
    """A runner that takes no notice of the time, unless it is told to."""
    return Runner(log, StoreWriter(engine), Policy(), owner=owner, **({"ticking": False} | more))


@asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[asyncio.Task[None]]:
    """The runner while it runs; stopped at the end, and whatever it raised is raised."""
    task = asyncio.create_task(runner.run())
    await asyncio.wait((task, started := asyncio.ensure_future(runner.started.wait())), return_when="FIRST_COMPLETED")
    started.cancel()
    yield task
    runner.stop()
    async with asyncio.timeout(5):
        await task


def deliveries(count: int) -> list[Delivery]:
    """Firing alerts, each of another name."""
    story = Story()
    for number in range(count):
        story.at(f"10:00:{number:02}").fires(f"alert{number}", start="10:00")
    return [record for record in story.records if isinstance(record, Delivery)]


async def append(log: EventLog, *records: Record | bytes) -> None:
    """Put records on the log."""
    for record in records:
        await log.append("default", record if isinstance(record, bytes) else encode(record))


async def applied(engine: AsyncEngine, log: EventLog) -> None:
    """Wait until the log's end is the read position."""
    end = await log.end(0)
    database = engine.url.database
    assert database is not None
    store = sqlite3.connect(database)
    try:
        async with asyncio.timeout(10):
            while store.execute("SELECT next_offset FROM positions").fetchall() != [(end,)]:  # noqa: ASYNC110 - another process's view
                await asyncio.sleep(0.005)
    finally:
        store.close()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_failing_record(log: SqliteLog, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """A record on which the core fails is kept, shown in quarantine with the reason, and passed over."""

    def failing(state: StreamState, offset: int, record: Record) -> Step:
        taken = step(state, offset, record)  # it has changed its memory by then
        if isinstance(record, Delivery) and record.id == bad.id:
            raise ZeroDivisionError("a slip")
        return taken

    source = log if kind == "sqlite" else MemoryLog()
    first, bad, last, late = deliveries(4)
    monkeypatch.setattr("consumers.applying.step", failing)
    await append(source, first, bad, last)
    async with running(runner_of(source, engine)):
        await applied(engine, source)
        await append(source, late)
        await applied(engine, source)

    reader = StoreReader(engine)
    (held,) = (await reader.quarantine(limit=10)).held
    row = held.delivery
    assert (row.id, row.outcome, row.reason) == (
        bad.id,
        "quarantined",
        "the correlator failed on it: ZeroDivisionError",
    )
    found = [(await reader.delivery(each.id))[0].outcome for each in (first, last, late)]
    assert found == ["accepted"] * 3
    assert await shown(engine) == ["alert0", "alert2", "alert3"]


async def test_garbage_on_the_log(log: SqliteLog, engine: AsyncEngine) -> None:
    """Bytes that are no record are skipped: they stay on the log, and the rest is applied."""
    first, last = deliveries(2)
    await append(log, first, b"\x00 not a record", last)
    async with running(runner_of(log, engine)):
        await applied(engine, log)

    assert await shown(engine) == ["alert0", "alert1"]


async def test_newer_record(log: SqliteLog, engine: AsyncEngine) -> None:
    """A record of a newer version stops the runner before it: skipping it would lose what is safe."""
    first, last = deliveries(2)
    await append(log, first)
    async with running(runner_of(log, engine)):
        await applied(engine, log)
    newer = orjson.dumps({**orjson.loads(encode(last)), "v": 99})
    await append(log, newer, last)

    with pytest.raises(NewerRecord, match="99 is newer"):
        await runner_of(log, engine).run()
    assert await shown(engine) == ["alert0"]


async def test_replaced(log: SqliteLog, engine: AsyncEngine) -> None:
    """A runner whose partition was taken over stops at its next batch and has written nothing of it."""
    first, last = deliveries(2)
    old, new = runner_of(log, engine, "old"), runner_of(log, engine, "new")
    task = asyncio.create_task(old.run())
    await old.started.wait()
    async with running(new):
        await append(log, first)
        with pytest.raises(Fenced):
            await task
        await append(log, last)
        await applied(engine, log)

    assert await shown(engine) == ["alert0", "alert1"]
    guarded = runner_of(log, engine, "third")
    task = asyncio.create_task(run_guarded(guarded))
    await guarded.started.wait()
    async with running(runner_of(log, engine, "fourth")):
        await append(log, deliveries(3)[2])
        await task  # being replaced is no error


async def test_two_runners(log: SqliteLog, engine: AsyncEngine) -> None:
    """Runners that take one partition from each other again and again apply every record once."""

    async def keep_running(name: str) -> None:
        async with asyncio.timeout(20):
            for _ in range(8):
                runner = runner_of(log, engine, name)
                task = asyncio.create_task(run_guarded(runner))
                await runner.started.wait()
                await asyncio.sleep(0.01)
                runner.stop()
                await task

    many = deliveries(60)

    async def post() -> None:
        for each in many:
            await append(log, each)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_running("one"))
        tasks.create_task(keep_running("two"))
        tasks.create_task(post())
    async with running(runner_of(log, engine, "last")):
        await applied(engine, log)

    reader = StoreReader(engine)
    assert [len(await reader.delivery(each.id)) for each in many] == [1] * len(many)
    assert await shown(engine) == sorted(f"alert{number}" for number in range(60))


async def test_another_log(log: SqliteLog, engine: AsyncEngine) -> None:
    """A store that was filled from another log is refused."""
    other = MemoryLog()
    await append(other, *deliveries(1))
    async with running(runner_of(other, engine)):
        await applied(engine, other)

    with pytest.raises(LogChanged):
        await runner_of(log, engine).run()


async def test_tick(log: SqliteLog, engine: AsyncEngine) -> None:
    """When a timer falls due, one tick is written, 2 s after its deadline; it is applied like any record."""
    story = Story().at("10:00").fires("a", start="10:00").at("10:05").resolves("a", start="10:00", end="10:04")
    clock = [time("10:05")]
    await append(log, *story.records)
    runner = runner_of(log, engine, ticking=True, clock=lambda: clock[0])
    async with running(runner):
        await applied(engine, log)
        clock[0] += Policy().quiet + timedelta(seconds=1)
        assert not await log.wait(0, 3, 1.2)  # looked at once a second at least
        clock[0] += timedelta(seconds=1)
        assert await log.wait(0, 3, 5)
        await applied(engine, log)

    assert await log.end(0) == 4
    records = await log.read(0, 3, 1)
    assert orjson.loads(records[0].payload) == {
        "record": "tick",
        "stream": "default",
        "at": "2025-03-04T10:10:02Z",
        "v": 1,
    }


async def untold(engine: AsyncEngine, number: int) -> None:
    """Wait until so many incidents have a timeline that is not told."""
    store = sqlite3.connect(str(engine.url.database))
    try:
        async with asyncio.timeout(10):
            while store.execute("SELECT count(*) FROM incident_metrics WHERE NOT told").fetchall() != [(number,)]:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)
    finally:
        store.close()


async def test_a_large_timeline_is_told_later(
    log: SqliteLog, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When there is nothing to read; if that fails, reading goes on all the same, and a later run tells it."""

    def failing(found: object) -> Told:
        raise ZeroDivisionError("a slip")

    story = Story()
    for number in range(120):
        story.at(f"10:{number // 60:02}:{number % 60:02}").fires(f"alert{number}", start="10:00", service="api")
    await append(log, *story.records)
    with monkeypatch.context() as broken:
        broken.setattr("consumers.runner.tell_stored", failing)
        async with running(runner_of(log, engine)):
            await applied(engine, log)
            await untold(engine, 1)
            await append(log, *Story().at("12:00").fires("other", start="12:00").records)
            await applied(engine, log)
    async with running(runner_of(log, engine, owner="two")):
        await untold(engine, 0)


async def shown(engine: AsyncEngine) -> list[str]:
    """The alerts of all incidents, each with one episode and one notification."""
    reader = StoreReader(engine)
    found = []
    for summary in (await reader.page(Filter(), None, 100)).incidents:
        facts = await reader.facts(summary.id)
        assert facts is not None
        found += [alert.dedup_key for alert in facts.alerts]
        assert [episode.notifications for episode in facts.episodes] == [1] * len(facts.episodes)
    return sorted(found)
