"""The log as it was read: what `export` writes and a replay takes in again."""

from collections.abc import AsyncIterator

from alertline.errors import AlertlineError
from alertline.eventlog.port import EventLog
from consumers.applying import on_log_time
from schemas.records import Record, UnreadableRecord, decode

__all__ = ["exported"]

_BATCH = 500


async def exported(log: EventLog) -> AsyncIterator[Record]:
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
                yield on_log_time(record, each.appended_at)
            offset = records[-1].position.next_offset
