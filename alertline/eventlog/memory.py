"""An event log in memory: the same order, offsets and ends as the durable ones, for tests and for `replay`.

It is as durable as its process: nothing outlives it. It belongs to one event loop.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from alertline.clock import Clock, now
from alertline.eventlog.news import News
from alertline.eventlog.port import LogClosed, LogRecord, Position

__all__ = ["MemoryLog"]

_FIRST = 1  # as in SqliteLog, so that what is made of one recording compares equal on both


class MemoryLog:
    """An `EventLog` with one partition, 0, kept in a list."""

    def __init__(self, *, clock: Clock = now) -> None:
        self._clock = clock
        self._log_id = str(uuid4())
        self._records: list[LogRecord] = []
        self._news = News()
        self._closed = False

    @property
    def log_id(self) -> str:
        """The identity of this log: made with the object."""
        return self._log_id

    async def append(self, stream: str, payload: bytes) -> Position:
        """Append one record.

        Raises:
            LogClosed: closed.
        """
        self._open()
        position = Position(0, _FIRST + len(self._records))
        self._records.append(LogRecord(position, stream, self._appended_at(), payload))
        self._news.tell()
        await asyncio.sleep(0)  # a durable log never answers at once either: callers must not rely on it
        return position

    async def read(self, partition: int, next_offset: int, limit: int) -> Sequence[LogRecord]:
        """Read up to `limit` records from `next_offset` on, in order; none in an unknown partition.

        Raises:
            LogClosed: closed.
        """
        self._open()
        start = max(0, next_offset - _FIRST)
        return self._records[start : start + max(0, limit)] if partition == 0 else ()

    async def wait(self, partition: int, next_offset: int, timeout_s: float) -> bool:
        """Wait until a record at or after `next_offset` exists, at most `timeout_s` seconds; whether one does.

        Raises:
            LogClosed: closed, even while waiting.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            heard = self._news.listen()
            if await self.end(partition) > max(next_offset, _FIRST):
                return True
            if (left := deadline - loop.time()) <= 0:
                return False
            await self._news.heard(heard, left)

    async def partitions(self) -> Sequence[int]:
        """All partitions: 0."""
        return (0,)

    async def begin(self, partition: int) -> int:
        """Before which offset records are kept no longer: here all are."""
        return 0

    async def end(self, partition: int) -> int:
        """The next offset that will be given out.

        Raises:
            LogClosed: closed.
        """
        self._open()
        return _FIRST + len(self._records) if partition == 0 else _FIRST

    async def close(self) -> None:
        """Close; what waits is told. Closing twice is harmless."""
        self._closed = True
        self._news.tell()

    def _open(self) -> None:
        if self._closed:
            raise LogClosed("the event log is closed")

    def _appended_at(self) -> datetime:
        moment = self._clock()
        return max(moment, self._records[-1].appended_at) if self._records else moment
