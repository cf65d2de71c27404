"""Which deliveries of a recording a person disposed of later: a replay must not read them twice, nor revive them.

A delivery lay in quarantine because the adapter of its day could not read it. Today's may: then its events, and those
of the record that is its second reading, would both count, and what was discarded would come back to life.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from ingest.again import ALL, mark_of, with_marks
from ingest.catalogue import adapters
from ingest.intake import Posted, identified, receive, request_of
from ingest.integrations import Integration
from ingest.reading.json_body import Unreadable, read_json
from ingest.reading.secrets import DISPOSED
from ingest.reading.times import BadTime, read_time
from schemas.records import Delivery
from schemas.vocabulary import CommandName

__all__ = ["DISPOSALS", "Copy", "Items", "as_told", "disposed_by"]

DISPOSALS: Final = (b"alertline-replay-of", CommandName.DISCARD_DELIVERY.encode())
"""One of them stands in every line that tells of a disposal."""

Copy = tuple[str, datetime]
"""A delivery and its receive time."""
Items = tuple[int, ...] | None
"""Those of a batch that had no effect; None: all."""


def disposed_by(posted: Posted, source: str) -> Iterator[tuple[Copy, Items]]:
    """Of which copies a line disposes."""
    mark = mark_of(with_marks({}, posted.headers))
    if mark is not None:
        yield (mark.delivery, posted.received_at), mark.items
    elif source == "alertline":
        yield from _discarded(posted.body)


def _discarded(body: bytes) -> Iterator[tuple[Copy, Items]]:
    try:
        said = read_json(body)
        if not isinstance(said, dict) or said.get("command") != CommandName.DISCARD_DELIVERY:
            return
        at, items = read_time(str(said.get("received_at"))), said.get("indexes")
    except (Unreadable, BadTime):
        return
    if at is not None:
        yield (str(said.get("delivery")), at), None if items is None else tuple(items)


def _ids(posted: Posted, integration: Integration) -> tuple[str, str]:
    """What it may have been called: an adapter that cannot read a body finds no id in it, today's may find one."""
    plain = identified(request_of(posted), integration)[1]
    record = receive(posted, integration, adapters().get(integration.source))
    return plain, record.id if isinstance(record, Delivery) else plain


def as_told(posted: Posted, source: str, disposed: Mapping[Copy, Items]) -> Posted:
    """The delivery of a line; marked, if a person disposed of it later."""
    if all(at != posted.received_at for _, at in disposed):
        return posted
    ids = _ids(posted, Integration(name=posted.integration, source=source))
    found = [copy for name in ids if (copy := (name, posted.received_at)) in disposed]
    if not found:
        return posted
    items = disposed[found[0]]
    mark = ALL if items is None else ",".join(map(str, items))
    return msgspec.structs.replace(posted, headers=(*posted.headers, (DISPOSED, mark)))
