"""What only the embedded log promises: durability, several processes, a full disk, versions."""

import asyncio
import random
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alertline.eventlog.port import LogFull, LogRecord, LogUnavailable, UnsupportedLog
from alertline.eventlog.sqlite import SqliteLog

APPENDER = Path(__file__).with_name("appender.py")


async def start_appender(path: Path, name: str, count: int, at_once: int) -> Process:
    """Start a process that appends, and prints what it was told."""
    return await asyncio.create_subprocess_exec(
        sys.executable, str(APPENDER), str(path), name, str(count), str(at_once), stdout=PIPE
    )


def told(output: bytes) -> dict[int, str]:
    """What a process was told: payloads by offset; a last line that the kill cut off does not count."""
    lines = output.decode().split("\n")[:-1]
    pairs = [line.split(" ") for line in lines]
    assert len(pairs) == len({offset for offset, _ in pairs})
    return {int(offset): payload for offset, payload in pairs}


async def read_all(path: Path) -> list[LogRecord]:
    """Everything that lies in a log file."""
    log = await SqliteLog.open(path)
    records = list(await log.read(0, 0, 1_000_000))
    await log.close()
    return records


async def test_records_outlive_the_log_object(tmp_path: Path) -> None:
    """After closing and opening again the records are there, with the same positions and times."""
    path = tmp_path / "log.db"
    log = await SqliteLog.open(path, clock=lambda: datetime(2024, 8, 20, 14, 5, 7, 999999, tzinfo=UTC))
    for number in range(10):
        await log.append("s", str(number).encode())
    before = list(await log.read(0, 0, 100))
    await log.close()

    assert before == await read_all(path)
    assert not path.with_name("log.db-wal").exists()


async def test_two_processes_append_to_one_file(tmp_path: Path) -> None:
    """Nothing is lost or doubled, and each finds its record at the offset that it was told."""
    path = tmp_path / "log.db"
    processes = [await start_appender(path, name, 400, 8) for name in ("one", "two")]

    outputs = [(await process.communicate())[0] for process in processes]
    records = await read_all(path)

    assert [process.returncode for process in processes] == [0, 0]
    assert told(outputs[0]) | told(outputs[1]) == {r.position.offset: r.payload.decode() for r in records}
    assert 800 == len(records) == len({record.payload for record in records})
    assert [r.appended_at for r in records] == sorted(r.appended_at for r in records)


@pytest.mark.parametrize("seed", range(5))
async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, seed: int) -> None:
    """A process killed while it appends: every position it was told holds its record, exactly once."""
    path = tmp_path / "log.db"
    process = await start_appender(path, "s", 1_000_000, 16)
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(random.Random(seed).randrange(1, 1500))]
    process.kill()
    output = b"".join(lines) + await process.stdout.read()
    await process.wait()

    records = await read_all(path)
    stored = {record.position.offset: record.payload.decode() for record in records}

    assert told(output).items() <= stored.items()
    assert len(records) == len(stored) == len(set(stored.values()))


async def test_a_commit_of_another_process_is_heard(tmp_path: Path) -> None:
    """Who waits here hears of what is appended elsewhere."""
    path = tmp_path / "log.db"
    log = await SqliteLog.open(path)
    waiter = asyncio.create_task(log.wait(0, 0, 60))
    process = await start_appender(path, "s", 1, 1)

    assert await waiter

    await process.communicate()
    await log.close()


async def test_wake_lets_waiters_look_at_once(tmp_path: Path) -> None:
    """`wake` with nothing new leaves a waiter waiting; with something new it ends the wait."""
    path = tmp_path / "log.db"
    log, other = await SqliteLog.open(path), await SqliteLog.open(path)
    waiter = asyncio.create_task(log.wait(0, 0, 60))
    await asyncio.sleep(0)
    log.wake()
    assert not waiter.done()
    await other.append("s", b"x")
    log.wake()

    assert await waiter

    await asyncio.gather(log.close(), other.close())


async def test_append_times_never_go_back_across_processes(tmp_path: Path) -> None:
    """A process with a slow clock takes over the append time of the newest record."""
    path = tmp_path / "log.db"
    late, early = (datetime(2024, 8, 20, hour, tzinfo=UTC) for hour in (14, 13))
    one, other = await SqliteLog.open(path, clock=lambda: early), await SqliteLog.open(path, clock=lambda: late)
    for log in (one, other, one, one):
        await log.append("s", b"x")
    await asyncio.gather(one.close(), other.close())

    assert [early, late, late, late] == [record.appended_at for record in await read_all(path)]


async def test_a_full_file_refuses_and_recovers(tmp_path: Path) -> None:
    """No room: LogFull and nothing half-written; when there is room again, appends work again."""
    path = tmp_path / "log.db"
    log = await SqliteLog.open(path, max_bytes=400 * 1024)
    results = await asyncio.gather(*(log.append("s", bytes(3000)) for _ in range(60)))
    with pytest.raises(LogFull, match="no room"):
        await asyncio.gather(*(log.append("s", bytes(3000)) for _ in range(60)))
    assert [result.offset for result in results] == [r.position.offset for r in await log.read(0, 0, 1000)]

    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM log WHERE id <= 50")
    connection.close()
    position = await log.append("s", b"again")
    await log.close()

    assert (position, b"again") == [(r.position, r.payload) for r in await read_all(path)][-1]
    assert position.offset > results[-1].offset


async def test_a_record_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """An append that SQLite refuses fails as LogUnavailable with its whole batch; the next one works."""
    log = await SqliteLog.open(tmp_path / "log.db")
    results = await asyncio.gather(log.append("good", b"x"), log.append("\ud800", b"no text"), return_exceptions=True)

    assert [LogUnavailable] * 2 == [type(result) for result in results]
    assert list(await log.read(0, 0, 10)) == []
    assert [r.payload for r in await log.read(0, (await log.append("good", b"y")).offset, 10)] == [b"y"]

    await log.close()


async def test_pruned_offsets_are_not_used_again(tmp_path: Path) -> None:
    """When the newest records are removed, the next one still gets a new offset."""
    path = tmp_path / "log.db"
    log = await SqliteLog.open(path)
    position = await log.append("s", b"x")
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM log")
    connection.close()

    assert position.next_offset == await log.end(0)
    assert position.next_offset == (await log.append("s", b"y")).offset

    await log.close()


async def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    """A file of a version that we do not know is refused in one line that says what to do."""
    path = tmp_path / "log.db"
    await (await SqliteLog.open(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '2' WHERE name = 'schema'")
    connection.close()

    with pytest.raises(UnsupportedLog, match="log version 2, newer than 1: upgrade") as refused:
        await SqliteLog.open(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", ["no database at all" * 100, None])
async def test_another_file_is_refused(tmp_path: Path, content: str | None) -> None:
    """Neither a text file nor somebody else's database is taken for a log, and it stays as it is."""
    path = tmp_path / "log.db"
    if content is None:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE log (mine TEXT)")
        connection.close()
    else:
        path.write_text(content)

    with pytest.raises(UnsupportedLog, match="not an event log"):
        await SqliteLog.open(path)
    assert content is None or content == path.read_text()


async def test_a_missing_folder_is_unavailable(tmp_path: Path) -> None:
    """A file that cannot be opened is named in the error."""
    with pytest.raises(LogUnavailable, match=r"missing/log\.db"):
        await SqliteLog.open(tmp_path / "missing" / "log.db")
