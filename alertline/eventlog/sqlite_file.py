"""The database file of an embedded event log: opening it, its shape, and what its errors mean."""

import sqlite3
from pathlib import Path
from time import sleep
from typing import Final
from uuid import uuid4

from alertline.clock import monotonic
from alertline.eventlog.port import LogFull, LogUnavailable, UnsupportedLog

__all__ = ["SCHEMA_VERSION", "connect", "limit", "prepare", "read_end", "read_meta", "translate"]

SCHEMA_VERSION: Final = 1

_BUSY_S: Final = 5.0  # as long as another process may hold the file: its batches and checkpoints take milliseconds
_OPEN_S: Final = 10.0
_PAGE_BYTES: Final = 8192  # a webhook's record is 1 to 3 KB: fewer, fuller pages to write than with the default 4096
_CHECKPOINT_PAGES: Final = 4000  # 32 MB: rare enough not to slow appends down, small enough for a fast start

# AUTOINCREMENT: an offset is never used twice, even when the newest records have been pruned.
_SHAPE: Final = (
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS log ("
    "id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, appended_at INTEGER NOT NULL, payload BLOB NOT NULL)",
)


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection that any one thread at a time may use. A commit returns after the data is on the disk.

    Raises:
        LogUnavailable: the file cannot be opened now; UnsupportedLog: it is no database.
    """
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(
            path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")  # heeded only while the file is being made
        _set_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise translate(error, path) from error
    return connection


def limit(connection: sqlite3.Connection, max_bytes: int) -> None:
    """Let this connection grow the file to that many bytes at most; beyond it, it is full."""
    connection.execute(f"PRAGMA max_page_count={max(1, max_bytes // _PAGE_BYTES)}")


def _set_wal(connection: sqlite3.Connection) -> None:
    # Two processes that make the file at once: SQLite refuses the change of mode at once instead of waiting.
    deadline = monotonic() + _OPEN_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            sleep(0.01)
        else:
            return


def prepare(connection: sqlite3.Connection, path: Path) -> str:
    """Make the shape if the file is new; give the log's id.

    Raises:
        UnsupportedLog: a newer version, or somebody else's database; LogUnavailable, LogFull: it cannot be written now.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        _refuse_others(connection, path)
        for statement in _SHAPE:
            connection.execute(statement)
        connection.executemany(
            "INSERT OR IGNORE INTO meta VALUES (?, ?)", [("log_id", str(uuid4())), ("schema", str(SCHEMA_VERSION))]
        )
        connection.execute("COMMIT")
        return read_meta(connection, "log_id")
    except sqlite3.Error as error:
        raise translate(error, path) from error


def _refuse_others(connection: sqlite3.Connection, path: Path) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if tables and not tables >= {"meta", "log"}:
        raise UnsupportedLog(f"{path} is a database, but not an event log")
    if tables and (version := int(read_meta(connection, "schema"))) > SCHEMA_VERSION:
        raise UnsupportedLog(f"{path} has log version {version}, newer than {SCHEMA_VERSION}: upgrade Alertline first")


def read_meta(connection: sqlite3.Connection, name: str) -> str:
    """Read one fact about the log itself."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else ""


def read_end(connection: sqlite3.Connection) -> int:
    """The next offset that will be given out; offsets begin at 1."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'log'").fetchone()
    return int(row[0]) + 1 if row else 1


def translate(error: Exception, path: Path) -> Exception:
    """Say what an error of SQLite means to whoever appends or reads."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return LogFull(f"no room left for the event log {path}")
    if code == sqlite3.SQLITE_NOTADB:
        return UnsupportedLog(f"{path} is not an event log")
    return LogUnavailable(f"event log {path}: {error}")
