"""The embedded event log: one SQLite file, one partition, several processes.

Guarantee: when `append` returns, the record is synced to the disk (write-ahead log, `synchronous=FULL`): neither a
crash of the process nor of the machine loses it. Offsets grow in the order of commits, in all processes that have the
file open together, and none is used twice; append times never go back in that order. A failed `append` has written
nothing, with one exception that no log can avoid: an error of the disk while it syncs may leave a record behind.

Appends of one turn of the event loop, and all that wait while the disk syncs, share one transaction (`sqlite_writer`).
Readers never block the writer, nor it them; each read is one short transaction on a connection of its own.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, Self, TypeVar

from alertline.clock import Clock, from_micros, now
from alertline.eventlog.news import News
from alertline.eventlog.port import LogClosed, LogRecord, Position
from alertline.eventlog.sqlite_file import connect, prepare, read_end, translate
from alertline.eventlog.sqlite_writer import MAX_HANDOVER, Handover, LogWriter

__all__ = ["SqliteLog"]

_POLL_S: Final = 0.05  # how soon a commit of another process is seen when no `wake` tells of it

T = TypeVar("T")


class SqliteLog:
    """An `EventLog` in a file. It belongs to the event loop that opened it; open it with `SqliteLog.open`."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        max_bytes: int | None,
        reader: ThreadPoolExecutor,
        opened: tuple[sqlite3.Connection, str],
    ) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._reader = reader
        self._connection, self._log_id = opened
        self._waiting = Handover()
        self._news = News()
        self._closing: asyncio.Task[None] | None = None
        self._writer = LogWriter(path, clock, self._loop, self._settle, max_bytes)
        self._writer.start()

    @classmethod
    async def open(cls, path: Path, *, clock: Clock = now, max_bytes: int | None = None) -> Self:
        """Open the log in the file, which is made if it does not exist (its folder is not).

        Args:
            path: the file; two more, with `-wal` and `-shm` at the end, lie beside it while it is open.
            clock: gives the append times.
            max_bytes: what this process lets the file grow to; beyond it `append` raises LogFull. None: no bound.

        Raises:
            UnsupportedLog: the file is something else, or of a newer version; LogUnavailable: it cannot be opened now.
        """
        reader = ThreadPoolExecutor(1, thread_name_prefix="eventlog-reader")
        try:
            opened = await asyncio.get_running_loop().run_in_executor(reader, _open_file, path)
            return cls(path, clock, max_bytes, reader, opened)
        except BaseException:
            reader.shutdown(wait=False)
            raise

    @property
    def log_id(self) -> str:
        """The identity of this log: made with the file."""
        return self._log_id

    async def partitions(self) -> Sequence[int]:
        """All partitions: 0."""
        return (0,)

    async def append(self, stream: str, payload: bytes) -> Position:
        """Append one record; return when it is durable. Who stops waiting does not take the record back.

        Raises:
            LogFull: no room; LogClosed: closed; LogUnavailable: anything else that may pass.
        """
        if self._closing is not None:
            raise LogClosed("the event log is closed")
        future: asyncio.Future[int] = self._loop.create_future()
        waiting = self._waiting
        waiting.streams.append(stream)
        waiting.payloads.append(payload)
        waiting.futures.append(future)
        if len(waiting.futures) == 1:
            self._loop.call_soon(self._hand_over)
        elif len(waiting.futures) >= MAX_HANDOVER:
            self._hand_over()
        return Position(0, await future)

    async def read(self, partition: int, next_offset: int, limit: int) -> Sequence[LogRecord]:
        """Read up to `limit` records from `next_offset` on, in order; none in an unknown partition.

        Raises:
            LogClosed: closed; LogUnavailable: anything else that may pass.
        """
        rows = await self._ask(lambda connection: _read(connection, next_offset, limit))
        return rows if partition == 0 else ()

    async def wait(self, partition: int, next_offset: int, timeout_s: float) -> bool:
        """Wait until a record at or after `next_offset` exists, at most `timeout_s` seconds; whether one does.

        Appends of this process are seen at once, those of others within 50 ms, or when `wake` is called.

        Raises:
            LogClosed: closed, even while waiting; LogUnavailable: anything else that may pass.
        """
        deadline = self._loop.time() + timeout_s
        sought = max(next_offset, 1)
        while True:
            heard = self._news.listen()
            if await self.end(partition) > sought:
                return True
            if (left := deadline - self._loop.time()) <= 0:
                return False
            await self._news.heard(heard, min(left, _POLL_S))

    async def begin(self, partition: int) -> int:
        """Before which offset records are kept no longer: here all are."""
        return 0

    async def end(self, partition: int) -> int:
        """The next offset that will be given out, as far as anybody can know.

        Raises:
            LogClosed: closed; LogUnavailable: anything else that may pass.
        """
        return await self._ask(read_end) if partition == 0 else 1

    def wake(self) -> None:
        """Let those who `wait` look at once: another process is known to have appended. Call it in the event loop."""
        self._news.tell()

    async def close(self) -> None:
        """Write what was accepted, then close. Closing twice is harmless."""
        if self._closing is None:
            self._hand_over()
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)  # who stops waiting does not stop the closing

    async def _close(self) -> None:
        await self._loop.run_in_executor(self._reader, self._writer.stop)
        await self._loop.run_in_executor(self._reader, self._connection.close)
        self._reader.shutdown(wait=False)
        self._news.tell()

    def _hand_over(self) -> None:
        if self._waiting.futures:
            self._writer.give(self._waiting)
            self._waiting = Handover()

    def _settle(self, batch: Handover, first: int, error: Exception | None) -> None:
        for offset, future in enumerate(batch.futures, first):
            if future.done():
                continue  # its waiter was cancelled; the record stays
            if error is None:
                future.set_result(offset)
            else:
                future.set_exception(type(error)(str(error)))  # one each: a traceback grows with every raise
        self._news.tell()

    async def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        if self._closing is not None:
            raise LogClosed("the event log is closed")
        try:
            return await self._loop.run_in_executor(self._reader, question, self._connection)
        except sqlite3.ProgrammingError as error:  # closed meanwhile
            raise LogClosed("the event log is closed") from error
        except sqlite3.Error as error:
            raise translate(error, self._path) from error


def _open_file(path: Path) -> tuple[sqlite3.Connection, str]:
    connection = connect(path)
    try:
        log_id = prepare(connection, path)
        connection.execute("PRAGMA query_only=ON")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.close()
        raise
    return connection, log_id


def _read(connection: sqlite3.Connection, next_offset: int, limit: int) -> Sequence[LogRecord]:
    rows = connection.execute(
        "SELECT id, stream, appended_at, payload FROM log WHERE id >= ? ORDER BY id LIMIT ?",
        (next_offset, max(0, limit)),
    ).fetchall()
    return [LogRecord(Position(0, offset), stream, from_micros(at), payload) for offset, stream, at, payload in rows]
