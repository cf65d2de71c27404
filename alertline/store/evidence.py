"""From an id of evidence back to the delivery that holds it.

Ids are hashes of where a thing was said, so they cannot be read backwards. But what an incident names was said in a
record that made a row of it, or led to a decision about it: those few records are hashed again, and compared.
"""

from collections.abc import AsyncIterator, Sequence

import msgspec
from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertline.incidents.ids import EventIds
from alertline.incidents.model import IncidentFacts
from alertline.store.engine import reading
from alertline.store.facts import read_facts
from alertline.store.port import DeliveryRow
from alertline.store.rows import fit, read_delivery
from alertline.store.tables import changes, decisions, deliveries, episodes, items, stream_clocks

__all__ = ["Evidence", "read_evidence"]

_CHUNK = 400


class Evidence(msgspec.Struct, frozen=True):
    """Which item of which delivery an id of evidence means."""

    delivery: DeliveryRow
    item: int


async def read_evidence(engine: AsyncEngine, incident: str, event: str) -> Evidence | None:
    """The delivery behind an event that an incident names; None if the incident names no such event."""
    async with reading(engine) as connection:
        facts = await read_facts(connection, fit(incident))
        if facts is None:
            return None
        offsets = await _offsets(connection, facts)
        async for row in _deliveries(connection, facts.row.stream, offsets):
            ids = EventIds(row.stream, row.id, row.received_at)
            for item in range(row.events + row.rejected):
                if ids.of(item) == event:
                    return Evidence(row, item)
    return None


async def _offsets(connection: AsyncConnection, facts: IncidentFacts) -> list[int]:
    """The records that made the incident's rows, or led to decisions about it, also under ids that it had."""
    known = (facts.row.id, *facts.aliases, *facts.row.cannot_link)
    made = [select(table.c.made_offset).where(table.c.incident == facts.row.id) for table in (episodes, items)]
    near = select(changes.c.made_offset).where(changes.c.id.in_([change.id for change in facts.changes]))
    decided = select(decisions.c.offset).where(decisions.c.incident_id.in_(known))
    return sorted(await connection.scalars(union(*made, near, decided)))


async def _deliveries(connection: AsyncConnection, stream: str, offsets: Sequence[int]) -> AsyncIterator[DeliveryRow]:
    partition = select(stream_clocks.c.partition).where(stream_clocks.c.stream == fit(stream)).scalar_subquery()
    for begin in range(0, len(offsets), _CHUNK):
        chunk = offsets[begin : begin + _CHUNK]
        query = select(deliveries.c.body).where(deliveries.c.partition == partition, deliveries.c.offset.in_(chunk))
        for body in await connection.scalars(query):
            yield read_delivery(body)
