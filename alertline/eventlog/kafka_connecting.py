"""A Kafka log that may be away when a process starts, and at any time after: every use then says LogUnavailable.

A process that receives must start and take deliveries (it spools them) though its cluster is away; one that shows
incidents can show them. So the connection is made in the background, and somebody always knows whether it is there.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import structlog

from alertline.cluster import Kafka
from alertline.eventlog.port import LogClosed, LogRecord, LogUnavailable, Position, UnsupportedLog
from alertline.eventlog.publishing import Message

if TYPE_CHECKING:
    from alertline.eventlog.kafka import KafkaLog

__all__ = ["ConnectingLog"]

log = structlog.get_logger(__name__)

_FIRST_S: Final = 3.0
_AGAIN_S: Final = 1.0
_LOOK_S: Final = 2.0
_ANSWER_S: Final = 3.0


class ConnectingLog:
    """An `EventLog` and `Publisher` that becomes the cluster's as soon as that can be reached.

    Attributes:
        problem: what is wrong with the cluster, as far as is known; None: nothing.
    """

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._log: KafkaLog | None = None
        self._task: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self._closed = False
        self._warned: str | None = None
        self.problem: str | None = "Kafka: not connected yet"

    async def open(self) -> "ConnectingLog":
        """Begin to connect; returns when that is done, or is seen to take longer.

        Raises:
            UnsupportedLog: a topic is there that cannot hold what we promise.
        """
        self._task = asyncio.create_task(self._keep())
        connected = asyncio.create_task(self._connected.wait())
        await asyncio.wait((self._task, connected), timeout=_FIRST_S, return_when=asyncio.FIRST_COMPLETED)
        connected.cancel()
        if self._task.done():
            self._task.result()
        return self

    async def _keep(self) -> None:
        from alertline.eventlog.kafka import KafkaLog  # only here: whoever has no cluster need not load its client

        while self._log is None:
            try:
                self._log = await KafkaLog.open(self._kafka)
            except LogUnavailable as error:
                self._say(str(error))
                await asyncio.sleep(_AGAIN_S)
            except UnsupportedLog as error:
                self._say(str(error))
                raise
        self._connected.set()
        self._say(None)
        while True:
            await asyncio.sleep(_LOOK_S)
            await self._look(self._log)

    async def _look(self, connected: "KafkaLog") -> None:
        try:
            async with asyncio.timeout(_ANSWER_S):
                await connected.end(0)
        except (LogUnavailable, TimeoutError) as error:
            self._say(str(error) or "Kafka: no answer")
        else:
            self._say(None)

    def _say(self, problem: str | None) -> None:
        if problem is None and self.problem is not None:
            log.info("kafka.reachable")
        elif problem is not None and problem != self._warned:
            log.warning("kafka.away", reason=problem)
        self.problem = self._warned = problem

    @property
    def log_id(self) -> str:
        """The identity of the log.

        Raises:
            LogUnavailable: nobody knows yet.
        """
        return self._now().log_id

    async def partitions(self) -> Sequence[int]:
        """All partitions, in order."""
        return await self._now().partitions()

    async def append(self, stream: str, payload: bytes) -> Position:
        """Append one record; return when it is durable."""
        return await self._now().append(stream, payload)

    async def append_all(self, records: Iterable[tuple[str, bytes]]) -> Sequence[Position]:
        """Append several, those of a stream in this order; return when all are durable."""
        return await self._now().append_all(records)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish messages; return when all are durable."""
        await self._now().publish(messages)

    async def read(self, partition: int, next_offset: int, limit: int) -> Sequence[LogRecord]:
        """Read up to `limit` records from `next_offset` on, in order."""
        return await self._now().read(partition, next_offset, limit)

    async def wait(self, partition: int, next_offset: int, timeout_s: float) -> bool:
        """Wait until a record at or after `next_offset` exists, at most `timeout_s` seconds; whether one does."""
        return await self._now().wait(partition, next_offset, timeout_s)

    async def begin(self, partition: int) -> int:
        """Before which offset records are kept no longer; 0 where none ever went."""
        return await self._now().begin(partition)

    async def end(self, partition: int) -> int:
        """The next offset that will be given out."""
        return await self._now().end(partition)

    async def close(self) -> None:
        """Close; closing twice is harmless."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._log is not None:
            await self._log.close()

    def _now(self) -> "KafkaLog":
        if self._closed:
            raise LogClosed("the event log is closed")
        if self._log is None:
            raise LogUnavailable(self.problem or "Kafka: not connected yet")
        return self._log
