"""How the store is reached, and all that differs from one database to another.

On SQLite the store is written ahead and not synced at every commit (`synchronous=NORMAL`): a crash of the machine can
take the newest transactions, each as a whole. Nothing is lost by that: the read position goes back with them, and they
are made again from the log, which is synced.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from sqlalchemy import Connection, Table, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from alertline.clock import monotonic

__all__ = ["StoreUnavailable", "insert", "open_engine", "reading", "writing"]

# Heeded only while the file is being made: with larger pages, a batch of large rows touches fewer of them.
_SQLITE_FIRST: Final = ("PRAGMA page_size=8192", "PRAGMA journal_mode=WAL")
_SQLITE_PRAGMAS: Final = (
    "PRAGMA synchronous=NORMAL",
    "PRAGMA wal_autocheckpoint=4000",  # 32 MB: with the default of 1000 small pages every large batch checkpoints
    "PRAGMA cache_size=-65536",  # in KB
    "PRAGMA foreign_keys=ON",
)

_FIRST_S: Final = 5.0

Insert = sqlite.Insert | postgresql.Insert


class StoreUnavailable(Exception):
    """The database cannot be reached, is locked or full: nothing was written; trying again later may work."""


def open_engine(url: str) -> AsyncEngine:
    """Make the engine for a database URL; connections are opened when they are needed. Dispose of it when done.

    On SQLite a transaction waits 5 s for the lock of another; `?timeout=` (seconds) in the URL changes that.

    Raises:
        ValueError: not a URL of a database that we know: `sqlite+aiosqlite:///…` or `postgresql+asyncpg://…`.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError("the database must be a URL such as sqlite+aiosqlite:///alertline.db") from error
    if parsed.drivername not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
        raise ValueError(f"the database must be sqlite+aiosqlite or postgresql+asyncpg, not {parsed.drivername}")
    engine = create_async_engine(parsed, pool_pre_ping=parsed.drivername.startswith("postgresql"))
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    # We begin transactions ourselves: left to itself, the driver begins one at the first write only, so what was read
    # before it and the definition of tables would stand outside of it.
    connection.isolation_level = None
    deadline = monotonic() + _FIRST_S
    while not _is_set(connection, _SQLITE_FIRST):
        if monotonic() > deadline:
            raise TimeoutError("the database is locked by another process that makes it")
        cast(AdaptedConnection, connection).run_async(lambda _: asyncio.sleep(0.01))
    _is_set(connection, _SQLITE_PRAGMAS)


def _is_set(connection: DBAPIConnection, pragmas: Sequence[str]) -> bool:
    """Whether the pragmas could be set: of several who make one file at once, SQLite lets nobody wait for his turn."""
    cursor = connection.cursor()
    try:
        for pragma in pragmas:
            cursor.execute(pragma)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    finally:
        cursor.close()
    return True


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: one that only reads first could no longer get it if another wrote in between.
    write = connection.get_execution_options().get("alertline_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@asynccontextmanager
async def writing(engine: AsyncEngine, *, synced: bool = False) -> AsyncIterator[AsyncConnection]:
    """One transaction that writes: committed at the end, rolled back by any error.

    `synced`: it cannot be made again from the log, so it must be on the disk when it is over.

    Raises:
        StoreUnavailable: the database does not take it now.
    """
    async with _transaction(engine, {"alertline_write": True}, synced=synced) as connection:
        yield connection


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction in which everything that is read is of the same moment.

    Raises:
        StoreUnavailable: the database does not answer now.
    """
    options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    async with _transaction(engine, options) as connection:
        yield connection


@asynccontextmanager
async def _transaction(
    engine: AsyncEngine, options: dict[str, Any], *, synced: bool = False
) -> AsyncIterator[AsyncConnection]:
    try:
        async with engine.connect() as connection:
            await connection.execution_options(**options)
            if not synced or engine.dialect.name != "sqlite":
                async with connection.begin():
                    yield connection
                return
            await connection.run_sync(_synchronous, "FULL")
            try:
                async with connection.begin():
                    yield connection
            finally:
                await connection.run_sync(_synchronous, "NORMAL")  # the pool gives it to others next
    except (OperationalError, InterfaceError, OSError) as error:
        raise StoreUnavailable(f"the store is not available: {_first_line(error)}") from error


def _synchronous(connection: Connection, how: str) -> None:
    # by the driver's own cursor: within a transaction SQLite would not heed it
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA synchronous={how}")
    cursor.close()


def _first_line(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return str(cause).partition("\n")[0]


def insert(engine: AsyncEngine, table: Table) -> Insert:
    """An INSERT that knows `on_conflict_do_update`, in the words of the engine's database."""
    return postgresql.insert(table) if engine.dialect.name == "postgresql" else sqlite.insert(table)
