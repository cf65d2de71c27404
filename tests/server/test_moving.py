"""`db copy`: an embedded installation with open incidents goes on elsewhere as if it had never been moved."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from importlib.resources import as_file, files
from pathlib import Path

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.cli.replaying import record_of
from alertline.clock import now
from alertline.errors import AlertlineError
from alertline.eventlog.kafka import KafkaLog
from alertline.eventlog.memory import MemoryLog
from alertline.eventlog.port import EventLog, LogRecord, Position
from alertline.eventlog.sqlite import SqliteLog
from alertline.incidents.policy import Policy
from alertline.incidents.present import present
from alertline.store.engine import open_engine, writing
from alertline.store.moving import is_empty
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter
from alertline.wiring.embedded import DataFolder
from alertline.wiring.exporting import exported
from alertline.wiring.moving import copy_log, copy_store, size_of
from alertline.wiring.reading import StoredIncidents
from consumers.runner import Runner
from ingest.integrations import Integrations
from ingest.recording import line_of, read_recordings
from schemas.public import to_json_bytes
from schemas.records import Delivery, Record, Tick, decode, encode
from tests.support.kafka import settings as kafka_settings
from tests.support.server import Server, until
from tests.support.stores import dumped

FIRST = 7
GAP = 3
MISPLACED = """UPDATE deliveries SET body = replace(body, '"offset":3,', '"offset":99999,')"""
STREAMS = ("default", "other")


class ScatteredLog:
    """A log as Kafka's: several partitions, offsets of its own with gaps between them, and another append time."""

    log_id = "scattered"

    def __init__(self, partitions: int = 3) -> None:
        self.records: list[list[LogRecord]] = [[] for _ in range(partitions)]
        self.in_order = True

    async def partitions(self) -> Sequence[int]:
        """All of them."""
        return range(len(self.records))

    async def append(self, stream: str, payload: bytes) -> Position:
        """Append to the partition of the stream."""
        lying = self.records[partition := sum(stream.encode()) % len(self.records)]
        offset = FIRST + GAP * len(lying) if self.in_order else 1000 - len(lying)
        lying.append(LogRecord(position := Position(partition, offset), stream, now(), payload))
        await asyncio.sleep(0)
        return position

    async def read(self, partition: int, next_offset: int, limit: int) -> Sequence[LogRecord]:
        """Those from the offset on."""
        return [each for each in self.records[partition] if each.position.offset >= next_offset][:limit]

    async def wait(self, partition: int, next_offset: int, timeout_s: float) -> bool:
        """Whether there is one; it never waits long."""
        await asyncio.sleep(min(timeout_s, 0.01))
        return bool(await self.read(partition, next_offset, 1))

    async def begin(self, partition: int) -> int:
        """Before which offset records are kept no longer: here all are."""
        return 0

    async def end(self, partition: int) -> int:
        """Behind the newest."""
        return self.records[partition][-1].position.next_offset if self.records[partition] else 0

    async def close(self) -> None:
        """Nothing to close."""


def recorded() -> list[Record]:
    """The demo's recording, in two streams at once, with a tick at the end of each."""
    with as_file(files("alertline.demo").joinpath("load-balancer.ndjson")) as path:
        found = [record_of(line, Integrations()) for line in read_recordings([path])]
    records = [msgspec.structs.replace(each, stream=stream) for each in found for stream in STREAMS]
    last = max(each.received_at for each in found if isinstance(each, Delivery))
    return [*records, *(Tick(stream=stream, at=last + 2 * Policy().quiet) for stream in STREAMS)]


async def work_off(log: EventLog, engine: AsyncEngine) -> None:
    """Apply everything that the log holds."""
    for partition in await log.partitions():
        runner = Runner(log, StoreWriter(engine), Policy(), owner="one", ticking=False, partition=partition)
        task = asyncio.create_task(runner.run())
        async with asyncio.timeout(60):
            while await StoreReader(engine).applied(partition) < await log.end(partition):
                assert not task.done(), task.exception()
                await asyncio.sleep(0.01)
        runner.stop()
        await task


async def fill(log: EventLog, records: Iterable[Record]) -> None:
    """Append records."""
    for each in records:
        await log.append(each.stream, encode(each))


async def shown(engine: AsyncEngine) -> list[bytes]:
    """Every incident, as the API gives it."""
    reader = StoreReader(engine)
    found = await reader.facts_of(await reader.all_incident_ids())
    return sorted(to_json_bytes(present(facts, facts.policy)) for facts in found)


async def lines(log: EventLog) -> dict[str, list[bytes]]:
    """The export of a log, by stream."""
    found: dict[str, list[bytes]] = {stream: [] for stream in STREAMS}
    async for record in exported(log, lambda: None):
        found[record.stream].append(line_of(record))
    return found


@pytest.fixture
async def straight(tmp_path: Path) -> list[bytes]:
    """What all of it comes to without a move."""
    log = MemoryLog()
    await fill(log, recorded())
    folder = DataFolder(str(tmp_path / "straight"))
    folder.create()
    engine = await folder.open_store()
    await work_off(log, engine)
    found = await shown(engine)
    await engine.dispose()
    return found


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[tuple[SqliteLog, AsyncEngine]]:
    """An embedded installation in the middle of the outage: of the first half the last records are not applied yet."""
    folder = DataFolder(str(tmp_path / "embedded"))
    folder.create()
    log, engine = await folder.open_log(), await folder.open_store()
    records = recorded()
    half = len(records) // 2
    await fill(log, records[: half - 5])
    await work_off(log, engine)
    await fill(log, records[half - 5 : half])
    yield log, engine
    await engine.dispose()
    await log.close()


Embedded = tuple[SqliteLog, AsyncEngine]


@pytest.fixture
async def target(postgresql_store: str) -> AsyncIterator[AsyncEngine]:
    """An empty store on PostgreSQL."""
    engine = open_engine(postgresql_store, patient=True)
    yield engine
    await engine.dispose()


@pytest.fixture(params=["one partition", "three partitions", "kafka"])
async def elsewhere(request: pytest.FixtureRequest) -> AsyncIterator[EventLog]:
    """An empty log of another kind; its incidents are told to others where it can."""
    if request.param != "kafka":
        yield ScatteredLog(1 if request.param == "one partition" else 3)
        return
    log = await KafkaLog.open(kafka_settings(request.getfixturevalue("kafka_address"), partitions=3))
    yield log
    await log.close()


async def kept(log: EventLog) -> list[LogRecord]:
    """Every record of a log."""
    found: list[LogRecord] = []
    for partition in await log.partitions():
        offset = 0
        while records := await log.read(partition, offset, 1000):
            found += records
            offset = records[-1].position.next_offset
    return found


async def test_onto_another_log(
    embedded: Embedded, elsewhere: EventLog, target: AsyncEngine, straight: list[bytes]
) -> None:
    """Open incidents go on as without the move; the export, the raw bodies and what was not applied are there too."""
    log, source = embedded
    steps: list[None] = []
    total = await size_of(log, source)

    moved = await copy_log(log, elsewhere, StoreReader(source), lambda: steps.append(None))
    copied = await copy_store(source, target, moved, lambda: steps.append(None))

    assert await lines(elsewhere) == await lines(log)
    assert await shown(target) == await shown(source)
    assert copied.rows["decisions"] > 20
    assert abs(len(steps) - total) < 10  # the log begins at 1, and the positions are others
    await fill(elsewhere, recorded()[len(recorded()) // 2 :])
    await work_off(elsewhere, target)
    assert await shown(target) == straight
    read, stored = StoreReader(target), StoredIncidents(StoreReader(target), elsewhere)
    for each in await kept(elsewhere):
        if isinstance(record := decode(each.payload), Delivery):
            found = await read.delivery(record.id)
            [row] = [row for row in found if (row.partition, row.offset) == msgspec.structs.astuple(each.position)]
            assert await stored.raw(row) == record.raw


async def test_into_a_database_alone(embedded: Embedded, target: AsyncEngine, straight: list[bytes]) -> None:
    """The log stays: every row is copied as it is, and reading goes on where it was."""
    log, source = embedded

    await copy_store(source, target, None, lambda: None)

    assert await dumped(target) == await dumped(source)
    await fill(log, recorded()[len(recorded()) // 2 :])
    await work_off(log, target)
    assert await shown(target) == straight


async def test_what_is_not_empty_is_refused(embedded: Embedded, target: AsyncEngine) -> None:
    """Neither a store nor a log that holds something is written to."""
    log, source = embedded
    elsewhere = ScatteredLog()
    await fill(elsewhere, recorded()[:1])
    await StoreWriter(target).claim("log", 0, "one")

    with pytest.raises(AlertlineError, match="log to copy to is not empty"):
        await copy_log(log, elsewhere, StoreReader(source), lambda: None)
    with pytest.raises(AlertlineError, match="database to copy to is not empty"):
        await copy_store(source, target, None, lambda: None)


async def test_what_went_wrong_is_not_used(embedded: Embedded, target: AsyncEngine) -> None:
    """A log that changes the order is refused; a store that names what the log has not leaves the database empty."""
    log, source = embedded
    confused = ScatteredLog()
    confused.in_order = False
    with pytest.raises(AlertlineError, match="another order"):
        await copy_log(log, confused, StoreReader(source), lambda: None)

    moved = await copy_log(log, ScatteredLog(), StoreReader(source), lambda: None)
    async with writing(source) as connection:
        await connection.exec_driver_sql(MISPLACED)
    with pytest.raises(AlertlineError, match="offset 99999, which the log does not hold"):
        await copy_store(source, target, moved, lambda: None)
    assert await is_empty(target)


def alertline(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What a command prints."""
    return subprocess.run([sys.executable, "-m", "alertline", *arguments], capture_output=True, text=True, check=False)


def test_the_command(tmp_path: Path, postgresql_database: str) -> None:
    """A server's folder is copied, once; the server goes on with the database; others find it there too."""
    body = {"type": "entry", "kind": "declared", "text": "it is down"}
    with Server(tmp_path / "data") as server:
        server.start()
        assert server.post("/v1/webhooks/alertline", body)[0] == 202
        [before] = until(lambda: server.incidents() or None, "an incident")
        refused = alertline("db", "copy", "--data", str(server.folder), "--database", postgresql_database)
        assert (refused.returncode, "another Alertline server" in refused.stderr) == (1, True)
    options = ("--data", str(tmp_path / "data"), "--database", postgresql_database)

    done, again = alertline("db", "copy", *options), alertline("db", "copy", *options)

    assert done.returncode == 0, done.stderr
    assert "1 incidents" in done.stdout
    assert "not empty" in again.stderr
    assert alertline("db", "check", *options[2:]).returncode == 0
    with Server(tmp_path / "data", "--database", postgresql_database) as server:
        server.start()
        assert server.incidents() == [before]
        assert server.post("/v1/webhooks/alertline", {**body, "text": "and again", "scope": "b"})[0] == 202
        until(lambda: len(server.incidents()) == 2, "another incident")
