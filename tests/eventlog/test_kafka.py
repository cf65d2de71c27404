"""What only the Kafka log has to promise: identity, topics, where a stream lies, and brokers that come and go."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from structlog.testing import capture_logs

from alertline.cluster import Kafka
from alertline.eventlog.kafka import KafkaLog, partition_of
from alertline.eventlog.kafka_client import client_options
from alertline.eventlog.kafka_topics import MAX_MESSAGE
from alertline.eventlog.port import LogUnavailable, UnsupportedLog
from alertline.eventlog.publishing import Message
from tests.support.kafka import kind, settings

LARGE = {"max.message.bytes": str(MAX_MESSAGE)}
STAMPED = {"message.timestamp.type": "LogAppendTime"}

Open = Callable[[Kafka], Awaitable[KafkaLog]]

real_only = pytest.mark.skipif(
    kind() == "mock", reason="needs a real Kafka: no Java or no Maven here (or set ALERTLINE_TEST_KAFKA)"
)


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Opens logs, and closes them at the end."""
    logs: list[KafkaLog] = []

    async def open_one(kafka: Kafka) -> KafkaLog:
        logs.append(await KafkaLog.open(kafka))
        return logs[-1]

    yield open_one
    for log in logs:
        await log.close()


@pytest.fixture
async def admin(kafka_address: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """What an operator has in hand."""
    client = AIOKafkaAdminClient(**client_options(Kafka(servers=kafka_address)))
    await client.start()
    yield client
    await client.close()


async def made(admin: AIOKafkaAdminClient, topic: str, config: dict[str, str], partitions: int = 1) -> None:
    """Make a topic by hand."""
    await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=config)])


@real_only
async def test_a_topic_made_anew_is_another_log(kafka_address: str, opened: Open, admin: AIOKafkaAdminClient) -> None:
    """The id changes with the topic, though its name and its offsets are the same."""
    kafka = settings(kafka_address)
    first = await opened(kafka)
    await first.append("s", b"x")
    await first.close()
    await admin.delete_topics([kafka.deliveries])
    second: KafkaLog | None = None
    async with asyncio.timeout(20):
        while second is None:  # deleting takes a moment
            with suppress(LogUnavailable, UnsupportedLog):
                second = await opened(kafka)

    assert second.log_id != first.log_id
    assert second.log_id.partition("/")[0] == first.log_id.partition("/")[0]


@real_only
async def test_partitions_that_are_added_are_not_used(
    kafka_address: str, opened: Open, admin: AIOKafkaAdminClient
) -> None:
    """Every stream stays where it lies, for whoever comes later too, and it is the same log."""
    kafka = settings(kafka_address, partitions=2)
    before = await opened(kafka)
    placed = {name: (await before.append(name, b"x")).partition for name in "abcdef"}
    await admin.create_partitions({kafka.deliveries: NewPartitions(5)})
    async with asyncio.timeout(20):
        while len((await admin.describe_topics([kafka.deliveries]))[0]["partitions"]) < 5:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    with capture_logs() as said:
        after = await opened(kafka)

    assert after.log_id == before.log_id
    assert list(await after.partitions()) == [0, 1]
    assert {name: (await after.append(name, b"x")).partition for name in "abcdef"} == placed
    assert [(each["there"], each["used"]) for each in said if each["event"] == "kafka.more_partitions"] == [(5, 2)]


@real_only
async def test_fewer_partitions_are_another_log(kafka_address: str, opened: Open, admin: AIOKafkaAdminClient) -> None:
    """A stream would lie elsewhere: a topic with fewer than the settings name is used as it is, under its own name."""
    one, three = settings(kafka_address, partitions=9), settings(kafka_address, partitions=9)
    await made(admin, one.deliveries, LARGE | STAMPED, 1)
    await made(admin, three.deliveries, LARGE | STAMPED, 3)

    logs = [await opened(one), await opened(three)]

    assert [list(await log.partitions()) for log in logs] == [[0], [0, 1, 2]]
    assert [log.log_id.rpartition("/")[2] for log in logs] == ["1", "3"]


@real_only
@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "max.message.bytes"),
        (LARGE, "message.timestamp.type"),
        (LARGE | STAMPED | {"cleanup.policy": "compact"}, "cleanup.policy"),
    ],
)
async def test_a_topic_that_cannot_hold_what_we_promise_is_refused(
    kafka_address: str, opened: Open, admin: AIOKafkaAdminClient, config: dict[str, str], said: str
) -> None:
    """It is said at the start, with the name of what is wrong."""
    kafka = settings(kafka_address)
    await made(admin, kafka.deliveries, config)

    with pytest.raises(UnsupportedLog, match=said):
        await opened(kafka)


@real_only
async def test_a_full_delivery_fits(kafka_address: str, opened: Open) -> None:
    """A record as large as the limit goes through; a larger one is refused and harms nobody after it."""
    log = await opened(settings(kafka_address, compression="none"))
    position = await log.append("s", bytes(MAX_MESSAGE - 200))
    with pytest.raises(LogUnavailable, match="4194304 bytes"):
        await log.append("s", bytes(MAX_MESSAGE + 1))
    after = await log.append("s", b"small")

    assert [len(each.payload) for each in await log.read(0, position.offset, 9)] == [MAX_MESSAGE - 200, 5]
    assert after.offset == position.next_offset


async def test_a_stream_lies_where_every_kafka_client_has_it(kafka_address: str, opened: Open) -> None:
    """The partition follows from the stream's name: the numbers are those of Kafka's own Java client."""
    assert [partition_of(stream, 12) for stream in ("default", "a", "payments", "")] == [7, 4, 8, 9]
    log = await opened(settings(kafka_address, partitions=4))
    streams = [f"s{number}" for number in range(20)]

    positions = dict(zip(streams, await log.append_all([(each, each.encode()) for each in streams]), strict=True))

    count = len(await log.partitions())
    assert {stream: partition_of(stream, count) for stream in streams} == {
        stream: position.partition for stream, position in positions.items()
    }
    for stream, position in positions.items():
        (record,) = await log.read(position.partition, position.offset, 1)
        assert (record.stream, record.payload) == (stream, stream.encode())


@pytest.mark.parametrize("compression", ["none", "gzip", "lz4", "snappy", "zstd"])
async def test_every_compression_reads_back(kafka_address: str, opened: Open, compression: str) -> None:
    """What was packed is unpacked."""
    log = await opened(settings(kafka_address, compression=compression))
    position = await log.append("s", payload := b"{} " * 1000)

    (record,) = await log.read(position.partition, position.offset, 1)
    assert record.payload == payload


async def test_reading_beyond_the_end_is_noticed(kafka_address: str, opened: Open) -> None:
    """A position that this log never gave out belongs to another one."""
    log = await opened(settings(kafka_address))
    position = await log.append("s", b"x")

    with pytest.raises(UnsupportedLog, match="another log"):
        await log.read(position.partition, position.next_offset + 5, 10)


async def test_messages_are_published_with_key_and_headers(kafka_address: str, opened: Open) -> None:
    """What leaves for other programs arrives there, in order, deletions too."""
    kafka = settings(kafka_address)
    log = await opened(kafka)
    given = [
        Message(kafka.quarantine, "incident", b"one", (("ce_id", b"1"),)),
        Message(kafka.quarantine, "incident", None),
    ]
    await log.publish(given)

    consumer = AIOKafkaConsumer(kafka.quarantine, **client_options(kafka), auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            found = [await consumer.getone() for _ in given]
    finally:
        await consumer.stop()
    assert [(each.key, each.value, each.headers) for each in found] == [
        (each.key.encode(), each.value, each.headers) for each in given
    ]
