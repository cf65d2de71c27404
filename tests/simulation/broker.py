"""The log of the simulation: a broker with partitions that goes away, loses answers and takes records twice.

What it said is durable stays, in its order. A record whose answer was lost is there all the same, one that was under
way when its sender gave up may come later, and a client that sent something again may have made two records of it.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final
from zlib import crc32

from alertline.eventlog.news import News
from alertline.eventlog.port import LogClosed, LogRecord, LogUnavailable, Position
from alertline.eventlog.publishing import Message
from tests.simulation.loop import Process, current
from tests.simulation.world import Gone, World

__all__ = ["Broker", "LogClient"]

_FIRST: Final = 1
_REQUEST_S: Final = 4.0


class Broker:
    """The cluster.

    Attributes:
        mood: `there`; `refusing`; `silent`: it says nothing, and what is sent may arrive later; `forgetful`: it takes
            records and does not say so.
        published: what was published for other programs, in order.
    """

    def __init__(self, world: World, partitions: int = 1, clock: Callable[[], datetime] | None = None) -> None:
        self.world, self._clock = world, clock or world.now
        self.log_id = "simulated"
        self.partitions: list[list[LogRecord]] = [[] for _ in range(partitions)]
        self.published: list[Message] = []
        self.mood = "there"
        self.news = News()

    def partition_of(self, stream: str) -> int:
        """A stream always lies in one partition."""
        return crc32(stream.encode()) % len(self.partitions)

    def take(self, stream: str, payload: bytes) -> Position:
        """One record more."""
        records = self.partitions[self.partition_of(stream)]
        position = Position(self.partition_of(stream), _FIRST + len(records))
        moment = self._clock()
        if records:
            moment = max(moment, records[-1].appended_at)
        records.append(LogRecord(position, stream, moment, payload))
        self.news.tell()
        return position

    def end(self, partition: int) -> int:
        """The next offset."""
        return _FIRST + len(self.partitions[partition]) if partition < len(self.partitions) else _FIRST

    def leave(self, mood: str, seconds: float) -> None:
        """Be of another mood for some time."""
        self.mood = mood
        self.world.later(seconds, self.come_back)

    def come_back(self) -> None:
        """Be there again."""
        self.mood = "there"

    async def answered(self, what: str) -> None:
        """Reach the broker and be heard, or not.

        Raises:
            LogUnavailable: it refuses, or said nothing for too long.
        """
        await self.world.cross(what)
        if self.mood == "silent":
            await asyncio.sleep(_REQUEST_S)
        if self.mood in ("refusing", "silent") or self.world.chance(0.002):
            raise LogUnavailable("the broker is away")


class LogClient:
    """An `EventLog` and a `Publisher` of one process."""

    def __init__(self, broker: Broker, process: Process | None = None) -> None:
        self._broker, self._process = broker, process or current()
        self._closed = False
        self._news = News()
        self._most = broker.world.choices.choice(((1, 3), (2, 1000), (1000,)))

    @property
    def log_id(self) -> str:
        """The broker's."""
        return self._broker.log_id

    async def partitions(self) -> Sequence[int]:
        """All partitions."""
        return range(len(self._broker.partitions))

    async def append(self, stream: str, payload: bytes) -> Position:
        """Append one record; it may have got there whatever is said.

        Raises:
            LogClosed, LogUnavailable
        """
        (position,) = await self.append_all([(stream, payload)])
        return position

    async def append_all(self, records: Iterable[tuple[str, bytes]]) -> Sequence[Position]:
        """Append several in this order; if it fails, the first of them may be there.

        Raises:
            LogClosed, LogUnavailable
        """
        self._open()
        broker, world, given = self._broker, self._broker.world, list(records)
        if broker.mood == "silent":
            self._send_late(given)
        await broker.answered("log append")
        positions = []
        for stream, payload in given:
            self._alive()
            if world.chance(0.005):
                world.tell("an append of several ends after some")
                raise LogUnavailable("the broker left in the middle")
            positions.append(broker.take(stream, payload))
            if world.chance(0.01):
                world.tell("a record is taken twice")
                broker.take(stream, payload)
        if broker.mood == "forgetful" or world.chance(0.005):
            world.tell("the answer to an append is lost")
            raise LogUnavailable("cut off before the answer")
        await world.cross("log append answered")
        return positions

    async def publish(self, messages: Sequence[Message]) -> None:
        """Durable, in order; some of them may be, where it fails.

        Raises:
            LogUnavailable
        """
        broker, world = self._broker, self._broker.world
        await broker.answered("publish")
        self._alive()
        some = world.chance(0.01) or broker.mood == "forgetful"
        broker.published += messages[: world.choices.randint(0, len(messages))] if some else messages
        if some:
            raise LogUnavailable("cut off before the answer")
        await world.cross("publish answered")

    async def read(self, partition: int, next_offset: int, limit: int) -> Sequence[LogRecord]:
        """Read up to so many from there on; a broker may give fewer.

        Raises:
            LogClosed, LogUnavailable
        """
        self._open()
        await self._broker.answered("log read")
        self._alive()
        if partition >= len(self._broker.partitions):
            return ()
        start = max(0, next_offset - _FIRST)
        if self._broker.world.rough:
            limit = min(limit, self._broker.world.choices.choice(self._most))
        found = self._broker.partitions[partition][start : start + max(0, limit)]
        await self._broker.world.cross("log read answered")
        return found

    async def wait(self, partition: int, next_offset: int, timeout_s: float) -> bool:
        """Wait for a record at or behind the offset.

        Raises:
            LogClosed, LogUnavailable
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            mine, theirs = self._news.listen(), self._broker.news.listen()
            if await self.end(partition) > max(next_offset, _FIRST):
                return True
            if (left := deadline - loop.time()) <= 0:
                return False
            await self._heard(mine, theirs, left)

    async def begin(self, partition: int) -> int:
        """All records are kept.

        Raises:
            LogClosed, LogUnavailable
        """
        self._open()
        await self._broker.answered("log begin")
        return 0

    async def end(self, partition: int) -> int:
        """The next offset.

        Raises:
            LogClosed, LogUnavailable
        """
        self._open()
        await self._broker.answered("log end")
        return self._broker.end(partition)

    async def close(self) -> None:
        """Closed is this client, not the broker."""
        self._closed = True
        self._news.tell()

    async def _heard(self, mine: asyncio.Event, theirs: asyncio.Event, left: float) -> None:
        tasks = [asyncio.ensure_future(each.wait()) for each in (mine, theirs)]
        try:
            await asyncio.wait(tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    def _send_late(self, given: Sequence[tuple[str, bytes]]) -> None:
        """What was under way when its sender gave up may still arrive."""
        world = self._broker.world
        if world.choices.random() < 0.5:
            return
        world.tell("a record is under way for long")
        world.later(
            world.choices.uniform(0.1, 3), lambda: [self._broker.take(stream, payload) for stream, payload in given]
        )

    def _open(self) -> None:
        self._alive()
        if self._closed:
            raise LogClosed("the event log is closed")

    def _alive(self) -> None:
        if self._process is not None and not self._process.alive:
            raise Gone
