"""The topics on a Kafka cluster: made where they are missing, checked where they are there, told apart by their ids.

A topic that somebody made by hand must be able to hold what we promise; what it cannot is said in one line at the start
and not when the first large delivery comes.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    NoError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    UnsupportedVersionError,
    for_code,
)

from alertline.clock import monotonic
from alertline.cluster import Kafka
from alertline.eventlog.kafka_client import client_options, kafka_errors
from alertline.eventlog.kafka_identity import topic_id
from alertline.eventlog.port import LogUnavailable, UnsupportedLog

__all__ = ["MAX_MESSAGE", "Topics", "prepare_topics", "topic_settings"]

log = structlog.get_logger(__name__)

MAX_MESSAGE: Final = 4 * 1024 * 1024
"""Bytes: the largest body that is taken (1 MiB by default) with all that was read from it, before compression."""
_COPIES: Final = 3
_KNOWN_S: Final = 5.0
_LOOK_S: Final = 0.05


class Topics(msgspec.Struct, frozen=True):
    """What the cluster holds of ours.

    Attributes:
        log_id: the identity of the log: it changes with the cluster, with the topic and with the number of partitions,
            because that decides where a stream lies.
        partitions: of the topic of deliveries, as many of them as are used.
    """

    log_id: str
    partitions: int


def topic_settings(kafka: Kafka) -> Mapping[str, Mapping[str, str]]:
    """What each topic is made with: the documented values (docs/operations.md)."""
    largest = {"max.message.bytes": str(MAX_MESSAGE)}
    kept = {"cleanup.policy": "delete", "retention.ms": str(kafka.kept_for // timedelta(milliseconds=1))}
    return {
        kafka.deliveries: {**largest, **kept, "message.timestamp.type": "LogAppendTime"},
        kafka.incidents: {**largest, "cleanup.policy": "compact"},
        kafka.quarantine: {**largest, **kept},
    }


async def prepare_topics(kafka: Kafka) -> Topics:
    """Make what is missing, check what is there.

    Raises:
        UnsupportedLog: a topic cannot hold what we promise; LogUnavailable: the cluster does not answer.
    """
    admin = AIOKafkaAdminClient(**client_options(kafka))
    with kafka_errors("no answer"):
        try:
            await admin.start()
            wanted = topic_settings(kafka)
            await _make(admin, kafka, wanted)
            await _check(admin, wanted)
            return await _describe(admin, kafka)
        finally:
            await admin.close()


async def _make(admin: AIOKafkaAdminClient, kafka: Kafka, wanted: Mapping[str, Mapping[str, str]]) -> None:
    there = set(await admin.list_topics())
    missing = [name for name in wanted if name not in there]
    if not missing:
        return
    if await _no_controller(admin):
        return
    copies = kafka.replication or min(_COPIES, len((await admin.describe_cluster())["brokers"]))
    # with three copies a record is durable on two: one broker may be away, and none may be alone
    safe = {"min.insync.replicas": "2"} if copies >= _COPIES else {}
    new = [NewTopic(name, kafka.partitions, copies, topic_configs={**wanted[name], **safe}) for name in missing]
    try:
        answer = await admin.create_topics(new)
    except (IncompatibleBrokerVersion, UnsupportedVersionError):
        return  # a cluster that makes topics by itself when they are used
    for name, code, *said in answer.topic_errors:
        error = for_code(code)
        if error not in (NoError, TopicAlreadyExistsError):
            raise UnsupportedLog(f"Kafka: the topic {name} cannot be made: {next(iter(said), None) or error.__name__}")
        if error is NoError:
            log.info("kafka.topic_made", topic=name, partitions=kafka.partitions, copies=copies)


async def _no_controller(admin: AIOKafkaAdminClient) -> bool:
    """Whether nobody is there who makes topics: just now, or in a cluster that makes them when they are used."""
    await admin._client.force_metadata_update()
    return admin._client.cluster.controller is None


async def _check(admin: AIOKafkaAdminClient, wanted: Mapping[str, Mapping[str, str]]) -> None:
    for topic, found in (await _configs(admin, wanted)).items():
        for problem in _problems(wanted[topic], found):
            raise UnsupportedLog(f"Kafka: the topic {topic} {problem}")
        if found.get("retention.ms", "-1") not in ("-1", kept := wanted[topic].get("retention.ms")) and kept:
            log.info("kafka.retention", topic=topic, retention_ms=found["retention.ms"])


async def _configs(admin: AIOKafkaAdminClient, topics: Iterable[str]) -> dict[str, dict[str, str]]:
    """The settings of topics, as far as we may read them; a new topic is known to all brokers only after a moment."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    deadline = monotonic() + _KNOWN_S
    while True:
        try:
            answers = await admin.describe_configs(resources)
        except (IncompatibleBrokerVersion, UnsupportedVersionError):
            return {}
        told = [each for answer in answers for each in answer.resources]
        unknown = any(for_code(code) is UnknownTopicOrPartitionError for code, *_ in told)
        if not unknown or monotonic() > deadline:
            return {topic: {entry[0]: entry[1] for entry in entries} for _, _, _, topic, entries in told}
        await asyncio.sleep(_LOOK_S)


def _problems(wanted: Mapping[str, str], found: Mapping[str, str]) -> Sequence[str]:
    """What keeps a topic from holding what we promise; a setting that we may not read is taken for right."""
    problems = []
    if int(found.get("max.message.bytes", MAX_MESSAGE)) < MAX_MESSAGE:
        problems.append(f"has max.message.bytes={found['max.message.bytes']}: a full delivery needs {MAX_MESSAGE}")
    fixed = [name for name in ("cleanup.policy", "message.timestamp.type") if name in wanted and name in found]
    problems += [
        f"has {name}={found[name]}: it must be {wanted[name]}" for name in fixed if found[name] != wanted[name]
    ]
    return problems


async def _describe(admin: AIOKafkaAdminClient, kafka: Kafka) -> Topics:
    topic = await _known(admin, kafka.deliveries)
    there = len(topic["partitions"])
    count = min(there, kafka.partitions)
    if there > count:  # somebody added some: with them in use every stream would lie elsewhere, and lose its order
        log.warning("kafka.more_partitions", topic=kafka.deliveries, there=there, used=count)
    elif there < kafka.partitions:
        log.warning("kafka.fewer_partitions", topic=kafka.deliveries, there=there, setting=kafka.partitions)
    cluster = (await admin.describe_cluster()).get("cluster_id") or "cluster"
    identity = await topic_id(admin._client, kafka.deliveries)
    return Topics(f"{cluster}/{identity}/{count}", count)


async def _known(admin: AIOKafkaAdminClient, name: str) -> dict[str, Any]:
    """What is said of a topic, as soon as one broker knows it: a new one is known to all only after a moment."""
    deadline = monotonic() + _KNOWN_S
    while True:
        topic: dict[str, Any] = (await admin.describe_topics([name]))[0]
        if topic["error_code"] == 0 and topic["partitions"]:
            return topic
        if monotonic() > deadline:
            raise LogUnavailable(f"Kafka: the topic {name}: {for_code(topic['error_code']).__name__}")
        await asyncio.sleep(_LOOK_S)
