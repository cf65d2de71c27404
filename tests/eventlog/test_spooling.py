"""The spool before a log that comes and goes: nothing that was taken is lost, and nothing overtakes."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertline.eventlog.kafka import KafkaLog
from alertline.eventlog.kafka_connecting import ConnectingLog
from alertline.eventlog.memory import MemoryLog
from alertline.eventlog.missing import Missing
from alertline.eventlog.port import LogClosed, LogFull, LogUnavailable, Position, TooLarge
from alertline.eventlog.spool_file import SpoolFile
from alertline.eventlog.spooling import SpoolingLog
from tests.support import kafka as kafka_for_tests
from tests.support.kafka_jars import cluster

BOUND_S = 60.0


class Behind(MemoryLog):
    """A log that a test takes away: then it refuses, or says nothing, or takes a record and does not say so."""

    def __init__(self) -> None:
        super().__init__()
        self.mood = "there"

    async def append(self, stream: str, payload: bytes) -> Position:
        """Append, or fail in the way of the present mood."""
        if self.mood == "refusing":
            raise LogUnavailable("away")
        if self.mood == "silent":
            await asyncio.Event().wait()
        position = await super().append(stream, payload)
        if self.mood == "forgetful":
            raise LogUnavailable("cut off before the answer")
        return position

    async def append_all(self, records: Iterable[tuple[str, bytes]]) -> Sequence[Position]:
        """Append one after the other."""
        return [await self.append(stream, payload) for stream, payload in records]

    async def payloads(self) -> list[bytes]:
        """Everything in it, in order."""
        return [each.payload for each in await self.read(0, 0, 100_000)]


def once(payloads: Sequence[bytes]) -> list[bytes]:
    """Each payload where it first came."""
    return list(dict.fromkeys(payloads))


async def opened(behind: Behind, path: Path, max_bytes: int | None = None) -> SpoolingLog:
    """A spool on a file."""
    return await SpoolingLog(behind, await SpoolFile.open(path, max_bytes=max_bytes)).open()


async def emptied(log: SpoolingLog) -> None:
    """Wait until nothing waits any more."""
    async with asyncio.timeout(BOUND_S):
        while log.problem() is not None:  # noqa: ASYNC110 - it tells when it is asked, as /readyz asks it
            await asyncio.sleep(0.01)


MOODS = st.sampled_from(["there", "refusing", "forgetful"])
STEPS = st.lists(st.tuples(MOODS, st.integers(0, 4), st.booleans()), min_size=1, max_size=6)


@settings(max_examples=25)
@given(STEPS)
def test_what_was_taken_arrives_in_order_whatever_happens(steps: list[tuple[str, int, bool]]) -> None:
    """Over moods of the log and restarts of the process, every record is there, and first copies are in order."""

    async def run(folder: Path) -> None:
        behind, taken = Behind(), list[bytes]()
        log = await opened(behind, folder / "spool.db")
        for mood, count, restart in steps:
            behind.mood = mood
            for _ in range(count):
                taken.append(str(len(taken)).encode())
                await log.append("s", taken[-1])
            if restart:
                await log.close()
                log = await opened(behind, folder / "spool.db")
        behind.mood = "there"
        await emptied(log)
        await log.append("s", b"last")
        await log.close()

        assert once(await behind.payloads()) == [*taken, b"last"]

    with TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


async def test_silence_is_answered_from_the_spool_in_time(tmp_path: Path) -> None:
    """A log that says nothing costs the first sender 0.6 s, and the ones after him nothing."""
    behind = Behind()
    behind.mood = "silent"
    log = await opened(behind, tmp_path / "spool.db")
    try:
        async with asyncio.timeout(0.95):
            await log.append("s", b"1")
        async with asyncio.timeout(0.5):
            await log.append("s", b"2")
        said = log.problem()
        assert said is not None
        assert said.startswith("2 deliveries wait in the spool")
        assert "no answer within 0.6 s" in said
    finally:
        await log.close()


async def test_concurrent_senders_while_the_log_comes_back(tmp_path: Path) -> None:
    """Each sender's records keep their order while spool and log change places under them."""
    behind = Behind()
    log = await opened(behind, tmp_path / "spool.db")

    async def sender(name: int) -> None:
        for number in range(40):
            await log.append("s", b"%d:%d" % (name, number))
            if name == 0 and number % 8 == 3:
                behind.mood = "refusing" if behind.mood == "there" else "there"

    async with asyncio.TaskGroup() as group:
        for name in range(4):
            group.create_task(sender(name))
    behind.mood = "there"
    await emptied(log)
    await log.close()

    found = once(await behind.payloads())
    assert [each for each in found if each.startswith(b"1:")] == [b"1:%d" % number for number in range(40)]
    assert len(found) == 160


async def test_a_full_spool_refuses_and_says_so(tmp_path: Path) -> None:
    """Nothing is taken that has no room; what was taken goes on when the log is back, and there is room again."""
    behind = Behind()
    behind.mood = "refusing"
    log = await opened(behind, tmp_path / "spool.db", max_bytes=300_000)
    taken = 0

    async def fill() -> None:
        nonlocal taken
        for _ in range(1000):
            await log.append("s", bytes(5000))
            taken += 1

    with pytest.raises(LogFull):
        await fill()
    assert log.full() is not None

    behind.mood = "there"
    await emptied(log)
    await log.append("s", b"again")
    assert log.full() is None
    assert len(await behind.payloads()) == taken + 1
    await log.close()


async def test_what_was_refused_is_told_behind_all_that_waited(tmp_path: Path) -> None:
    """From when to when and how often, of each stream: once, however often the log is away while it is told."""
    behind, told = Behind(), list[Missing]()
    behind.mood = "refusing"

    def telling(missing: Missing) -> bytes:
        told.append(missing)
        behind.mood = "forgetful"  # away again
        return missing.stream.encode()

    spool = await SpoolFile.open(tmp_path / "spool.db", max_bytes=300_000)
    moments = iter(datetime(2025, 1, 1, 10, minute, tzinfo=UTC) for minute in range(60))
    log = await SpoolingLog(behind, spool, telling=telling, clock=lambda: next(moments)).open()
    with suppress(LogFull):
        while True:
            await log.append("s", bytes(5000))
    for stream in ("s", "t"):
        with pytest.raises(LogFull):
            await log.append(stream, bytes(5000))
    behind.mood = "there"
    async with asyncio.timeout(BOUND_S):
        while len(told) < 2:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    behind.mood = "there"
    await emptied(log)
    await log.close()

    at = [datetime(2025, 1, 1, 10, minute, tzinfo=UTC) for minute in range(3)]
    assert [(each.stream, each.first, each.last) for each in told] == [("s", at[0], at[1]), ("t", at[2], at[2])]
    assert ["2 times" in told[0].why, "once" in told[1].why] == [True, True]
    assert once(await behind.payloads()) == [bytes(5000), b"s", b"t"]


async def test_what_no_log_takes_is_not_spooled(tmp_path: Path) -> None:
    """A record that is too large for the log would wait for ever, and all behind it."""

    class Narrow(Behind):
        async def append(self, stream: str, payload: bytes) -> Position:
            raise TooLarge("too large")

    log = await opened(Narrow(), tmp_path / "spool.db")
    with pytest.raises(TooLarge):
        await log.append("s", b"x")
    assert log.problem() is None
    await log.close()
    with pytest.raises(LogClosed):
        await log.append("s", b"x")


@pytest.mark.skipif(kafka_for_tests.kind() != "real", reason="kills its broker: needs Java and Maven")
async def test_a_broker_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    """Deliveries are taken before, while and after a real broker is away; all of them arrive, in order."""
    (broker,) = await asyncio.to_thread(cluster, tmp_path / "broker")
    kafka = kafka_for_tests.settings(broker.address)
    connecting = ConnectingLog(kafka)
    taken: list[bytes] = []
    try:
        await connecting.open()
        log = await SpoolingLog(connecting, await SpoolFile.open(tmp_path / "spool.db")).open()

        async def take(count: int) -> None:
            for _ in range(count):
                taken.append(str(len(taken)).encode())
                async with asyncio.timeout(1.5):
                    await log.append("s", taken[-1])

        await take(20)
        assert log.problem() is None
        await asyncio.to_thread(broker.kill)
        await take(20)
        assert log.problem() is not None
        await log.close()  # the process ends meanwhile
        log = await SpoolingLog(connecting, await SpoolFile.open(tmp_path / "spool.db")).open()
        assert log.problem() is not None
        await take(20)
        await asyncio.to_thread(broker.start)
        await take(20)
        await emptied(log)
        await take(20)
        await log.close()
        reader = await KafkaLog.open(kafka)
        found = [each.payload for each in await reader.read(0, 0, 10_000)]
        await reader.close()
        assert once(found) == taken
    finally:
        await connecting.close()
        broker.kill()
