"""The relay: publishes what the outbox of a partition holds, in its order, and takes it out once it is durable.

Guarantee: everything that was committed is published at least once, in order, without a gap. A relay that dies between
publishing and taking out leaves its successor the same events, with the same ids. Only the owner of a partition relays;
one that was replaced finds its claim void before it publishes more.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from alertline.eventlog.port import LogUnavailable
from alertline.eventlog.publishing import Message, Publisher
from alertline.incidents.memory.archive import Archive
from alertline.incidents.model import IncidentFacts
from alertline.incidents.policy import Policy
from alertline.store.failures import StoreUnavailable
from alertline.store.outbox import CONTENT_TYPE, Telling, tells
from alertline.store.port import Batch, Claim, Fenced, Loaded
from consumers.runner import Writer

__all__ = ["Outbox", "Relay", "Relaying", "message_of"]

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 500
_LOOK_S: Final = 1.0
# what is committed meanwhile goes with the next round: each is two transactions and an append
_TOGETHER_S: Final = 0.25
_AGAIN_S: Final = 0.25
_LONGEST_AGAIN_S: Final = 8.0
_HEADERS: Final = (("content-type", CONTENT_TYPE),)


class Outbox(Protocol):
    """What a relay needs of the store."""

    async def waiting(self, claim: Claim, limit: int) -> Sequence[Telling]:
        """The next events of the claim's partition, in their order."""
        ...

    async def told(self, claim: Claim, last: Telling) -> None:
        """Take out all up to this one."""
        ...


def message_of(telling: Telling, topic: str) -> Message:
    """The event as it is published: its key is the incident, of which the topic keeps the newest."""
    return Message(topic, telling.incident, telling.body.encode(), _HEADERS)


class Relay:
    """Relays one partition in the name of a claim on it."""

    def __init__(self, outbox: Outbox, publisher: Publisher, topic: str, claim: Claim) -> None:
        self._outbox, self._publisher, self._topic, self._claim = outbox, publisher, topic, claim
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()

    def wake(self) -> None:
        """Look at once: a batch was committed."""
        self._news.set()

    def stop(self) -> None:
        """Finish what is at hand, then return from `run`."""
        self._stopping.set()
        self._news.set()

    async def relay(self) -> int:
        """Publish what waits, as much as is done at once; how much that was.

        Raises:
            Fenced: the claim is void; StoreUnavailable, LogUnavailable: not now.
        """
        waiting = await self._outbox.waiting(self._claim, _AT_ONCE)
        if waiting:
            await self._publisher.publish([message_of(each, self._topic) for each in waiting])
            await self._outbox.told(self._claim, waiting[-1])
        return len(waiting)

    async def run(self) -> None:
        """Relay until stopped, or until somebody else has taken the partition over."""
        pause = _AGAIN_S
        while not self._stopping.is_set():
            self._news.clear()
            try:
                done = await self.relay()
            except Fenced as error:
                log.info("relay.replaced", reason=str(error))
                return
            except (StoreUnavailable, LogUnavailable) as error:
                log.warning("relay.waits", partition=self._claim.partition, reason=str(error), seconds=pause)
                await _either(self._stopping, pause)  # a batch that was committed meanwhile changes nothing
                pause = min(2 * pause, _LONGEST_AGAIN_S)
            else:
                pause = _AGAIN_S
                if done < _AT_ONCE:
                    await _either(self._stopping, _TOGETHER_S)
                    await _either(self._news, _LOOK_S)


class Relaying:
    """A runner's writer beside which the partition is relayed, in the name of the claim that the runner has."""

    def __init__(self, writer: Writer, outbox: Outbox, publisher: Publisher, topic: str) -> None:
        self._writer, self._outbox, self._publisher, self._topic = writer, outbox, publisher, topic
        self._relays: dict[int, tuple[Relay, asyncio.Task[None]]] = {}

    async def claim(self, log_id: str, partition: int, owner: str) -> Claim:
        """Take the partition over, and relay it from here on."""
        claim = await self._writer.claim(log_id, partition, owner)
        await self.end(partition)
        relay = Relay(self._outbox, self._publisher, self._topic, claim)
        self._relays[partition] = relay, asyncio.create_task(relay.run())
        return claim

    async def load(self, claim: Claim, policy: Policy) -> Loaded:
        """Everything to start from."""
        return await self._writer.load(claim, policy)

    async def recalling(self, work: Callable[[Callable[[str], Archive]], Batch]) -> Batch:
        """What is not in memory any more is asked of the writer's archives."""
        return await self._writer.recalling(work)

    async def check(self, claim: Claim) -> None:
        """As the writer says."""
        await self._writer.check(claim)

    async def untold(self, claim: Claim, after: str) -> IncidentFacts | None:
        """As the writer says."""
        return await self._writer.untold(claim, after)

    async def commit(self, batch: Batch) -> None:
        """Write a batch; what it tells is relayed at once. Most batches tell nothing: their alerts only repeat."""
        await self._writer.commit(batch)
        if batch.claim.partition in self._relays and tells(batch):
            self._relays[batch.claim.partition][0].wake()

    async def end(self, partition: int) -> None:
        """Relay the partition no more; what is at hand is finished."""
        if partition in self._relays:
            relay, task = self._relays.pop(partition)
            relay.stop()
            await task

    async def close(self) -> None:
        """Relay nothing more; what is at hand is finished."""
        for partition in list(self._relays):
            await self.end(partition)


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, or so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
