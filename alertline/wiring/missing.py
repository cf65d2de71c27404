"""The record that tells of what may be missing: a delivery of our own, in that stream, read as any other."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import orjson

from alertline.clock import Clock
from alertline.eventlog.missing import Missing, Telling
from ingest.adapter import Request
from ingest.intake import take
from ingest.integrations import Integrations
from schemas.records import encode
from schemas.vocabulary import ChangeKind

__all__ = ["teller_of_missing"]

# What is near an incident is found by when it began, up to an hour before: so a long stretch is told in pieces.
_PIECE: Final = timedelta(minutes=30)
_MOST: Final = 500


def teller_of_missing(integrations: Integrations, clock: Clock) -> Telling:
    """What makes that record."""

    def tell(missing: Missing) -> bytes:
        integration, adapter = integrations.nearest("alertline", "alertline", missing.stream)
        request = Request(
            body=orjson.dumps([_change(missing.why, first, last) for first, last in _pieces(missing)]),
            headers={"content-type": "application/json", "idempotency-key": f"missing {missing.key}"},
            received_at=clock(),
            ticks=True,  # what only we may say
        )
        return encode(take(request, integration, adapter))

    return tell


def _change(why: str, first: datetime, last: datetime) -> dict[str, object]:
    text = f"deliveries may be missing here: {why}"
    at = {"at": first, "ended_at": last}
    return {"type": "change", "kind": ChangeKind.UNRECORDED, **at, "actor": "alertline", "text": text}


def _pieces(missing: Missing) -> Iterator[tuple[datetime, datetime]]:
    first, piece = missing.first, max(_PIECE, (missing.last - missing.first) / _MOST)
    while missing.last - first > piece:
        yield first, first + piece
        first += piece
    yield first, missing.last
