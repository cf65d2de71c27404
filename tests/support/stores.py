"""Empty stores for tests, on every database that we know; `tests/conftest.py` gives them to all tests.

The tables are made once a worker; every test gets a copy of them.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from alertline.store.migrate import upgrade
from tests.support.postgres import Database, database, run_apart, shared_server

__all__ = ["postgresql_database", "postgresql_server", "postgresql_store", "sqlite_store"]


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
