"""The steps of the migrations lead to exactly the tables that the code uses, and back."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from alertline.store.engine import open_engine, reading, writing
from alertline.store.migrate import UnknownRevision, check, current, downgrade, upgrade
from alertline.store.reader import StoreReader
from alertline.store.revision import HEAD
from alertline.store.rows import encode
from alertline.store.tables import metadata
from schemas.vocabulary import Outcome
from tests.support.store_rows import delivery


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that does not exist yet, or has no tables."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/store.db"
    found: str = request.getfixturevalue("postgresql_database")
    return found


async def table_names(url: str) -> set[str]:
    """The tables of a database, but for Alembic's own."""

    def names(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}

    engine = open_engine(url)
    async with reading(engine) as connection:
        found = await connection.run_sync(names)
    await engine.dispose()
    return found


async def change(url: str, statement: str) -> None:
    """Change a database behind our back."""
    engine = open_engine(url)
    async with writing(engine) as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def test_an_empty_database_becomes_exactly_the_tables_of_the_code(url: str) -> None:
    """After the upgrade there is no difference between the database and the metadata, and all tables are there."""
    assert await current(url) is None

    await upgrade(url)

    assert await current(url) == HEAD
    assert await check(url) == []
    assert await table_names(url) == set(metadata.tables)


async def test_texts_are_sorted_by_code_points(url: str) -> None:
    """Whatever the language of the database: all that is sorted or compared is so alike everywhere."""
    await upgrade(url)
    engine = open_engine(url)
    words = ["a", "B", "_", "é", "Z", "z", "0"]
    async with writing(engine) as connection:
        for word in words:
            await connection.execute(text("INSERT INTO stream_clocks VALUES (:id, 0, 0)"), {"id": word})
        found = list(await connection.scalars(text("SELECT stream FROM stream_clocks ORDER BY stream")))
        if engine.dialect.name == "postgresql":
            collations = text(
                "SELECT DISTINCT collation_name FROM information_schema.columns "
                "WHERE table_schema = current_schema() AND data_type = 'text'"
            )
            assert list(await connection.scalars(collations)) == ["C"]
    await engine.dispose()

    assert found == sorted(words)


async def test_down_and_up_again(url: str) -> None:
    """The way down leaves no table behind, and the way up works again after it."""
    await upgrade(url)
    await downgrade(url, "base")

    assert await table_names(url) == set()
    assert await current(url) is None

    await upgrade(url)

    assert await check(url) == []


async def test_what_was_quarantined_before_is_held_after(url: str) -> None:
    """A store of the version before shows what lies in it; copies of it are left out, and good deliveries."""
    await upgrade(url, "0003")
    rows = [
        delivery("q", 1, outcome=Outcome.QUARANTINED, reason='said "duplicate_of":7'),
        delivery("copy", 2, outcome=Outcome.QUARANTINED, duplicate_of=1, reason='said "duplicate_of":null'),
        delivery("part", 3, outcome=Outcome.PARTIAL),
        delivery("good", 4),
    ]
    engine = open_engine(url)
    insert = text(
        'INSERT INTO deliveries (partition, "offset", id, stream, received_at, keyed, outcome, body) '
        "VALUES (0, :offset, :id, 's', :offset, false, :outcome, :body)"
    )
    async with writing(engine) as connection:
        for row in rows:
            known = {"offset": row.offset, "id": row.id, "outcome": row.outcome, "body": encode(row)}
            await connection.execute(insert, known)
    await upgrade(url)

    assert [each.delivery.id for each in (await StoreReader(engine).quarantine()).held] == ["part", "q"]
    await engine.dispose()


async def test_upgrading_twice_changes_nothing(url: str) -> None:
    """An upgrade of what is up to date, also by several at once, does nothing."""
    await asyncio.gather(*(upgrade(url) for _ in range(3)))
    await upgrade(url)

    assert await check(url) == []


async def test_check_names_what_is_missing(url: str) -> None:
    """A database without our tables is told apart from one in which something was changed by hand."""
    assert await check(url) == [f"the database is at revision none, this version of Alertline needs {HEAD}"]

    await upgrade(url)
    await change(url, "DROP INDEX ix_deliveries_id")

    [difference] = await check(url)
    assert "ix_deliveries_id" in difference


async def test_a_newer_database_is_named(url: str) -> None:
    """A revision that this code does not know is a difference, and is not upgraded."""
    await upgrade(url)
    await change(url, "UPDATE alembic_version SET version_num = '9999'")

    assert await check(url) == [f"the database is at revision 9999, this version of Alertline needs {HEAD}"]
    with pytest.raises(UnknownRevision, match="9999, newer than this code: upgrade"):
        await upgrade(url)


@pytest.mark.parametrize("wrong", ["store.db", "mysql://somewhere/x", "postgresql+psycopg://me@somewhere/x"])
async def test_an_unknown_database_is_refused(wrong: str) -> None:
    """A URL of a database that we do not know is refused in one line."""
    with pytest.raises(ValueError, match="must be") as refused:
        await current(wrong)
    assert "\n" not in str(refused.value)
