"""Which log and which store the settings name: the files of the data folder, or a Kafka cluster and a database."""

import socket
from collections.abc import Callable
from contextlib import AsyncExitStack

from alertline import telemetry
from alertline.config import Settings
from alertline.errors import AlertlineError
from alertline.eventlog.kafka_connecting import ConnectingLog
from alertline.eventlog.missing import Telling
from alertline.eventlog.port import EventLog, LogRecord, LogUnavailable, UnsupportedLog
from alertline.eventlog.publishing import Message, Publisher
from alertline.eventlog.spool_file import SpoolFile
from alertline.eventlog.spooling import SpoolingLog
from alertline.wiring.closing import named
from alertline.wiring.embedded import folder_of
from consumers.isolating import DeadLetters

__all__ = ["Spooled", "dead_letters", "folder_of", "instance_of", "open_cluster", "open_events", "open_spool"]

Spooled = Callable[[], str | None]
"""Tells why deliveries wait on this machine; None while they do not."""


async def open_cluster(settings: Settings, stack: AsyncExitStack) -> ConnectingLog:
    """Connect to the Kafka cluster, now or as soon as it is there.

    Raises:
        AlertlineError: its topics cannot hold what we promise, or there is a mistake in the settings.
    """
    cluster = ConnectingLog(settings.kafka)
    stack.push_async_callback(named, "event log", cluster.close)
    try:
        return await cluster.open()
    except UnsupportedLog as error:
        raise AlertlineError(str(error)) from error


async def open_events(settings: Settings, stack: AsyncExitStack) -> EventLog:
    """Open the log that the settings name; closed with the stack.

    Raises:
        AlertlineError: it cannot be used.
    """
    if settings.kafka.servers:
        return await open_cluster(settings, stack)
    events = await folder_of(settings).open_log()
    stack.push_async_callback(named, "event log", events.close)
    return events


async def open_spool(
    settings: Settings, cluster: ConnectingLog, telling: Telling | None, stack: AsyncExitStack
) -> SpoolingLog:
    """Open the spool before a cluster; what an earlier process left in it is forwarded.

    `telling` makes the records of what had to be refused.

    Raises:
        AlertlineError: its file cannot be used.
    """
    folder = folder_of(settings)
    number = stack.enter_context(folder.slot("ingest"))
    path = folder.path / f"spool-{number}.db"
    try:
        file = await SpoolFile.open(path, max_bytes=settings.kafka.spool_bytes)
        spool = SpoolingLog(cluster, file, telling=telling)
        stack.push_async_callback(named, "spool", spool.close)
        return await spool.open()
    except (UnsupportedLog, LogUnavailable) as error:
        raise AlertlineError(f"the spool {path}: {error}") from error


def instance_of(settings: Settings, stack: AsyncExitStack) -> str:
    """The name of this process among the correlators: set, or of the host and of the first free number on it."""
    if settings.kafka.instance:
        return settings.kafka.instance
    return f"{socket.gethostname()}-{stack.enter_context(folder_of(settings).slot('correlate'))}"


def dead_letters(settings: Settings, publisher: Publisher) -> DeadLetters:
    """Tell other programs of records that came to nothing: the record as it lies in the log, where, and why."""

    async def tell(record: LogRecord, reason: str) -> None:
        where = {
            "alertline-topic": settings.kafka.deliveries,
            "alertline-partition": str(record.position.partition),
            "alertline-offset": str(record.position.offset),
            "alertline-reason": reason,
        }
        headers = tuple((name, text.encode()) for name, text in where.items())
        telemetry.DEAD_LETTERS.inc()
        await publisher.publish([Message(settings.kafka.quarantine, record.stream, record.payload, headers)])

    return tell
