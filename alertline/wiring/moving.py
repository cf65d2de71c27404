"""`db copy`: an embedded installation into a database, and onto another log, without loss.

Order: the log first, the store last and in one transaction. Whatever goes wrong on the way, the installation that is
copied is as it was, and no store says that a half copied log was applied.
"""

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.errors import AlertlineError
from alertline.eventlog.port import EventLog, LogRecord, LogUnavailable
from alertline.store.failures import StoreUnavailable, Unstorable
from alertline.store.moving import Moved, Tally, copy_rows, is_empty, row_counts, tally
from alertline.store.reader import StoreReader
from consumers.applying import on_log_time
from schemas.records import UnreadableRecord, decode, encode

__all__ = ["Copied", "copy_log", "copy_store", "size_of"]

_AT_ONCE: Final = 500
_Advance = Callable[[], None]


class Copied(msgspec.Struct, frozen=True):
    """What was copied and found again: rows by table, and one digest of them all."""

    rows: dict[str, int]
    digest: str


async def size_of(log: EventLog | None, source: AsyncEngine) -> int:
    """How many steps the copy has: each row is written and read back, each record too."""
    records = 0 if log is None else await log.end(0)
    return 2 * (records + sum((await row_counts(source)).values()))


async def copy_log(source: EventLog, target: EventLog, store: StoreReader, advance: _Advance) -> Moved:
    """Append every record of an embedded log to another one, in order; and read it all back.

    A record goes over as the correlator took it: never received after it was appended. The other log appends it now,
    so it could not tell that any more.

    Raises:
        AlertlineError: the other log is not empty, took the records in another order, or does not give them back.
    """
    for partition in await target.partitions():
        if await target.read(partition, 0, 1):
            raise AlertlineError("the log to copy to is not empty: name another one, or empty it first")
    moving = _Moving(await store.applied(0))
    try:
        offset = 0
        while records := await source.read(0, offset, _AT_ONCE):
            await moving.append(target, records)
            for _ in records:
                advance()
            offset = records[-1].position.next_offset
        await moving.check(target, advance)
    except LogUnavailable as error:
        raise AlertlineError(f"the log could not be copied: {error}; empty what was copied and begin again") from error
    return Moved(target.log_id, moving.partition_of, moving.offset_of, moving.next_offsets)


async def copy_store(source: AsyncEngine, target: AsyncEngine, moved: Moved | None, advance: _Advance) -> Copied:
    """Copy every row of every table, and read it all back.

    Raises:
        AlertlineError: the database is not empty, refuses a row, or does not give back what was written.
    """
    try:
        if not await is_empty(target):
            raise AlertlineError("the database to copy to is not empty: name another one, or empty it first")
        if moved is not None and (await row_counts(source))["outbox"]:
            raise AlertlineError("something waits in the outbox to be published: let it be relayed first")
        written = await copy_rows(source, target, moved, advance)
        found = await tally(target, advance)
    except (StoreUnavailable, Unstorable) as error:
        raise AlertlineError(f"the store could not be copied: {error}") from error
    except LookupError as error:
        raise AlertlineError(f"the store names {error}, which the log does not hold: nothing was copied") from error
    if differing := [name for name in written if written[name] != found[name]]:
        raise AlertlineError(f"what was written was not found again in: {', '.join(differing)}; do not use the copy")
    return Copied({name: each.count for name, each in found.items()}, _digest(found.values()))


def _digest(tallies: Iterable[Tally]) -> str:
    return f"{sum(each.digest for each in tallies) % 2**128:032x}"


class _Moving:
    """Where every record of an embedded log went."""

    def __init__(self, applied: int) -> None:
        self._applied = applied
        self._old, self._new = array("q"), array("q")
        self._partitions: dict[str, int] = {}
        self._newest: dict[str, int] = {}
        self._digests: dict[str, bytes] = {}
        self.next_offsets: dict[int, int] = {}

    async def append(self, target: EventLog, records: Sequence[LogRecord]) -> None:
        payloads = [_as_taken(each) for each in records]
        # begun in one turn, so that they are written in this order; it is checked
        given = await asyncio.gather(
            *(target.append(each.stream, payload) for each, payload in zip(records, payloads, strict=True))
        )
        for each, payload, position in zip(records, payloads, given, strict=True):
            if position.offset <= self._newest.get(each.stream, -1):
                raise AlertlineError("the log took the records in another order: empty what was copied, begin again")
            if self._partitions.setdefault(each.stream, position.partition) != position.partition:
                raise AlertlineError(f"the log has the stream {each.stream} in two partitions: it cannot be used")
            self._newest[each.stream] = position.offset
            self._old.append(each.position.offset)
            self._new.append(position.offset)
            self._digests[each.stream] = _chained(self._digests.get(each.stream, b""), payload)
            if each.position.offset < self._applied:
                self.next_offsets[position.partition] = position.next_offset

    async def check(self, target: EventLog, advance: _Advance) -> None:
        found: dict[str, bytes] = {}
        for partition in await target.partitions():
            offset = 0
            while records := await target.read(partition, offset, _AT_ONCE):
                for each in records:
                    found[each.stream] = _chained(found.get(each.stream, b""), each.payload)
                    advance()
                offset = records[-1].position.next_offset
        if found != self._digests:
            raise AlertlineError("the log does not give back what was written: do not use the copy")

    def partition_of(self, stream: str) -> int:
        if stream not in self._partitions:
            raise LookupError(f"the stream {stream!r}")
        return self._partitions[stream]

    def offset_of(self, offset: int) -> int:
        index = bisect_left(self._old, offset)
        if index == len(self._old) or self._old[index] != offset:
            raise LookupError(f"the record at offset {offset}")
        return self._new[index]


def _as_taken(record: LogRecord) -> bytes:
    """The record's bytes, with its receive time as the correlator took it."""
    try:
        found = decode(record.payload)
    except UnreadableRecord:
        return record.payload
    taken = on_log_time(found, record.appended_at, record.sent_at)
    return record.payload if taken is found else encode(taken)


def _chained(before: bytes, payload: bytes) -> bytes:
    return blake2b(payload, digest_size=16, key=before).digest()
