"""The event log on Apache Kafka: one topic, a stream is a key and lies in one partition, all replicas acknowledge.

Guarantee: when `append` returns, every replica in sync has the record (`acks=all`). A failed append may have written
it all the same, or write it later: whoever tries again makes a copy, which its delivery id tells. The partition of a
stream follows from its name and the number of partitions alone, as Kafka's own clients have it. So partitions that are
added to a topic in use are not used; with another number of them it would be another log (`log_id`).
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import murmur2

from alertline.cluster import Kafka
from alertline.eventlog.kafka_client import (
    REQUEST_S,
    client_options,
    ended,
    kafka_errors,
    new_consumer,
    why_unreachable,
)
from alertline.eventlog.kafka_cursor import Cursor
from alertline.eventlog.kafka_producer import Outgoing, Producer
from alertline.eventlog.kafka_topics import Topics, prepare_topics
from alertline.eventlog.port import LogClosed, LogRecord, LogUnavailable, Position
from alertline.eventlog.publishing import Message

__all__ = ["KafkaLog", "partition_of"]


def partition_of(stream: str, partitions: int) -> int:
    """The partition in which a stream lies: what every Kafka client computes for that key."""
    return int(murmur2(stream.encode()) & 0x7FFFFFFF) % partitions


class KafkaLog:
    """An `EventLog` and a `Publisher` on a cluster. It belongs to the event loop that opened it: `KafkaLog.open`."""

    def __init__(self, kafka: Kafka, topics: Topics, producer: Producer, asking: AIOKafkaConsumer) -> None:
        self._kafka, self._topics, self._producer, self._asking = kafka, topics, producer, asking
        self._cursors: dict[int, Cursor] = {}
        self._closing = asyncio.Event()

    @classmethod
    async def open(cls, kafka: Kafka) -> "KafkaLog":
        """Open the log on a cluster; topics that are missing are made.

        Raises:
            UnsupportedLog: a topic is there that cannot hold what we promise; LogUnavailable: the cluster is away.
        """
        try:
            topics = await prepare_topics(kafka)
        except LogUnavailable as error:
            if (why := await why_unreachable(kafka)) is None:
                raise
            raise LogUnavailable(f"Kafka: {why}") from error
        producer = Producer(kafka)
        await producer.start()
        asking = new_consumer(client_options(kafka))
        try:
            with kafka_errors("no connection"):
                async with asyncio.timeout(REQUEST_S):
                    await asking.start()
        except BaseException:
            await producer.close()
            await ended(asking.stop())
            raise
        return cls(kafka, topics, producer, asking)

    @property
    def log_id(self) -> str:
        """The identity of this log: of the cluster, the topic and the number of its partitions."""
        return self._topics.log_id

    @property
    def waiting_s(self) -> float:
        """How long the oldest append waits to become durable."""
        return self._producer.waiting_s

    async def partitions(self) -> Sequence[int]:
        """All partitions, in order."""
        return range(self._topics.partitions)

    async def append(self, stream: str, payload: bytes) -> Position:
        """Append one record; return when it is durable on all replicas in sync.

        Raises:
            LogClosed: closed; LogUnavailable: anything else; the record may become durable all the same.
        """
        partition = partition_of(stream, self._topics.partitions)
        record = Outgoing(stream.encode(), payload, timed=True)
        return Position(partition, await self._producer.send(self._kafka.deliveries, partition, record))

    async def append_all(self, records: Iterable[tuple[str, bytes]]) -> Sequence[Position]:
        """Append several, those of a stream in this order; return when all are durable.

        Raises:
            LogClosed: closed; LogUnavailable: not all are durable; appending all again is harmless.
        """
        topic, count = self._kafka.deliveries, self._topics.partitions
        where = [(stream, partition_of(stream, count), payload) for stream, payload in records]
        futures = [
            self._producer.send(topic, partition, Outgoing(stream.encode(), payload, timed=True))
            for stream, partition, payload in where
        ]
        offsets = await _all(futures)
        return [Position(partition, offset) for (_, partition, _), offset in zip(where, offsets, strict=True)]

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish messages, those of a key in this order; return when all are durable.

        Raises:
            LogUnavailable: not all of them are durable; publishing all again is harmless.
        """
        counts = {topic: await self._producer.partitions(topic) for topic in {each.topic for each in messages}}
        await _all(
            [
                self._producer.send(
                    each.topic,
                    partition_of(each.key, counts[each.topic]),
                    Outgoing(each.key.encode(), each.value, each.headers),
                )
                for each in messages
            ]
        )

    async def read(self, partition: int, next_offset: int, limit: int) -> Sequence[LogRecord]:
        """Read up to `limit` records from `next_offset` on, in order; none in an unknown partition.

        Raises:
            LogClosed: closed; UnsupportedLog: the log ends before that offset; LogUnavailable: anything else.
        """
        self._open()
        return await self._cursor(partition).read(next_offset, limit) if self._has(partition) else ()

    async def wait(self, partition: int, next_offset: int, timeout_s: float) -> bool:
        """Wait until a record at or after `next_offset` exists, at most `timeout_s` seconds; whether one does.

        Raises:
            LogClosed: closed, even while waiting; LogUnavailable: anything else.
        """
        self._open()
        if not self._has(partition):
            return False
        waits = (self._cursor(partition).wait(next_offset, timeout_s), self._closing.wait())
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            self._open()
            return tasks[0].result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def begin(self, partition: int) -> int:
        """Before which offset records are kept no longer; 0 where none ever went.

        Raises:
            LogClosed: closed; LogUnavailable: anything else.
        """
        return (await self._bounds(partition))[0] if self._has(partition) else 0

    async def end(self, partition: int) -> int:
        """The next offset that will be given out.

        Raises:
            LogClosed: closed; LogUnavailable: anything else.
        """
        return (await self._bounds(partition))[1] if self._has(partition) else 0

    async def close(self) -> None:
        """Let what was accepted become durable, at most for some seconds, then close. Closing twice is harmless."""
        if self._closing.is_set():
            return
        self._closing.set()
        await self._producer.close()
        await asyncio.gather(*(cursor.close() for cursor in self._cursors.values()))
        await ended(self._asking.stop())

    def _open(self) -> None:
        if self._closing.is_set():
            raise LogClosed("the event log is closed")

    def _has(self, partition: int) -> bool:
        return 0 <= partition < self._topics.partitions

    def _cursor(self, partition: int) -> Cursor:
        cursor = self._cursors.get(partition)
        if cursor is None:
            options: dict[str, Any] = client_options(self._kafka)
            cursor = self._cursors[partition] = Cursor(options, self._kafka.deliveries, partition, self._bounds)
        return cursor

    async def _bounds(self, partition: int) -> tuple[int, int]:
        self._open()
        asked = TopicPartition(self._kafka.deliveries, partition)
        with kafka_errors("does not say where the log ends"):
            async with asyncio.timeout(2 * REQUEST_S):
                first, end = await asyncio.gather(
                    self._asking.beginning_offsets([asked]), self._asking.end_offsets([asked])
                )
        return first[asked], end[asked]


async def _all(futures: Sequence["asyncio.Future[int]"]) -> Sequence[int]:
    """Every result; the first failure once all are settled, so that none is left unheard."""
    found = await asyncio.gather(*futures, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException):
            raise each
    return [each for each in found if isinstance(each, int)]
