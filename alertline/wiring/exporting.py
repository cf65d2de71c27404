"""The log as it was read: what `export` writes and a replay takes in again."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime

from alertline.errors import AlertlineError
from alertline.eventlog.port import EventLog
from consumers.applying import on_log_time
from schemas.records import Configured, Delivery, Record, UnreadableRecord, decode

__all__ = ["exported", "selected"]

_BATCH = 500


async def exported(log: EventLog, on_record: Callable[[], None]) -> AsyncIterator[Record]:
    """Every record, partition by partition, in log order, with its receive time as the correlator took it.

    Raises:
        AlertlineError: a record cannot be read by this version: an export must not leave out anything silently.
    """
    for partition in await log.partitions():
        end, offset = await log.end(partition), 0
        while offset < end:
            records = await log.read(partition, offset, _BATCH)
            if not records:
                break
            for each in records:
                try:
                    record = decode(each.payload)
                except UnreadableRecord as error:
                    raise AlertlineError(f"record {each.position.offset} of the log: {error}") from error
                on_record()
                yield on_log_time(record, each.appended_at, each.sent_at)
            offset = records[-1].position.next_offset


async def selected(
    records: AsyncIterator[Record], stream: str | None, since: datetime | None, until: datetime | None
) -> AsyncIterator[Record]:
    """Only those of a stream, from a time on, before a time; the configuration that held then goes before them."""
    held: dict[str, Configured] = {}
    async for record in records:
        at = record.received_at if isinstance(record, Delivery) else record.at
        if stream not in (None, record.stream) or (until and at >= until):
            continue
        if since and at < since:
            if isinstance(record, Configured):
                held[record.stream] = record
            continue
        before = held.pop(record.stream, None)
        if before is not None:
            yield before
        yield record
