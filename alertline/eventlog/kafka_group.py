"""Which partitions are this process's: static membership in a consumer group.

The group only hands out partitions. It reads nothing and commits nothing: positions are the store's, and so is the
fence against a member that is replaced without knowing it. A member that comes back under its name within the session
timeout gets its partitions back without the others being disturbed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from alertline.cluster import Kafka
from alertline.eventlog.kafka_client import client_options, ended, kafka_errors, new_consumer
from alertline.eventlog.port import LogUnavailable

__all__ = ["Membership"]

log = structlog.get_logger(__name__)

_HEARTBEAT_MS: Final = 1_000  # so soon it is noticed that somebody came or went
_LOOK_MS: Final = 500
_JOIN_S: Final = 60.0  # the first of a group waits for others, by the broker's setting 3 s
_AGAIN_S: Final = 2.0
_IDLE_MS: Final = 24 * 3600 * 1000  # nothing is polled here, and that is no sign of death

Assigned = Callable[[frozenset[int]], Awaitable[None]]
Revoked = Callable[[], Awaitable[None]]


class Membership:
    """One member of the group of correlators.

    Args:
        instance: its name, the same after a restart, and nobody else's.
        on_revoked: awaited before partitions may go to others: let nothing be half done when it returns.
        on_assigned: gets all partitions that are this member's from now on.

    Attributes:
        problem: why it is no member now; None while it is one.
    """

    def __init__(self, kafka: Kafka, instance: str, on_revoked: Revoked, on_assigned: Assigned) -> None:
        self._kafka, self._instance = kafka, instance
        self._listener = _Listener(self, on_revoked, on_assigned)
        self._consumer: AIOKafkaConsumer | None = None
        self.problem: str | None = "joining the group"

    async def run(self) -> None:
        """Be a member until cancelled; whatever fails, it joins again."""
        while True:
            try:
                with kafka_errors("the consumer group"):
                    await self._belong()
            except LogUnavailable as error:
                self.problem = str(error)
                log.warning("kafka.group", instance=self._instance, reason=str(error))
            await asyncio.sleep(_AGAIN_S)

    async def _belong(self) -> None:
        session_ms = int(self._kafka.session_s * 1000)
        consumer = self._consumer = new_consumer(
            client_options(self._kafka),
            group_id=self._kafka.group,
            group_instance_id=self._instance,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(_HEARTBEAT_MS, session_ms // 4),
            max_poll_interval_ms=_IDLE_MS,
            max_partition_fetch_bytes=1,
            partition_assignment_strategy=(RangePartitionAssignor,),
        )
        consumer.subscribe([self._kafka.deliveries], listener=self._listener)
        try:
            async with asyncio.timeout(_JOIN_S):
                await consumer.start()
            while True:
                await consumer.getmany(timeout_ms=_LOOK_MS)  # gives nothing, but tells what is wrong
        finally:
            self._consumer = None
            await ended(consumer.stop())

    def pause(self, partitions: set[TopicPartition]) -> None:
        """Fetch nothing of them here."""
        if self._consumer is not None:
            self._consumer.pause(*partitions)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    def __init__(self, member: Membership, on_revoked: Revoked, on_assigned: Assigned) -> None:
        self._member, self._revoked, self._assigned = member, on_revoked, on_assigned

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._revoked()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._member.pause(assigned)
        partitions = frozenset(each.partition for each in assigned)
        log.info("kafka.assigned", partitions=sorted(partitions))
        self._member.problem = None
        await self._assigned(partitions)
