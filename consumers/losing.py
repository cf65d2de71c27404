"""Records that the log dropped before they were read: never passed over in silence.

It happens to a correlator that was away for longer than the log keeps records, or whose topic somebody shortened. What
is gone cannot be read any more; so it is said in the process's log and counted, and every stream that is known is told,
on the log itself: the incidents of that time show that something may be missing there.
"""

from collections.abc import Iterable
from datetime import datetime

import structlog

from alertline import telemetry
from alertline.clock import Clock
from alertline.eventlog.missing import Missing, Telling
from alertline.eventlog.port import EventLog
from alertline.store.port import Claim

__all__ = ["past_what_is_gone"]

log = structlog.get_logger(__name__)


async def past_what_is_gone(
    events: EventLog, claim: Claim, read_until: Iterable[tuple[str, datetime]], telling: Telling | None, clock: Clock
) -> int:
    """The offset from which there is something to read; all that lies before it and was not read is told of.

    A crash before the read position is written tells it again, with the same key.

    Args:
        read_until: the streams of the partition, each with its log time.
        telling: makes what is told on the log; None: nothing is.

    Raises:
        LogUnavailable: not now.
    """
    begin = await events.begin(claim.partition)
    if begin <= claim.next_offset:
        return claim.next_offset
    if claim.next_offset == 0:  # nobody read this log into this store yet: what it begins with is all there is
        log.warning("correlator.begins_later", partition=claim.partition, first=begin)
        return begin
    count = begin - claim.next_offset
    telemetry.RECORDS_GONE.inc(count)
    log.error("correlator.records_gone", partition=claim.partition, wanted=claim.next_offset, first=begin, count=count)
    kept = await events.read(claim.partition, begin, 1)
    until = kept[0].appended_at if kept else clock()
    why = f"{count} records were dropped from the log before they were read"
    if telling is not None:
        for stream, since in read_until:
            key = f"{claim.log_id}/{claim.partition}/{claim.next_offset}/{stream}"
            await events.append(stream, telling(Missing(stream, since, max(since, until), why, key)))
    return begin
