"""The outbox: what is told to other programs about incidents, written in the transaction of what it tells of.

One CloudEvent for every incident that a batch changed, with its line of the list as it is from then on. Its id is the
incident's id and version: the same change has the same id, whoever tells it and however often. Versions only grow, and
some may be left out: what changed twice in one batch is told once. Told are decisions about the incident itself, which
every change of it ends with; what an alert only repeats is not told.

The order is (partition, offset, n), that of the decisions: ids that a database gives would be in that of its commits.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec
from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertline.incidents.model import IncidentRow
from alertline.store.engine import reading, writing
from alertline.store.lines import public_summary
from alertline.store.port import Batch, Claim, Fenced, Summary
from alertline.store.tables import outbox, positions

__all__ = ["CONTENT_TYPE", "EVENT_TYPE", "StoreOutbox", "Telling", "tellings", "tells"]

EVENT_TYPE: Final = "alertline.incident.changed.v1"
CONTENT_TYPE: Final = b"application/cloudevents+json; charset=utf-8"

_encode: Final = msgspec.json.Encoder().encode


class Telling(msgspec.Struct, frozen=True):
    """One event that waits to be published: its place in the order, the incident, and the event as JSON."""

    partition: int
    offset: int
    n: int
    incident: str
    body: str


def tells(batch: Batch) -> bool:
    """Whether a batch tells anything: `tellings`, without making it."""
    return any(isinstance(each.decision.row, IncidentRow) for each in batch.decisions)


def tellings(batch: Batch) -> list[Telling]:
    """What a batch tells: of each incident the newest decision about itself, in the order of the log."""
    newest = {each.decision.row.id: each for each in batch.decisions if isinstance(each.decision.row, IncidentRow)}
    lines = {line.id: line for line in batch.summaries}
    places = sorted((each.offset, each.n, id_) for id_, each in newest.items() if id_ in lines)
    return [Telling(batch.claim.partition, offset, n, id_, _event(lines[id_])) for offset, n, id_ in places]


def _event(line: Summary) -> str:
    """The event in CloudEvents' structured JSON: the bytes that are published."""
    return _encode(
        {
            "specversion": "1.0",
            "id": f"{line.id}.{line.version}",
            "source": f"urn:alertline:{quote(line.stream, safe='')}",
            "type": EVENT_TYPE,
            "subject": line.id,
            "time": line.updated_at,
            "datacontenttype": "application/json",
            "partitionkey": line.id,
            "data": public_summary(line),
        }
    ).decode()


class StoreOutbox:
    """What the owner of a partition relays from. It leaves the engine open: whoever made that disposes of it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def waiting(self, claim: Claim, limit: int) -> Sequence[Telling]:
        """The next events of the partition, in their order.

        Raises:
            Fenced: the claim is void; StoreUnavailable: not now.
        """
        query = select(outbox).where(outbox.c.partition == claim.partition).order_by(outbox.c.offset, outbox.c.n)
        async with reading(self._engine) as connection:
            await _hold(connection, claim)
            return [Telling(*row) for row in await connection.execute(query.limit(limit))]

    async def told(self, claim: Claim, last: Telling) -> None:
        """Take out all up to this one: they are published, and durable.

        Raises:
            Fenced: the claim is void, nothing was taken out; StoreUnavailable: not now.
        """
        table = outbox.c
        up_to = or_(table.offset < last.offset, (table.offset == last.offset) & (table.n <= last.n))
        async with writing(self._engine) as connection:
            await _hold(connection, claim)
            await connection.execute(delete(outbox).where(table.partition == claim.partition, up_to))


async def _hold(connection: AsyncConnection, claim: Claim) -> None:
    mine = select(positions.c.epoch).where(
        positions.c.log_id == claim.log_id, positions.c.partition == claim.partition, positions.c.epoch == claim.epoch
    )
    if await connection.scalar(mine) is None:
        raise Fenced(f"partition {claim.partition}: epoch {claim.epoch} does not hold it any more")
