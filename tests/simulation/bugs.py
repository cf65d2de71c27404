"""Bugs that are planted into the real code for as long as a block lasts: the simulation must find every one of them."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final
from unittest.mock import patch
from uuid import UUID

import msgspec
import orjson
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertline.eventlog.port import LogFull, Position
from alertline.eventlog.spooling import SpoolingLog, _together
from alertline.incidents.memory.archive import Archive
from alertline.incidents.memory.remembered import Remembered
from alertline.store import outbox as outboxes
from alertline.store.archive import StoreArchive
from alertline.store.engine import reading, writing
from alertline.store.port import Batch, Claim, Summary
from alertline.store.tables import positions
from alertline.store.writer import StoreWriter
from consumers.relay import Relay, message_of
from consumers.runner import Runner
from tests.simulation.loop import current

__all__ = ["BUGS", "planted"]

Patch = Any


def _no_fence() -> Patch:
    """Whoever writes a batch writes it, and the read position, whoever holds the partition by now."""

    async def blind(self: StoreWriter, connection: AsyncConnection, batch: Batch) -> None:
        mine = (positions.c.log_id == batch.claim.log_id) & (positions.c.partition == batch.claim.partition)
        await connection.execute(update(positions).where(mine).values(next_offset=batch.next_offset))

    return patch.object(StoreWriter, "_fenced", blind)


def _position_first() -> Patch:
    """The read position is committed, then the rows."""

    async def commit(self: StoreWriter, batch: Batch) -> None:
        writes = self._prepared(batch)
        async with writing(self._engine) as connection:
            await self._fenced(connection, batch)
        async with writing(self._engine) as connection:
            for statement, rows in writes:
                await statement.run(connection, rows)

    return patch.object(StoreWriter, "commit", commit)


def _rows_taken_for_written() -> Patch:
    """After a takeover, or a failure, a writer goes by what it wrote before."""
    return patch.object(StoreWriter, "_forget", lambda self: None)


def _memory_kept() -> Patch:
    """After a takeover the memory is not loaded."""

    async def restore(self: Runner, claim: Claim) -> None:
        return None

    return patch.object(Runner, "_restore", restore)


def _spool_backwards() -> Patch:
    """The newest that waits is forwarded first."""

    async def forward(self: SpoolingLog) -> bool:
        records = _together(await self._spool.read(0, 0, 500))
        if not records:
            return False
        await self._behind.append_all([(each.stream, each.payload) for each in reversed(records)])
        await self._spool.forget(records[-1].position.next_offset)
        return True

    return patch.object(SpoolingLog, "_forward_some", forward)


def _spool_overtaken() -> Patch:
    """What is new goes to the log although older records wait."""
    append = SpoolingLog.append

    async def overtaking(self: SpoolingLog, stream: str, payload: bytes) -> Position:
        spooling, self._spooling = self._spooling, False
        try:
            return await append(self, stream, payload)
        finally:
            self._spooling = self._spooling or spooling

    return patch.object(SpoolingLog, "append", overtaking)


def _forgotten_before_forwarded() -> Patch:
    """The spool lets go of records before the log has them."""

    async def forward(self: SpoolingLog) -> bool:
        records = _together(await self._spool.read(0, 0, 500))
        if not records:
            return False
        await self._spool.forget(records[-1].position.next_offset)
        await self._behind.append_all([(each.stream, each.payload) for each in records])
        return True

    return patch.object(SpoolingLog, "_forward_some", forward)


def _answered_before_synced() -> Patch:
    """A sender is told 2xx while its record is still on the way to the disk."""
    append = SpoolingLog._wait_behind
    running: set[asyncio.Task[Position]] = set()

    async def hasty(self: SpoolingLog, stream: str, payload: bytes) -> Position:
        task = asyncio.ensure_future(append(self, stream, payload))
        running.add(task)
        task.add_done_callback(running.discard)
        task.add_done_callback(lambda done: None if done.cancelled() else done.exception())
        return Position(-1, -1)

    return patch.object(SpoolingLog, "_wait_behind", hasty)


def _full_disk_ignored() -> Patch:
    """A sender is told 2xx although the disk is full."""
    append = SpoolingLog._wait_behind

    async def careless(self: SpoolingLog, stream: str, payload: bytes) -> Position:
        try:
            return await append(self, stream, payload)
        except LogFull:
            return Position(-1, -1)

    return patch.object(SpoolingLog, "_wait_behind", careless)


def _copies_taken() -> Patch:
    """No delivery is known again."""

    def add(self: Remembered, delivery_id: str, received_at: datetime, offset: int, *, keyed: bool) -> None:
        return None

    return patch.object(Remembered, "add", add)


def _copies_forgotten() -> Patch:
    """After a restart no delivery is known again."""

    async def remembered(connection: AsyncConnection, partition: int) -> list[Any]:
        return []

    return patch("alertline.store.loading._remembered", remembered)


def _random_ids() -> Patch:
    """An event gets another id each time that it is made."""
    event, made = outboxes._event, iter(range(1_000_000_000))

    def named(line: Summary) -> str:
        return orjson.dumps(orjson.loads(event(line)) | {"id": str(UUID(int=next(made)))}).decode()

    return patch("alertline.store.outbox._event", named)


def _told_before_published() -> Patch:
    """The relay takes events out of the outbox, then publishes them."""

    async def relay(self: Relay) -> int:
        waiting = await self._outbox.waiting(self._claim, 500)
        if waiting:
            await self._outbox.told(self._claim, waiting[-1])
            await self._publisher.publish([message_of(each, self._topic) for each in waiting])
        return len(waiting)

    return patch.object(Relay, "relay", relay)


def _loss_unnoticed() -> Patch:
    """A runner that has nothing to read does not notice that the database lost its newest batches."""

    async def sure(self: Runner, claim: Claim) -> None:
        return None

    return patch.object(Runner, "_make_sure", sure)


def _record_blamed() -> Patch:
    """A connection that is lost while the core asks for what rests passes for a failure of the record."""

    async def recalling(self: StoreWriter, work: Callable[[Callable[[str], Archive]], Any]) -> Any:
        async with reading(self._engine) as connection:
            try:
                return await connection.run_sync(lambda plain: work(partial(StoreArchive, plain)))
            except Exception as error:  # noqa: BLE001 - the bug
                failed = error
        raise failed

    return patch.object(StoreWriter, "recalling", recalling)


def _wall_clock_decides() -> Patch:
    """What is decided depends on when it is decided."""
    from consumers import applying

    def bounded(record: Any, appended_at: datetime) -> Any:
        process = current()
        if process is None or not hasattr(record, "received_at"):
            return original(record, appended_at)
        from tests.simulation.database import SERVER

        database = SERVER.get()
        assert database is not None
        return msgspec.structs.replace(record, received_at=database.world.now())

    original = applying.on_log_time
    return patch("consumers.applying.on_log_time", bounded)


BUGS: Final[dict[str, Callable[[], Patch]]] = {
    "fence removed": _no_fence,
    "position committed before the rows": _position_first,
    "memory not loaded at a takeover": _memory_kept,
    "rows taken for written": _rows_taken_for_written,
    "spool forwarded backwards": _spool_backwards,
    "spool overtaken": _spool_overtaken,
    "forgotten before it is forwarded": _forgotten_before_forwarded,
    "answered before it is synced": _answered_before_synced,
    "a full disk ignored": _full_disk_ignored,
    "copies taken as new": _copies_taken,
    "copies unknown after a restart": _copies_forgotten,
    "random event ids": _random_ids,
    "told before it is published": _told_before_published,
    "a loss unnoticed": _loss_unnoticed,
    "a record blamed for the database": _record_blamed,
    "the wall clock decides": _wall_clock_decides,
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have a bug."""
    with BUGS[name]():
        yield
