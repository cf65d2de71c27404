"""Clients of a broker that freezes, and members of a group that come back: on a broker of the module's own."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from alertline.cluster import Kafka
from alertline.eventlog.kafka import KafkaLog
from alertline.eventlog.kafka_group import Membership
from alertline.eventlog.port import LogUnavailable
from tests.support import kafka as kafka_for_tests
from tests.support.kafka_jars import Broker, cluster

pytestmark = pytest.mark.skipif(
    kafka_for_tests.kind() != "real", reason="freezes a broker of its own: needs Java and Maven"
)
BOUND_S = 60.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """It runs."""
    (made,) = cluster(tmp_path_factory.mktemp("broker"))
    yield made
    made.kill()


async def test_a_producer_without_an_answer_is_given_up(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits is told so; another producer is made, and serves whoever comes when the broker is back."""
    monkeypatch.setattr("alertline.eventlog.kafka_producer._HOPELESS_S", 0.5)
    log = await KafkaLog.open(kafka_for_tests.settings(broker.address))
    try:
        await log.append("s", b"1")
        before = log._producer.current
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(BOUND_S):
                with pytest.raises(LogUnavailable):
                    await log.append("s", b"2")
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        async with asyncio.timeout(BOUND_S):
            while log._producer.current in (None, before):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
        position = await log.append("s", b"3")
        assert [each.payload for each in await log.read(0, position.offset, 9)] == [b"3"]
    finally:
        await log.close()


class Member:
    """A member of the group, with all that it was told."""

    def __init__(self, kafka: Kafka, name: str) -> None:
        self.given: list[frozenset[int]] = []
        self._membership = Membership(kafka, name, self._revoked, self._assigned)
        self._task = asyncio.create_task(self._membership.run())

    async def _assigned(self, partitions: frozenset[int]) -> None:
        self.given.append(partitions)

    async def _revoked(self) -> None:
        pass

    async def has(self, count: int) -> frozenset[int]:
        """Wait until it has so many partitions."""
        async with asyncio.timeout(BOUND_S):
            while not self.given or len(self.given[-1]) != count:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
        return self.given[-1]

    async def end(self) -> None:
        """It ends, and says nothing to the group."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_a_member_that_comes_back_disturbs_nobody(broker: Broker) -> None:
    """Under its name, within the session, it gets its partitions back; the others are not even asked."""
    kafka = kafka_for_tests.settings(broker.address, partitions=4, session="30s")
    log = await KafkaLog.open(kafka)  # makes the topics
    await log.close()
    members = [Member(kafka, "one"), Member(kafka, "two")]
    own, others = await members[0].has(2), await members[1].has(2)
    told = len(members[1].given)
    await members[0].end()
    again = Member(kafka, "one")
    try:
        assert await again.has(2) == own
        assert (members[1].given[told:], members[1].given[-1]) == ([], others)
    finally:
        await again.end()
        await members[1].end()
