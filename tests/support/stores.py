"""Empty stores for tests, on every database that we know; `tests/conftest.py` gives them to all tests.

The tables are made once a worker; every test gets a copy of them.
"""

import asyncio
import shutil
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.store.engine import open_engine, reading, writing
from alertline.store.migrate import upgrade
from alertline.store.tables import metadata
from tests.support.postgres import Database, database, run_apart, shared_server

__all__ = [
    "both_stores",
    "dumped",
    "emptied",
    "postgresql_database",
    "postgresql_server",
    "postgresql_store",
    "sqlite_store",
]


T = TypeVar("T")


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL that all workers of this session share; skips where there is none."""
    base = tmp_path_factory.getbasetemp()  # of a worker: a folder of its own in the session's
    session = base.parent if base.name.startswith("popen-") else base
    with shared_server(session) as url:
        yield url


@pytest.fixture(scope="session")
def _postgresql_tables(postgresql_server: str) -> Iterator[Database]:
    with database(postgresql_server) as made:
        run_apart(upgrade(made.url))
        yield made


@pytest.fixture
def postgresql_store(_postgresql_tables: Database) -> Iterator[str]:
    """The URL of an empty store on PostgreSQL."""
    with database(_postgresql_tables.server, template=_postgresql_tables.name) as made:
        yield made.url


@pytest.fixture
def postgresql_database(postgresql_server: str) -> Iterator[str]:
    """The URL of a database on PostgreSQL without any table."""
    with database(postgresql_server) as made:
        yield made.url


@pytest.fixture(scope="session")
def _sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "store.db"
    run_apart(upgrade(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_store(_sqlite_tables: Path, tmp_path: Path) -> str:
    """The URL of an empty store in a file."""
    path = tmp_path / "store.db"
    shutil.copy(_sqlite_tables, path)
    return f"sqlite+aiosqlite:///{path}"


class Both:
    """A store in a file and one on PostgreSQL, and a loop of their own: for examples that empty them each time."""

    def __init__(self, urls: tuple[str, str]) -> None:
        self._runner = asyncio.Runner()
        self.sqlite, self.postgresql = map(open_engine, urls)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on them to its end."""
        return self._runner.run(work)

    async def dispose(self) -> None:
        """Close all connections."""
        await self.sqlite.dispose()
        await self.postgresql.dispose()


@pytest.fixture(scope="module")
def both_stores(
    _sqlite_tables: Path, _postgresql_tables: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    """One store on each database, shared by the tests of a module."""
    path = tmp_path_factory.mktemp("both") / "store.db"
    shutil.copy(_sqlite_tables, path)
    with database(_postgresql_tables.server, template=_postgresql_tables.name) as made:
        both = Both((f"sqlite+aiosqlite:///{path}", made.url))
        try:
            yield both
        finally:
            both.run(both.dispose())
            both._runner.close()


async def emptied(engine: AsyncEngine) -> None:
    """Take every row out of every table."""
    async with writing(engine) as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())


async def dumped(engine: AsyncEngine) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, by the table's key, as the database gives it back."""
    found: dict[str, list[tuple[object, ...]]] = {}
    async with reading(engine) as connection:
        for table in metadata.sorted_tables:
            rows = await connection.execute(select(table).order_by(*table.primary_key.columns))
            found[table.name] = [tuple(row) for row in rows]
    return found
