"""Putting a configuration in force: it is appended to every stream in which another one holds."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec

from alertline.config import Settings
from alertline.eventlog.port import EventLog
from alertline.store.reader import StoreReader
from ingest.integrations import DEFAULT_STREAM
from schemas.configuration import Configuration, digest_of
from schemas.records import Configured, configured, decode, encode

__all__ = ["InForce", "configure", "streams_of"]

_BATCH: Final = 1000
_MARK: Final = b'"record":"configuration"'
_MARKED: Final = 40  # bytes of a record in which its kind stands
_BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)


class InForce(msgspec.Struct, frozen=True):
    """What holds from now on.

    Attributes:
        records: one a stream; changed: the streams in which it was appended just now.
    """

    records: list[Configured]
    changed: list[str]


def streams_of(settings: Settings) -> set[str]:
    """Every stream that deliveries can come to: a stream is known before its first delivery."""
    return {DEFAULT_STREAM, *(each.stream for each in settings.integrations.values())}


async def configure(
    log: EventLog, store: StoreReader, configuration: Configuration, streams: Iterable[str], at: datetime | None
) -> InForce:
    """Let a configuration hold in the given streams and in all that there are, from the end of the log on.

    Args:
        at: the present moment; None where log time is played: then it stays where each stream's is.
    """
    times = await store.log_times()
    newest = await _newest(log, store)
    records, changed = [], []
    for stream in sorted({*streams, *times, *newest}):
        began = at or times.get(stream, _BEFORE_ALL)
        record = configured(stream, began, configuration)
        records.append(record)
        if newest.get(stream, _DEFAULT) != record.digest:
            await log.append(stream, encode(record))
            changed.append(stream)
    return InForce(records, changed)


_DEFAULT: Final = digest_of(Configuration())
"""What holds in a stream of whose configuration the log says nothing."""


async def _newest(log: EventLog, store: StoreReader) -> dict[str, str]:
    """The digest of what is configured last in each stream: in the store, or in what it has not applied yet."""
    found = await store.digests()
    for partition in await log.partitions():
        offset, end = await store.applied(partition), await log.end(partition)
        while offset < end and (records := await log.read(partition, offset, _BATCH)):
            for each in records:
                found.setdefault(each.stream, _DEFAULT)
                if _MARK in each.payload[:_MARKED]:
                    record = decode(each.payload)
                    found[each.stream] = record.digest if isinstance(record, Configured) else _DEFAULT
            offset = records[-1].position.next_offset
    return found
