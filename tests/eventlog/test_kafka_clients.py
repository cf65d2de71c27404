"""Clients of a broker that freezes, and members of a group that come back: on a broker of the module's own."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest
from aiokafka.client import AIOKafkaClient

from alertline.clock import monotonic
from alertline.cluster import Kafka
from alertline.eventlog.kafka import KafkaLog
from alertline.eventlog.kafka_client import client_options, new_consumer
from alertline.eventlog.kafka_group import Membership
from alertline.eventlog.port import LogUnavailable
from tests.support import kafka as kafka_for_tests
from tests.support.kafka_jars import Broker, cluster, free_port

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


def misled(client: AIOKafkaClient) -> None:
    """Let a client know its broker only where it is no more, as after a move, or the loss of all but others."""
    for connection in client._conns.values():
        connection.close()
    client._conns.clear()
    client.cluster._brokers = {
        number: known._replace(port=free_port()) for number, known in client.cluster._brokers.items()
    }


async def test_whoever_knows_no_living_broker_finds_the_cluster_again(broker: Broker) -> None:
    """By the servers of the settings, and without asking dead brokers as fast as they refuse it."""
    kafka = kafka_for_tests.settings(broker.address)
    log = await KafkaLog.open(kafka)
    try:
        await log.append("s", b"1")
        assert len(await log.read(0, 0, 9)) == 1
        consumer = log._cursors[0]._consumer
        assert consumer is not None
        assert log._producer.current is not None
        before = log._producer.current
        for client in (log._producer.current.client, log._asking._client, consumer._client):
            misled(client)
        async with asyncio.timeout(BOUND_S):
            await log.append("s", b"2")
            assert log._producer.current is before
            assert await log.end(0) == 2
            assert [each.payload for each in await log.read(0, 1, 9)] == [b"2"]
    finally:
        await log.close()


async def test_dead_brokers_are_not_asked_without_a_pause() -> None:
    """However often somebody wants to know where the leader is."""
    consumer = new_consumer(client_options(kafka_for_tests.settings(f"127.0.0.1:{free_port()}")))
    client, asked, began = consumer._client, 0, monotonic()
    while monotonic() - began < 0.5:
        assert not await client._metadata_update(client.cluster, None)
        asked += 1
    await consumer.stop()
    assert asked <= 6


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
