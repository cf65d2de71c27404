"""Records that cannot be taken in: found, told of, passed over; and when that is refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.eventlog.memory import MemoryLog
from alertline.eventlog.port import LogRecord, LogUnavailable
from alertline.incidents.engine import Step, step
from alertline.incidents.memory.state import StreamState
from alertline.incidents.policy import Policy
from alertline.store.engine import StoreUnavailable
from alertline.store.port import Batch
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter
from alertline.wiring.embedded import DataFolder
from consumers.isolating import PoisonBurst
from consumers.runner import Runner
from consumers.supervising import Supervisor
from schemas.records import Delivery, Record, encode
from tests.support.story import Story

BOUND_S = 30.0


class Refusing(StoreWriter):
    """A store that refuses every batch with certain deliveries in it, or all, in the way it is told."""

    def __init__(self, engine: AsyncEngine, refused: set[str], *, shown: bool = True) -> None:
        super().__init__(engine)
        self.refused, self._shown = refused, shown
        self.away: BaseException | None = None

    async def commit(self, batch: Batch) -> None:
        """Write, or refuse: what is only shown in quarantine is taken, unless that is refused too."""
        if self.away is not None:
            raise self.away
        if any(row.id in self.refused and (batch.decisions or not self._shown) for row in batch.deliveries):
            raise ValueError("a text holds what this database cannot")
        await super().commit(batch)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An empty store in a file."""
    opened = await DataFolder(str(tmp_path)).open_store()
    yield opened
    await opened.dispose()


async def filled(count: int) -> tuple[MemoryLog, list[Delivery]]:
    """A log of firing alerts, each of another name."""
    story, log = Story(), MemoryLog()
    for number in range(count):
        story.at(f"10:{number // 60:02}:{number % 60:02}").fires(f"alert{number}", start="10:00")
    records = [record for record in story.records if isinstance(record, Delivery)]
    for record in records:
        await log.append("default", encode(record))
    return log, records


def quiet(log: MemoryLog, writer: StoreWriter, told: list[tuple[int, str]] | None = None) -> Runner:
    """A runner that takes no notice of the time, and what it tells of."""

    async def tell(record: LogRecord, reason: str) -> None:
        if told is not None:
            told.append((record.position.offset, reason))

    return Runner(log, writer, Policy(), owner="one", ticking=False, dead_letters=tell)


async def until_applied(engine: AsyncEngine, end: int) -> None:
    """Wait until the read position is there."""
    reader = StoreReader(engine)
    async with asyncio.timeout(BOUND_S):
        while await reader.applied(0) < end:  # noqa: ASYNC110 - it is in a file
            await asyncio.sleep(0.01)


async def run_to_end(runner: Runner, engine: AsyncEngine, end: int) -> None:
    """Run until all is applied."""
    task = asyncio.create_task(runner.run())
    try:
        await until_applied(engine, end)
    finally:
        runner.stop()
        await task


@pytest.mark.parametrize("bad", [{0}, {13}, {0, 1, 19}, {5, 6, 7, 8}, set[int]()])
@pytest.mark.parametrize("shown", [True, False])
async def test_what_the_store_refuses_is_found_by_halves(engine: AsyncEngine, bad: set[int], shown: bool) -> None:
    """Exactly the refused records are passed over, told of and, where the store takes that, shown."""
    log, records = await filled(20)
    told: list[tuple[int, str]] = []
    writer = Refusing(engine, {records[number].id for number in bad}, shown=shown)

    await run_to_end(quiet(log, writer, told), engine, 21)

    reader = StoreReader(engine)
    outcomes = [[row.outcome for row in await reader.delivery(record.id)] for record in records]
    passed_over = ["quarantined"] if shown else []
    assert outcomes == [passed_over if number in bad else ["accepted"] for number in range(20)]
    assert told == [(number + 1, "the correlator failed on it: ValueError") for number in sorted(bad)]


def failing_on(bad: set[str]) -> Callable[[StreamState, int, Record], Step]:
    """A core that fails on some deliveries after it has changed its memory."""

    def failing(state: StreamState, offset: int, record: Record) -> Step:
        taken = step(state, offset, record)
        if isinstance(record, Delivery) and record.id in bad:
            raise ZeroDivisionError("a slip")
        return taken

    return failing


async def test_a_burst_stops_the_partition_loudly(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """After fifty failures within a minute nothing more is passed over: the position stays before the next."""
    log, records = await filled(80)
    told: list[tuple[int, str]] = []
    monkeypatch.setattr("consumers.applying.step", failing_on({record.id for record in records[10:]}))

    with pytest.raises(PoisonBurst, match="more than 50 records"):
        await quiet(log, Refusing(engine, set()), told).run()

    assert await StoreReader(engine).applied(0) == 61
    assert [offset for offset, _ in told] == list(range(11, 61))


async def test_a_copy_of_what_failed_is_a_copy(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sender tried again: it is told of once, and shown once."""
    log, records = await filled(3)
    told: list[tuple[int, str]] = []
    fails_on = records[1].id

    def failing(state: StreamState, offset: int, record: Record) -> Step:
        taken = step(state, offset, record)
        if isinstance(record, Delivery) and record.id == fails_on and taken.duplicate_of is None:
            raise ZeroDivisionError("a slip")
        return taken

    monkeypatch.setattr("consumers.applying.step", failing)
    await log.append("default", encode(records[1]))
    await run_to_end(quiet(log, Refusing(engine, set()), told), engine, 5)

    rows = await StoreReader(engine).delivery(fails_on)
    assert sorted((row.offset, row.duplicate_of, row.outcome) for row in rows) == [
        (2, None, "quarantined"),
        (4, 2, "accepted"),
    ]
    assert [offset for offset, _ in told] == [2]


async def test_what_cannot_be_told_is_not_passed_over(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nobody can be told of a dead letter the partition waits before it."""
    log, records = await filled(3)
    monkeypatch.setattr("consumers.applying.step", failing_on({records[1].id}))

    async def mute(record: LogRecord, reason: str) -> None:
        raise LogUnavailable("away")

    with pytest.raises(LogUnavailable):
        await Runner(log, StoreWriter(engine), Policy(), owner="one", ticking=False, dead_letters=mute).run()
    assert await StoreReader(engine).applied(0) == 2


async def test_a_store_that_is_away_is_waited_for(engine: AsyncEngine) -> None:
    """The partition goes on by itself when the store is back, and says meanwhile what it waits for."""
    log, records = await filled(5)
    writer = Refusing(engine, set())
    writer.away = StoreUnavailable("the store is not available: restarting")
    supervisor = Supervisor(lambda _: quiet(log, writer))
    await supervisor.keep(frozenset({0}))
    async with asyncio.timeout(BOUND_S):
        while not supervisor.problems():  # noqa: ASYNC110 - it tells when it is asked
            await asyncio.sleep(0.01)
    assert supervisor.problems() == {"partition 0": "the store is not available: restarting"}

    writer.away = None
    await until_applied(engine, 6)
    assert supervisor.problems() == {}
    assert supervisor.ready
    await supervisor.stop()
    assert [len(await StoreReader(engine).delivery(record.id)) for record in records] == [1] * 5


async def test_what_a_runner_waited_for_may_be_cancelled(engine: AsyncEngine) -> None:
    """Not the runner was meant: its partition goes on, and nobody waits for a task that is gone."""
    log, _ = await filled(5)
    writer = Refusing(engine, set())
    writer.away = asyncio.CancelledError()
    supervisor = Supervisor(lambda _: quiet(log, writer))
    await supervisor.keep(frozenset({0}))
    async with asyncio.timeout(BOUND_S):
        while not supervisor.problems():  # noqa: ASYNC110 - it tells when it is asked
            await asyncio.sleep(0.01)

    writer.away = None
    await until_applied(engine, 6)
    await supervisor.stop()


async def test_partitions_that_stay_are_held_and_go_on(engine: AsyncEngine) -> None:
    """While partitions are handed out nothing is written; then those that stay go on with the memory they had."""
    log, records = await filled(2)
    supervisor = Supervisor(lambda _: quiet(log, StoreWriter(engine)))
    await supervisor.keep(frozenset({0}))
    await until_applied(engine, 3)

    await supervisor.hold()
    more, _ = await filled(3)
    await log.append("default", (await more.read(0, 3, 1))[0].payload)
    assert await StoreReader(engine).applied(0) == 3

    await supervisor.keep(frozenset({0}))
    await until_applied(engine, 4)
    epochs = await StoreWriter(engine).claim(log.log_id, 0, "asks")
    assert epochs.epoch == 2  # the runner had claimed once
    await supervisor.keep(frozenset())
    assert supervisor.partitions == []
    assert len(records) == 2
