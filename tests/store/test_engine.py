"""What is particular to SQLite as a store: locks, and readers beside a writer."""

import asyncio
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.store.engine import StoreUnavailable, open_engine, reading, writing


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An engine that gives up at once when the database is locked; its database has the table `t` with no row."""
    made = open_engine(f"sqlite+aiosqlite:///{tmp_path}/store.db?timeout=0")
    async with writing(made) as connection:
        await connection.execute(text("CREATE TABLE t (x INTEGER)"))
    yield made
    await made.dispose()


async def count(engine: AsyncEngine) -> int:
    """The number of rows."""
    async with reading(engine) as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM t")) or 0)


async def test_a_locked_database_says_so_and_recovers(engine: AsyncEngine) -> None:
    """While another transaction writes, writing is StoreUnavailable, in one line; afterwards it works again."""
    async with writing(engine) as holder:
        await holder.execute(text("INSERT INTO t VALUES (1)"))
        with pytest.raises(StoreUnavailable, match="locked") as refused:
            async with writing(engine):
                pytest.fail("two transactions write at once")
        assert "\n" not in str(refused.value)

    async with writing(engine) as connection:
        await connection.execute(text("INSERT INTO t VALUES (2)"))
    assert await count(engine) == 2


async def test_a_reader_sees_one_moment(engine: AsyncEngine) -> None:
    """What is committed while a reader reads is not seen by it, but by the next one."""
    async with reading(engine) as connection:
        before = await connection.scalar(text("SELECT count(*) FROM t"))
        async with writing(engine) as writer:
            await writer.execute(text("INSERT INTO t VALUES (1)"))
        after = await connection.scalar(text("SELECT count(*) FROM t"))

    assert (before, after) == (0, 0)
    assert await count(engine) == 1


async def test_any_error_takes_everything_back(engine: AsyncEngine) -> None:
    """An error inside the transaction comes out unchanged, and nothing is written, tables neither."""

    async def fail() -> None:
        async with writing(engine) as connection:
            await connection.execute(text("INSERT INTO t VALUES (1)"))
            await connection.execute(text("CREATE TABLE u (x INTEGER)"))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    with pytest.raises(StoreUnavailable, match="no such table"):
        async with reading(engine) as connection:
            await connection.execute(text("SELECT * FROM u"))

    assert await count(engine) == 0


async def test_a_cancelled_transaction_writes_nothing(engine: AsyncEngine) -> None:
    """Whoever is cancelled within a transaction leaves no lock and no row behind."""
    inside = asyncio.Event()

    async def write() -> None:
        async with writing(engine) as connection:
            await connection.execute(text("INSERT INTO t VALUES (1)"))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await count(engine) == 0
    async with writing(engine) as connection:
        await connection.execute(text("INSERT INTO t VALUES (2)"))


async def test_a_reader_may_be_cancelled_twice(engine: AsyncEngine) -> None:
    """Wherever in its work that meets it, nothing is left that waits: neither a task nor the lock of the file."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT count(*) FROM n"

    async def read() -> None:
        async with reading(engine) as connection:
            for _ in range(3):
                await connection.execute(text(numbers))

    for first, second in product(range(20), range(1, 5)):
        reader = asyncio.create_task(read())
        for turns in (first, second):
            for _ in range(turns):
                await asyncio.sleep(0)
            reader.cancel()
        await asyncio.wait({reader})

    async with writing(engine) as connection:
        await connection.execute(text("INSERT INTO t VALUES (1)"))
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left or not (await asyncio.wait(left, timeout=5))[1]
