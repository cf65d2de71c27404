"""What every event log promises, whatever it is made of.

- `append` returns only when the record is durable: a crash of this process or of the machine after that loses nothing.
- Records of one partition have one order; offsets grow by reading order and are never used twice.
- A stream always lies in one partition.
- `log_id` is made with the log and never changes: another log with smaller offsets is noticed, never silently skipped.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

__all__ = [
    "Appends",
    "EventLog",
    "LogClosed",
    "LogFull",
    "LogRecord",
    "LogUnavailable",
    "Position",
    "TooLarge",
    "UnsupportedLog",
]


class LogUnavailable(Exception):
    """The log cannot take or give records now; trying again later may work."""


class LogFull(LogUnavailable):
    """No room left: nothing was written."""


class LogClosed(LogUnavailable):
    """The log was closed by its owner."""


class TooLarge(LogUnavailable):
    """The log never takes a record of that size: nothing was written."""


class UnsupportedLog(Exception):
    """This is no event log, or not the one that it was, or one of a newer Alertline: no waiting helps."""


class Position(msgspec.Struct, frozen=True, order=True):
    """Where a record lies."""

    partition: int
    offset: int

    @property
    def next_offset(self) -> int:
        """The offset to read on from after this record."""
        return self.offset + 1


class LogRecord(msgspec.Struct, frozen=True):
    """One record as it lies in the log.

    Attributes:
        appended_at: the log's own append time, UTC; it never goes back within a partition.
        sent_at: when the record was handed to the log, by the clock of the process that did; None: nobody said.
        payload: the encoded record (`schemas.records`).
    """

    position: Position
    stream: str
    appended_at: datetime
    payload: bytes
    sent_at: datetime | None = None


class Appends(Protocol):
    """What takes records: a log, or what stands before one."""

    async def append(self, stream: str, payload: bytes) -> Position:
        """Append one record; return when it is durable.

        Raises:
            LogFull: no room; LogClosed: closed; LogUnavailable: anything else that may pass.
        """
        ...


class EventLog(Protocol):
    """An append-only, ordered, durable log of records."""

    @property
    def log_id(self) -> str:
        """The identity of this log."""
        ...

    async def partitions(self) -> Sequence[int]:
        """All partitions, in order."""
        ...

    async def append(self, stream: str, payload: bytes) -> Position:
        """Append one record; return when it is durable.

        Raises:
            LogFull: no room; LogClosed: closed; LogUnavailable: anything else that may pass.
        """
        ...

    async def read(self, partition: int, next_offset: int, limit: int) -> Sequence[LogRecord]:
        """Read up to `limit` records from `next_offset` on, in order; empty when there is none yet."""
        ...

    async def wait(self, partition: int, next_offset: int, timeout_s: float) -> bool:
        """Wait until a record at or after `next_offset` exists, at most `timeout_s` seconds; whether one does."""
        ...

    async def begin(self, partition: int) -> int:
        """Before which offset records are kept no longer; 0 where none ever went."""
        ...

    async def end(self, partition: int) -> int:
        """The next offset that will be given out."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, then close. Closing twice is harmless."""
        ...
