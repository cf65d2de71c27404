"""How the store is reached, and all that differs from one database to another.

On SQLite a batch is not waited for until it is on the disk (`synchronous=NORMAL`): a crash of the machine can take the
newest transactions, each as a whole. Nothing is lost by that: the read position goes back with them, and they are made
again from the log, which is synced. On PostgreSQL it is waited for: it may crash alone, and others have read by then.
"""

import asyncio
import sqlite3
from array import array
from collections.abc import AsyncIterator, MutableSequence, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from sqlalchemy import URL, ColumnElement, Connection, Double, Select, Table, event, func, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import NullType

from alertline.clock import monotonic
from alertline.store.encrypting import encrypted
from alertline.store.failures import StoreUnavailable, driver_error, meaning
from alertline.store.sqlite_connection import connect

__all__ = [
    "Rows",
    "StoreUnavailable",
    "columns",
    "copy",
    "in_bulk",
    "insert",
    "one_statement",
    "open_engine",
    "reading",
    "url_of",
    "writing",
]

# Heeded only while the file is being made: with larger pages, a batch of large rows touches fewer of them.
_SQLITE_FIRST: Final = ("PRAGMA page_size=8192", "PRAGMA journal_mode=WAL")
_SQLITE_PRAGMAS: Final = (
    "PRAGMA synchronous=NORMAL",
    "PRAGMA wal_autocheckpoint=4000",  # 32 MB: with the default of 1000 small pages every large batch checkpoints
    "PRAGMA cache_size=-65536",  # in KB
    "PRAGMA foreign_keys=ON",
)

_FIRST_S: Final = 5.0
_ROWS: Final = 1000

Insert = sqlite.Insert | postgresql.Insert
Column = MutableSequence[Any]


Rows = Sequence[tuple[str | int | float | bool | None, ...]]

# Whoever reads or writes has one connection at a time: the pool is how many do so at once in one process.
_POOL: Final = 8
_POOL_WAIT_S: Final = 5.0
_CONNECT_S: Final = 5.0
_RESTED_S: Final = 1.0
# A statement that hangs must not hold a request, or a partition, for ever. Ours take milliseconds.
_STATEMENT_S: Final = 30
_ANSWER_S: Final = _STATEMENT_S + 15  # the same, should the server have gone without a word
_LOCK_S: Final = 10
LOCK: Final = 4_702_111_234_823  # any number, the same in every process
_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}


def url_of(database: str) -> URL:
    """The URL of a database with the driver that we use for it; `postgresql://…` will do.

    Raises:
        ValueError: in one line, without the password that may stand in it.
    """
    try:
        parsed = make_url(database)
    except ArgumentError as error:
        raise ValueError("the database must be a URL such as postgresql://user@host/alertline") from error
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    if parsed.drivername not in _DRIVERS.values():
        raise ValueError(f"the database must be postgresql or sqlite, not {parsed.drivername}")
    return parsed


def open_engine(url: str, *, patient: bool = False) -> AsyncEngine:
    """Make the engine for a database URL; connections are opened when they are needed. Dispose of it when done.

    On SQLite a transaction waits 5 s for the lock of another; `?timeout=` (seconds) in the URL changes that. On
    PostgreSQL a statement may take 30 s, unless it is `patient`, as changes of tables and copies of all must be.

    Raises:
        ValueError: not a URL of a database that we know.
    """
    parsed = url_of(url)
    if parsed.drivername.startswith("postgresql"):
        return _open_postgresql(parsed, patient=patient)
    engine = create_async_engine(parsed, connect_args={"async_creator_fn": connect})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _open_postgresql(url: URL, *, patient: bool) -> AsyncEngine:
    url, encryption = encrypted(url)
    settings = {
        "application_name": "alertline",
        "jit": "off",  # our statements are short: planning them for long runs costs more than running them
        "idle_in_transaction_session_timeout": f"{0 if patient else _ANSWER_S}s",
        "statement_timeout": f"{0 if patient else _STATEMENT_S}s",
        "lock_timeout": f"{0 if patient else _LOCK_S}s",
    }
    engine = create_async_engine(
        url,
        pool_size=_POOL,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_S,
        connect_args={
            "timeout": _CONNECT_S,
            "command_timeout": None if patient else _ANSWER_S,
            "server_settings": settings,
            **({} if encryption is None else {"ssl": encryption}),
        },
    )
    event.listen(engine.sync_engine, "checkin", _used)
    event.listen(engine.sync_engine, "checkout", _look_at)
    return engine


def _used(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info["used"] = monotonic()


def _look_at(connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
    """See that a connection is good before it is used, and ask its server if nobody used it for a while.

    SQLAlchemy's `pool_pre_ping` asks each time: three round trips more for a transaction of one statement.

    Raises:
        InvalidatePoolError: the server has gone: the pool opens another one.
    """
    used = record.info.get("used")
    if used is None:
        return
    own = cast(Any, connection)
    try:
        if own.driver_connection.is_closed():
            raise InvalidatePoolError("the connection was closed")
        if monotonic() - used > _RESTED_S:
            own.ping()
    except InvalidatePoolError:
        raise
    except Exception as error:
        raise InvalidatePoolError("its server does not answer") from error


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
        StoreUnavailable: the database does not take it now; Unstorable: it refuses a value.
    """
    async with _transaction(engine, {"alertline_write": True}, synced=synced) as connection:
        yield connection


@asynccontextmanager
async def one_statement(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """For one statement on PostgreSQL that is a transaction by itself, without round trips to begin and end one.

    A second one would be a second transaction. Whether it was written nobody knows where it was cancelled.

    Raises:
        StoreUnavailable: the database does not take it now, or it is not known; Unstorable: it refuses a value.
    """
    async with _transaction(engine, {"isolation_level": "AUTOCOMMIT"}) as connection:
        yield connection


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction in which everything that is read is of the same moment.

    Raises:
        StoreUnavailable: the database does not answer now; Unstorable: it refuses a value that was asked for.
    """
    options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    async with _transaction(engine, options) as connection:
        yield connection


async def columns(connection: AsyncConnection, query: Select[Any]) -> list[Column]:
    """What a query finds, column by column, in no order: of very many rows in a fraction of the time of `execute`.

    Values are as the driver has them; on SQLite yes and no are 1 and 0. What is `Double` must not be null.
    """
    if connection.dialect.name == "postgresql":  # its arrays come over the wire as they are
        wanted = query.subquery().c
        row = (await connection.execute(select(*(func.array_agg(each, type_=NullType()) for each in wanted)))).one()
        return [_column(each, values or ()) for each, values in zip(wanted, row, strict=True)]
    found = [_column(each) for each in query.selected_columns]
    # the driver's rows, few at a time: SQLAlchemy's cost as much again, and many at once fall out of the cache
    said = query.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    values = [said.params[name] for name in getattr(said, "positiontup", None) or ()]
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None  # noqa: S101 - it is open
    async with raw.execute(str(said), values) as cursor:
        while rows := await cursor.fetchmany(_ROWS):
            for column, own in zip(found, zip(*rows, strict=True), strict=True):
                column.extend(own)
    return found


def _column(kind: ColumnElement[Any], values: Sequence[Any] = ()) -> Column:
    """Values beside each other; objects lie all over the memory, and to get them takes longer than all else."""
    return array("d", values) if isinstance(kind.type, Double) else list(values)


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
    except Exception as error:
        said = meaning(error)
        if said is error:
            raise
        # not SQLAlchemy's own: its text holds the statement, and values of hundreds of rows
        raise said from driver_error(error)


def _synchronous(connection: Connection, how: str) -> None:
    # by the driver's own cursor: within a transaction SQLite would not heed it
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA synchronous={how}")
    cursor.close()


async def alone(connection: AsyncConnection) -> None:
    """Let nobody else be here until the end of the transaction; on SQLite a transaction that writes is alone anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def in_bulk(engine: AsyncEngine) -> bool:
    """Whether the database takes rows in faster ways than one INSERT for each: copied, or as arrays."""
    return engine.dialect.name == "postgresql"


async def copy(connection: AsyncConnection, table: Table, rows: Rows) -> None:
    """Add rows by PostgreSQL's COPY, in two thirds of the time of INSERT; each has all columns in the table's order."""
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None  # noqa: S101 - it is open
    if not raw.is_in_transaction():  # it begins with the first statement that SQLAlchemy sees
        await connection.execute(text("SELECT 1"))
    names = [column.name for column in table.columns]
    await raw.copy_records_to_table(table.name, records=rows, columns=names)


def insert(engine: AsyncEngine, table: Table) -> Insert:
    """An INSERT that knows `on_conflict_do_update`, in the words of the engine's database."""
    return postgresql.insert(table) if engine.dialect.name == "postgresql" else sqlite.insert(table)
