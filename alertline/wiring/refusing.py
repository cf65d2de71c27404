"""The record that tells of deliveries that were refused: a delivery of our own, in their stream, read as any other."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import orjson

from alertline.clock import Clock
from alertline.eventlog.refusals import Refused, Telling
from ingest.adapter import Request
from ingest.intake import take
from ingest.integrations import Integrations
from schemas.records import encode
from schemas.vocabulary import ChangeKind

__all__ = ["teller_of_refusals"]

# What is near an incident is found by when it began, up to an hour before: so a long outage is told in pieces.
_PIECE: Final = timedelta(minutes=30)


def teller_of_refusals(integrations: Integrations, clock: Clock) -> Telling:
    """What makes that record."""

    def tell(refused: Refused) -> bytes:
        integration, adapter = integrations.nearest("alertline", "alertline", refused.stream)
        request = Request(
            body=orjson.dumps([_change(refused, first, last) for first, last in _pieces(refused)]),
            headers={"content-type": "application/json", "idempotency-key": f"refused {uuid4().hex}"},
            received_at=clock(),
            ticks=True,  # what only we may say
        )
        return encode(take(request, integration, adapter))

    return tell


def _change(refused: Refused, first: datetime, last: datetime) -> dict[str, object]:
    often = "once" if refused.count == 1 else f"{refused.count} times"
    return {
        "type": "change",
        "kind": ChangeKind.UNRECORDED,
        "at": first,
        "ended_at": last,
        "actor": "alertline",
        "text": f"deliveries may be missing here: senders were refused {often}, the log was away and the spool full",
    }


def _pieces(refused: Refused) -> Iterator[tuple[datetime, datetime]]:
    first = refused.first
    while refused.last - first > _PIECE:
        yield first, first + _PIECE
        first += _PIECE
    yield first, refused.last
