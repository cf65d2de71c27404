"""Reading one partition from any offset on: what has piled up is fetched ahead, what just came when it is asked for.

The consumer belongs to no group and commits nothing: where to read on is what the store says. One that does not give
what the cluster says is there is given up, and the next read makes another one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from alertline.clock import from_micros, monotonic
from alertline.eventlog.kafka_client import REQUEST_S, ended, kafka_errors, new_consumer
from alertline.eventlog.kafka_producer import SENT_AT
from alertline.eventlog.port import LogClosed, LogRecord, LogUnavailable, Position, UnsupportedLog

__all__ = ["Bounds", "Cursor"]

log = structlog.get_logger(__name__)

_AHEAD_BYTES: Final = 8 * 1024 * 1024
_MICROS_DIGITS: Final = 17  # the year 5138
_AHEAD: Final = 2000  # records that are unpacked at once
_ASKED_S: Final = 0.01  # a broker that has some gives them within this time; else it is asked whether it has any
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Bounds = Callable[[int], Awaitable[tuple[int, int]]]
"""The offset of a partition's first record, and the next one that will be given out; may raise LogUnavailable."""


class Cursor:
    """One partition, for one reader that goes on and now and then for somebody who looks something up."""

    def __init__(self, options: dict[str, Any], topic: str, partition: int, bounds: Bounds) -> None:
        self._options, self._partition, self._bounds = options, TopicPartition(topic, partition), bounds
        self._consumer: AIOKafkaConsumer | None = None
        self._ahead: deque[ConsumerRecord] = deque()
        self._position = -1  # what `_ahead`, or else the consumer, goes on with
        self._turn = asyncio.Lock()
        self._closed = False

    async def read(self, next_offset: int, limit: int) -> Sequence[LogRecord]:
        """Read up to `limit` records that exist from `next_offset` on.

        Raises:
            LogUnavailable: not now; UnsupportedLog: the log ends before that offset.
        """
        if limit <= 0:
            return ()
        async with self._turn:
            followed = next_offset == self._position
            if not followed or not self._ahead:
                await self._guarded(self._look(next_offset, limit, followed=followed))
            taken = [self._ahead.popleft() for _ in range(min(limit, len(self._ahead)))]
            if taken:
                self._position = taken[-1].offset + 1
            return [self._record(each) for each in taken]

    async def wait(self, next_offset: int, timeout_s: float) -> bool:
        """Wait for a record at or after `next_offset`, at most so long; whether there is one."""
        deadline = monotonic() + timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                await self._turn.acquire()
        except TimeoutError:
            return False
        try:
            if next_offset == self._position and self._ahead:
                return True
            if timeout_s <= 0:
                return (await self._bounds(self._partition.partition))[1] > next_offset
            return await self._guarded(self._fetch(next_offset, _AHEAD, deadline - monotonic()))
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Close; who waits is told so."""
        self._closed = True
        await self._give_up()

    async def _look(self, next_offset: int, limit: int, *, followed: bool) -> bool:
        """Have what exists there in `_ahead`; whether anything does."""
        if followed and await self._fetch(next_offset, limit, _ASKED_S):
            return True
        first, end = await self._bounds(self._partition.partition)
        if next_offset > end:
            raise UnsupportedLog(
                f"Kafka: {self._partition.topic} ends at {end} in partition {self._partition.partition},"
                f" but it was read up to {next_offset}: this is another log, or a part of it is gone"
            )
        if next_offset == end:
            return False
        if (next_offset := max(next_offset, first)) == end:  # whoever reads on asks what is gone: `begin`
            return False
        while len(self._ahead) < limit and (not self._ahead or self._ahead[-1].offset + 1 < end):
            before = len(self._ahead)
            await self._fetch(next_offset, limit, REQUEST_S)
            if len(self._ahead) == before:
                raise LogUnavailable(f"Kafka: nothing came from partition {self._partition.partition} at {next_offset}")
        if not followed and self._consumer is not None:
            self._consumer.pause(self._partition)  # looked up: whoever goes on from here lets it fetch ahead
        return True

    async def _fetch(self, next_offset: int, limit: int, timeout_s: float) -> bool:
        consumer = self._consumer or await self._opened()
        if next_offset != self._position:
            self._ahead.clear()
            consumer.seek(self._partition, next_offset)
            self._position = next_offset
        consumer.resume(self._partition)
        timeout_ms = max(0, int(timeout_s * 1000))
        found = await consumer.getmany(self._partition, timeout_ms=timeout_ms, max_records=max(limit, _AHEAD))
        self._ahead.extend(taken := found.get(self._partition, ()))
        if taken and taken[-1].offset + 1 >= (consumer.highwater(self._partition) or 0):
            # That was all. Left to itself the consumer would fetch the next one that comes, at once, and no more until
            # that was read: the next read would get little but old ones, and all others would wait for the one after.
            consumer.pause(self._partition)
        return bool(self._ahead)

    async def _opened(self) -> AIOKafkaConsumer:
        if self._closed:
            raise LogClosed("the event log is closed")
        consumer = new_consumer(self._options, auto_offset_reset="none", max_partition_fetch_bytes=_AHEAD_BYTES)
        try:
            async with asyncio.timeout(REQUEST_S):
                await consumer.start()
            consumer.assign([self._partition])
        except BaseException:
            await ended(consumer.stop())
            raise
        self._consumer, self._position = consumer, -1
        self._ahead.clear()
        return consumer

    async def _guarded(self, work: Awaitable[bool]) -> bool:
        """Whatever fails, the next use begins with another consumer."""
        try:
            with kafka_errors("cannot read"):
                found = await work
        except (LogUnavailable, UnsupportedLog):
            await self._give_up()
            if self._closed:
                raise LogClosed("the event log is closed") from None
            raise
        if self._closed:
            raise LogClosed("the event log is closed")
        return found

    async def _give_up(self) -> None:
        consumer, self._consumer, self._position = self._consumer, None, -1
        self._ahead.clear()
        if consumer is not None:
            await ended(consumer.stop())

    def _record(self, found: ConsumerRecord) -> LogRecord:
        return LogRecord(
            Position(found.partition, found.offset),
            (found.key or b"").decode("utf-8", "replace"),
            _EPOCH + timedelta(milliseconds=found.timestamp),
            found.value or b"",
            _sent_at(found),
        )


def _sent_at(found: ConsumerRecord) -> datetime | None:
    """What the header says; None: an older version or another program wrote it."""
    said = next((value for name, value in found.headers if name == SENT_AT), b"")
    return from_micros(int(said)) if said.isdigit() and len(said) <= _MICROS_DIGITS else None
