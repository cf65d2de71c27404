"""The one producer of a process: every batch is acknowledged by all replicas in sync, and numbered against repeats.

What waits for a partition while a batch is on its way to it becomes the next batch: nobody lingers to fill one, and
under load batches are large by themselves. aiokafka tries a batch again for as long as it takes. What does not come
back after all, from a client that lost its way or a cluster that is away, is what the watchdog is for: a producer whose
oldest batch was not answered for `_HOPELESS_S`, or that says that it cannot go on, is given up and a new one made.
"""

import asyncio
from collections import deque
from typing import Any, Final

import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError
from aiokafka.producer.message_accumulator import BatchBuilder

from alertline.clock import micros, monotonic, now
from alertline.cluster import Kafka
from alertline.eventlog.kafka_client import REQUEST_S, client_options, ended, kafka_errors, new_producer
from alertline.eventlog.kafka_topics import MAX_MESSAGE
from alertline.eventlog.port import LogClosed, LogUnavailable, TooLarge

__all__ = ["SENT_AT", "Outgoing", "Producer"]

log = structlog.get_logger(__name__)

SENT_AT: Final = "alertline-sent-at"  # microseconds since 1970
_BATCH_BYTES: Final = 512 * 1024
_UNCOMPRESSED: Final = 4 * MAX_MESSAGE  # JSON packs at least so much; the brokers' limit is on what was packed
_HOPELESS_S: Final = 10.0
_LOOK_S: Final = 0.5
_FLUSH_S: Final = 5.0


class Outgoing(msgspec.Struct, frozen=True):
    """One record for a partition.

    Attributes:
        timed: whether it says when it was sent, by our clock (`SENT_AT`): the broker's own tells how wrong that is.
    """

    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timed: bool = False


class Producer:
    """Sends; it belongs to the event loop that started it. Start it with `start`."""

    def __init__(self, kafka: Kafka) -> None:
        self._options: dict[str, Any] = client_options(kafka) | {
            "acks": "all",
            "enable_idempotence": True,
            "compression_type": None if kafka.compression == "none" else kafka.compression,
            "max_batch_size": _BATCH_BYTES,
        }
        self._topic = kafka.deliveries
        self._pumps: dict[tuple[str, int], _Pump] = {}
        self._watch: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False
        self._making = asyncio.Lock()
        self.current: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect.

        Raises:
            LogUnavailable: the cluster does not answer.
        """
        self.current = await self._made()
        self._watch = asyncio.create_task(self._keep())

    async def _made(self) -> AIOKafkaProducer:
        producer = new_producer(self._options)
        with kafka_errors("no connection"):
            try:
                async with asyncio.timeout(REQUEST_S):
                    await producer.start()
                    await producer.partitions_for(self._topic)  # else the first record would have to wait for it
            except BaseException:
                await _end(producer)
                raise
        return producer

    def send(self, topic: str, partition: int, record: Outgoing) -> "asyncio.Future[int]":
        """Hand a record over; those for one partition keep their order. The future gives its offset once it is durable.

        A future that is cancelled before its record is on its way takes it back.

        Raises:
            LogClosed: closed; TooLarge: what nobody can pack.
        """
        if self._closed:
            raise LogClosed("the event log is closed")
        if len(record.value or b"") > _UNCOMPRESSED:
            raise TooLarge(f"Kafka: a record of more than {_UNCOMPRESSED} bytes")
        pump = self._pumps.get((topic, partition))
        if pump is None:
            pump = self._pumps[topic, partition] = _Pump(self, topic, partition)
        return pump.take(record)

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has.

        Raises:
            LogUnavailable: nobody can say now.
        """
        if self.current is None:
            raise LogUnavailable("Kafka: no connection")
        with kafka_errors(f"does not know {topic}"):
            return len(await self.current.partitions_for(topic))

    @property
    def waiting_s(self) -> float:
        """How long the oldest batch has not been answered."""
        began = [pump.since for pump in self._pumps.values() if pump.since is not None]
        return monotonic() - min(began) if began else 0.0

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            if self.current is None or self.waiting_s > _HOPELESS_S:
                await self.replace(self.current)

    async def replace(self, old: AIOKafkaProducer | None) -> None:
        """Give a producer up and make another one, unless that was done already; what it had not sent fails."""
        async with self._making:
            if old is self.current and not self._closed:
                await self._replace(old)

    async def _replace(self, old: AIOKafkaProducer | None) -> None:
        self.current = None
        if old is not None:
            log.warning("kafka.producer_given_up", waiting_s=round(self.waiting_s, 1))
            task = asyncio.create_task(_end(old))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        try:
            self.current = await self._made()
        except LogUnavailable as error:
            log.warning("kafka.unreachable", reason=str(error))
        else:
            log.info("kafka.producer_made")

    async def close(self) -> None:
        """Let what was handed over become durable, at most for some seconds, then close."""
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if tasks := [pump.task for pump in self._pumps.values() if pump.task is not None]:
            await asyncio.wait(tasks, timeout=_FLUSH_S)
        old, self.current = self.current, None
        if old is not None:
            await _end(old)
        await asyncio.gather(*self._ending, *tasks, return_exceptions=True)


class _Pump:
    """What waits for one partition, and the batch that is on its way.

    Attributes:
        since: when that batch was handed to the client; None: none is.
    """

    def __init__(self, owner: Producer, topic: str, partition: int) -> None:
        self._owner, self._topic, self._partition = owner, topic, partition
        self._waiting: deque[tuple[Outgoing, asyncio.Future[int]]] = deque()
        self._loop = asyncio.get_running_loop()
        self.task: asyncio.Task[None] | None = None
        self.since: float | None = None

    def take(self, record: Outgoing) -> "asyncio.Future[int]":
        future: asyncio.Future[int] = self._loop.create_future()
        self._waiting.append((record, future))
        if self.task is None:
            self.task = self._loop.create_task(self._run())  # begins after this turn: what comes in it goes together
        return future

    async def _run(self) -> None:
        try:
            while self._waiting:
                if self._owner.current is None:
                    self._fail([future for _, future in self._waiting], LogUnavailable("Kafka: no connection"))
                    self._waiting.clear()
                    return
                await self._send(self._owner.current)
        finally:
            self.task = None

    async def _send(self, producer: AIOKafkaProducer) -> None:
        batch: BatchBuilder = producer.create_batch()
        futures = self._fill(batch)
        if batch.size() > MAX_MESSAGE and len(batch._build()) > MAX_MESSAGE:
            self._fail(futures, TooLarge(f"Kafka: a record of more than {MAX_MESSAGE} bytes, packed"))
            return
        if not futures:
            return
        self.since = monotonic()
        try:
            with kafka_errors("not acknowledged"):
                answer = await (await producer.send_batch(batch, self._topic, partition=self._partition))
        except LogUnavailable as error:
            self._fail(futures, error)
            if not getattr(error.__cause__, "retriable", True):
                await self._owner.replace(producer)  # its numbers no longer fit: it would be refused from now on
            return
        finally:
            self.since = None
        if answer.offset < 0:  # the broker knows the batch already and has forgotten where it lies
            self._fail(futures, LogUnavailable("Kafka: it does not say where the records lie"))
            return
        for offset, future in enumerate(futures, answer.offset):
            if not future.done():
                future.set_result(offset)

    def _fill(self, batch: BatchBuilder) -> list["asyncio.Future[int]"]:
        """Move into the batch what fits: one record at least, however large."""
        futures, sent = [], (SENT_AT, str(micros(now())).encode())
        while self._waiting:
            record, future = self._waiting[0]
            if not future.done():
                headers = [*record.headers, sent] if record.timed else list(record.headers)
                if batch.append(timestamp=None, key=record.key, value=record.value, headers=headers) is None:
                    break
                futures.append(future)
            self._waiting.popleft()
        return futures

    def _fail(self, futures: list["asyncio.Future[int]"], error: LogUnavailable) -> None:
        for future in futures:
            if not future.done():
                future.set_exception(type(error)(str(error)))  # one each: a traceback grows with every raise


async def _end(producer: AIOKafkaProducer) -> None:
    """Close a producer in any state: left alone it would wait for as long as its cluster is away."""
    producer._message_accumulator.fail_all(KafkaConnectionError("given up"))
    await ended(producer.stop(), 2 * REQUEST_S)
