"""The one thread of a process that writes to an embedded event log.

Guarantee: a batch is written by one transaction that is on the disk before its futures are resolved; a batch that
fails leaves nothing behind and fails all its futures; whatever fails, the thread lives on until it is told to stop.

Group commit without lingering: while one batch is being synced to the disk, the next one gathers by itself. It is
built for a process whose event loop is busy with HTTP under the same interpreter lock:

- what is appended in one turn of the loop is handed over as one, so the thread never touches single records;
- a batch is one INSERT of many rows that is its own transaction: BEGIN, INSERT and COMMIT would each give up the
  interpreter lock and wait for it again behind the busy loop, an executemany even once per row;
- its futures are resolved by one callback.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from alertline.clock import Clock, micros
from alertline.eventlog.sqlite_file import connect, limit, translate

__all__ = ["MAX_HANDOVER", "Handover", "LogWriter", "Settle"]

MAX_HANDOVER: Final = 500  # records; two at most make a transaction: bounds what one failure hits and others wait for
_ROWS: Final = 128  # rows in one INSERT: a prepared statement is kept for every number up to it
_STILL_SOUND: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL})  # errors after which a connection is good


class Handover:
    """What was appended in one turn of the event loop, and who waits for it."""

    __slots__ = ("futures", "payloads", "streams")

    def __init__(self) -> None:
        self.streams: list[str] = []
        self.payloads: list[bytes] = []
        self.futures: list[asyncio.Future[int]] = []

    def join(self, later: "Handover") -> None:
        """Take over what was handed over later."""
        self.streams += later.streams
        self.payloads += later.payloads
        self.futures += later.futures


Settle = Callable[[Handover, int, Exception | None], None]
"""Called in the event loop with a batch, the offset of its first record, and the error if it failed."""


class LogWriter:
    """Owns the writing connection and its thread, from `start` to `stop`."""

    def __init__(
        self, path: Path, clock: Clock, loop: asyncio.AbstractEventLoop, settle: Settle, max_bytes: int | None
    ) -> None:
        self._path = path
        self._clock = clock
        self._loop = loop
        self._settle = settle
        self._max_bytes = max_bytes
        self._queue: SimpleQueue[Handover | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="eventlog-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def give(self, handover: Handover) -> None:
        """Hand over what is to be written next. Never blocks."""
        self._queue.put(handover)

    def stop(self) -> None:
        """Write what was handed over, fold the write-ahead log into the file, and end the thread. Blocks until then."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        last = False
        while not last:
            batch, last = self._gather()
            if not batch.futures:
                continue
            first, error = 0, None
            try:
                first = self._write(batch)
            except Exception as caught:  # noqa: BLE001 - whatever it is, those who wait are told and the thread lives
                self._abandon(caught)
                error = translate(caught, self._path)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._settle, batch, first, error)
        self._finish()

    def _gather(self) -> tuple[Handover, bool]:
        """Take what waits; whether it was the last."""
        batch = self._queue.get()
        if batch is None:
            return Handover(), True
        while len(batch.futures) < MAX_HANDOVER and not self._queue.empty():
            later = self._queue.get()
            if later is None:
                return batch, True
            batch.join(later)
        return batch, False

    def _write(self, batch: Handover) -> int:
        """Write a batch; give the offset of its first record."""
        connection = self._connection = self._connection or self._connect()
        count = len(batch.futures)
        if count <= _ROWS:
            last = self._insert(connection, batch.streams, batch.payloads)
        else:
            connection.execute("BEGIN IMMEDIATE")
            for start in range(0, count, _ROWS):
                end = start + _ROWS
                last = self._insert(connection, batch.streams[start:end], batch.payloads[start:end])
            connection.execute("COMMIT")
        return last - count + 1  # one writer at a time and AUTOINCREMENT: without gaps within a transaction

    def _insert(self, connection: sqlite3.Connection, streams: list[str], payloads: list[bytes]) -> int:
        """Write some records with one statement; give the offset of the last."""
        count = len(streams)
        values: list[str | bytes | int] = [micros(self._clock())] * (2 * count + 1)
        values[1::2] = streams
        values[2::2] = payloads
        return connection.execute(_insert(count), values).lastrowid or 0

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self._path)
        if self._max_bytes is not None:
            limit(connection, self._max_bytes)
        return connection

    def _abandon(self, error: Exception) -> None:
        """Undo what a failed batch left; after an error that leaves doubt (a failed sync), take a new connection."""
        if (connection := self._connection) is None:
            return
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            sound = getattr(error, "sqlite_errorcode", 0) & 0xFF in _STILL_SOUND
        except sqlite3.Error:
            sound = False
        if not sound:
            self._connection = None
            with suppress(sqlite3.Error):
                connection.close()

    def _finish(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):  # only tidying: all is durable in the write-ahead log already
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with suppress(sqlite3.Error):
                self._connection.close()


@cache
def _insert(rows: int) -> str:
    # an append time never goes back behind the records before it, whichever process wrote them
    return (
        "INSERT INTO log (appended_at, stream, payload) SELECT at, column1, column2 FROM "
        "(SELECT max(?, coalesce((SELECT appended_at FROM log ORDER BY id DESC LIMIT 1), 0)) AS at) "
        "CROSS JOIN (VALUES (?, ?)" + ", (?, ?)" * (rows - 1) + ")"
    )
