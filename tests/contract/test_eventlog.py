"""What `alertline.eventlog.port` promises, asked of every implementation. Clocks here only move when a test says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertline.clock import now
from alertline.eventlog.kafka import KafkaLog
from alertline.eventlog.memory import MemoryLog
from alertline.eventlog.port import EventLog, LogClosed, Position
from alertline.eventlog.sqlite import SqliteLog
from tests.simulation.broker import Broker, LogClient
from tests.simulation.world import Calm
from tests.support.kafka import settings

# "a" and "b" lie in the first partition of one, and of the four that a mock cluster makes by itself
START = datetime(2024, 8, 20, 14, 5, 7, 123456, tzinfo=UTC)
LONG_S = 30.0  # no test waits so long: it ends when it hears

OpenLog = Callable[[], Awaitable[EventLog]]


class HandClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        """Give the moment it was set to."""
        return self.moment


@pytest.fixture
def clock() -> HandClock:
    """A clock that stands at START."""
    return HandClock()


@pytest.fixture(params=["memory", "sqlite", "kafka", "simulated"])
async def open_log(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> AsyncIterator[OpenLog]:
    """A function that opens the log, again and again; every log is closed at the end."""
    opened: list[EventLog] = []
    broker = Broker(Calm(), clock=clock)
    kafka = settings(request.getfixturevalue("kafka_address")) if request.param == "kafka" else None

    async def open_one() -> EventLog:
        log: EventLog
        if request.param == "memory":
            log = opened[0] if opened else MemoryLog(clock=clock)
        elif kafka is not None:
            log = await KafkaLog.open(kafka)
        elif request.param == "simulated":
            log = LogClient(broker)
        else:
            log = await SqliteLog.open(tmp_path / "log.db", clock=clock)
        opened.append(log)
        return log

    yield open_one
    for log in opened:
        await log.close()


@pytest.fixture
async def log(open_log: OpenLog) -> EventLog:
    """An empty log."""
    return await open_log()


async def test_records_are_read_in_the_order_in_which_they_were_appended(log: EventLog) -> None:
    """Reading gives stream and payload back unchanged, in order, with growing offsets."""
    given = [("a", b"1"), ("b", b"\x00\xff"), ("a", b"")]

    positions = [await log.append(stream, payload) for stream, payload in given]
    records = await log.read(0, 0, 10)

    assert given == [(record.stream, record.payload) for record in records]
    assert positions == [record.position for record in records]
    assert positions == sorted(set(positions))


async def test_reading_goes_on_from_next_offset_and_stops_at_the_limit(log: EventLog) -> None:
    """Pages that follow on each other by `next_offset` hold every record exactly once."""
    for number in range(5):
        await log.append("a", str(number).encode())

    first = await log.read(0, 0, 2)
    rest = await log.read(0, first[-1].position.next_offset, 10)

    assert [record.payload for record in first] == [b"0", b"1"]
    assert [record.payload for record in rest] == [b"2", b"3", b"4"]
    assert list(await log.read(0, rest[-1].position.next_offset, 10)) == []
    assert list(await log.read(0, 0, 0)) == []


async def test_a_read_gives_all_that_came_since_the_last(log: EventLog) -> None:
    """Not only what somebody fetched ahead in between, after the first of it had come."""
    next_offset = 0
    for _ in range(4):
        for number in range(20):
            await log.append("a", str(number).encode())

        records = await log.read(0, next_offset, 100)

        assert len(records) == 20
        next_offset = records[-1].position.next_offset


async def test_end_is_the_offset_that_the_next_record_gets(log: EventLog) -> None:
    """`end` names the position of the next append, in an empty log too."""
    for _ in range(3):
        end = await log.end(0)

        assert Position(0, end) == await log.append("a", b"x")


async def test_unknown_partitions_are_empty(log: EventLog) -> None:
    """A record lies in one of the partitions that are told; asking for another gives nothing."""
    position = await log.append("a", b"x")

    partitions = list(await log.partitions())
    assert position.partition in partitions
    assert partitions == list(range(len(partitions)))
    assert list(await log.read(len(partitions), 0, 10)) == []
    assert not await log.wait(len(partitions), 0, 0)


async def test_concurrent_appends_each_get_a_position_of_their_own(log: EventLog) -> None:
    """Of 2000 appends at once each appears exactly once, at the position that it was told."""
    payloads = [str(number).encode() for number in range(2000)]

    positions = await asyncio.gather(*(log.append("a", payload) for payload in payloads))
    records = await log.read(0, 0, 10_000)

    assert dict(zip(positions, payloads, strict=True)) == {record.position: record.payload for record in records}
    assert len(payloads) == len(records)


async def test_append_times_never_go_back(log: EventLog, clock: HandClock) -> None:
    """A clock that is set back does not make a record older than the one before it."""
    await log.append("a", b"1")
    clock.moment = START - timedelta(hours=1)
    await log.append("a", b"2")
    clock.moment = START + timedelta(microseconds=1)
    await log.append("a", b"3")

    times = [record.appended_at for record in await log.read(0, 0, 10)]
    if isinstance(log, KafkaLog):  # its clock is the broker's
        assert times == sorted(times)
        assert abs(now() - times[0]) < timedelta(seconds=LONG_S)
    else:
        assert times == [START, START, clock.moment]


async def test_wait_is_over_at_once_when_the_record_is_there(log: EventLog) -> None:
    """Waiting for a record that exists needs no time."""
    position = await log.append("a", b"x")

    assert await log.wait(0, 0, LONG_S)
    assert await log.wait(0, position.offset, LONG_S)


@pytest.mark.parametrize("timeout_s", [0.0, 0.01])
async def test_wait_gives_up_after_its_time(log: EventLog, timeout_s: float) -> None:
    """Nothing comes: the answer is no, for an empty log and behind its end."""
    assert not await log.wait(0, 0, timeout_s)

    position = await log.append("a", b"x")

    assert not await log.wait(0, position.next_offset, timeout_s)


async def test_append_wakes_all_who_wait(log: EventLog) -> None:
    """Everybody who waits for the next record hears of it, long before the time is over."""
    async with asyncio.timeout(LONG_S / 3), asyncio.TaskGroup() as group:
        waiters = [group.create_task(log.wait(0, 0, LONG_S)) for _ in range(3)]
        await asyncio.sleep(0)
        await log.append("a", b"x")

    assert [waiter.result() for waiter in waiters] == [True] * 3


async def test_a_cancelled_append_does_not_harm_its_neighbours(log: EventLog) -> None:
    """Whoever stops waiting leaves the others of the same batch unharmed, each at its own position."""
    tasks = [asyncio.create_task(log.append("a", str(number).encode())) for number in range(9)]
    await asyncio.sleep(0)
    tasks[4].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    told = {result: str(number).encode() for number, result in enumerate(results) if isinstance(result, Position)}
    records = {record.position: record.payload for record in await log.read(0, 0, 100)}

    assert isinstance(results[4], asyncio.CancelledError)
    assert len(told) == 8
    assert told.items() <= records.items()
    assert await log.append("a", b"later") not in records


async def test_a_closed_log_refuses_everything(log: EventLog) -> None:
    """After `close`, which may be called again, every use says LogClosed."""
    await log.close()
    await log.close()

    for use in (log.append("a", b"x"), log.read(0, 0, 1), log.end(0), log.wait(0, 0, LONG_S)):
        with pytest.raises(LogClosed):
            await use


async def test_close_finishes_what_was_accepted(log: EventLog) -> None:
    """An append that was accepted before `close` gets its position."""
    tasks = [asyncio.create_task(log.append("a", b"x")) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.gather(log.close(), log.close())

    assert len(set(await asyncio.gather(*tasks))) == 50


async def test_close_ends_waiting(log: EventLog) -> None:
    """Who waits while the log is closed is told that it is closed."""
    waiter = asyncio.create_task(log.wait(0, 0, LONG_S))
    await asyncio.sleep(0)
    await log.close()

    with pytest.raises(LogClosed):
        await waiter


async def test_nothing_went_from_it(log: EventLog) -> None:
    """A log that was not shortened keeps all of its records, and says so."""
    await log.append("s", b"x")

    assert await log.begin(0) == 0


async def test_the_identity_stays(open_log: OpenLog) -> None:
    """Opening the log again gives the same id, which is not empty."""
    one, other = await open_log(), await open_log()

    assert one.log_id == other.log_id
    assert one.log_id


async def test_two_logs_have_two_identities(tmp_path: Path) -> None:
    """No two logs share an id, of whatever kind they are."""
    logs: list[EventLog] = [MemoryLog(), MemoryLog()]
    logs += [await SqliteLog.open(tmp_path / f"{name}.db") for name in "ab"]
    for log in logs:
        await log.close()

    assert len({log.log_id for log in logs}) == 4
