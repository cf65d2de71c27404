"""What is particular to PostgreSQL as a store: what takes too long, and how it is told that it is not available."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.store.engine import StoreUnavailable, copy, open_engine, reading, writing
from alertline.store.failures import Unstorable
from alertline.store.port import LogChanged
from alertline.store.tables import stream_clocks
from alertline.store.writer import StoreWriter


@pytest.fixture
async def engine(postgresql_store: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncEngine]:
    """An engine on an empty store, with one connection and very little patience."""
    monkeypatch.setattr("alertline.store.engine._POOL", 1)
    monkeypatch.setattr("alertline.store.engine._POOL_WAIT_S", 0.05)
    monkeypatch.setattr("alertline.store.engine._STATEMENT_S", 1)
    made = open_engine(postgresql_store)
    yield made
    await made.dispose()


async def test_a_statement_that_takes_too_long_is_ended(engine: AsyncEngine) -> None:
    """It is told as any failure that may pass; the connection is good for the next one."""
    with pytest.raises(StoreUnavailable, match="statement timeout") as refused:
        async with writing(engine) as connection:
            await connection.execute(text("SELECT pg_sleep(30)"))
    assert "\n" not in str(refused.value)

    async with reading(engine) as connection:
        assert await connection.scalar(text("SELECT 1")) == 1


async def test_the_pool_has_an_end(engine: AsyncEngine) -> None:
    """Who finds all connections in use is told so soon, instead of waiting behind all others."""
    async with reading(engine):
        with pytest.raises(StoreUnavailable, match="all connections are in use"):
            async with reading(engine):
                pytest.fail("there is only one")


@pytest.mark.parametrize(
    ("change", "says"),
    [({"port": 1}, "Connect"), ({"database": "nowhere"}, "nowhere"), ({"username": "nobody"}, "nobody")],
)
async def test_what_cannot_be_reached_is_not_available(
    postgresql_store: str, change: dict[str, object], says: str
) -> None:
    """No server, no such database, no such user: told in one line without the password; all may pass."""
    url = make_url(postgresql_store).set(password="secret-word").set(**change)  # type: ignore[arg-type] # noqa: S106
    engine = open_engine(url.render_as_string(hide_password=False))

    with pytest.raises(StoreUnavailable, match=says) as refused:
        async with reading(engine):
            pytest.fail("nobody is there")

    assert "\n" not in str(refused.value)
    assert "secret-word" not in str(refused.value)
    await engine.dispose()


async def test_a_mistake_of_ours_is_no_outage(engine: AsyncEngine) -> None:
    """A table that is not there is not waited for."""
    with pytest.raises(ProgrammingError):
        async with reading(engine) as connection:
            await connection.execute(text("SELECT * FROM nothing"))


async def test_what_is_copied_is_part_of_the_transaction(engine: AsyncEngine) -> None:
    """Also when it is the first thing in it: a later error takes it back."""

    async def twice() -> None:
        async with writing(engine) as connection:
            await copy(connection, stream_clocks, [("a", 0, 1)])
            await copy(connection, stream_clocks, [("a", 0, 1)])

    with pytest.raises(Unstorable):
        await twice()

    async with reading(engine) as connection:
        assert (await connection.execute(stream_clocks.select())).all() == []


async def test_two_logs_at_once_do_not_both_get_the_store(postgresql_store: str) -> None:
    """Processes of two different logs come to an empty store at the same moment: all of one log get in."""
    engines = [open_engine(postgresql_store) for _ in range(6)]
    names = ["one", "two"] * 3
    claims = [StoreWriter(engine).claim(name, 0, "me") for name, engine in zip(names, engines, strict=True)]

    done = await asyncio.gather(*claims, return_exceptions=True)

    refused = [isinstance(each, LogChanged) for each in done]
    assert refused in ([True, False] * 3, [False, True] * 3)
    for engine in engines:
        await engine.dispose()
