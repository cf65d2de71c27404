"""Reading what the correlator wrote, for pages, the API and exports.

Guarantee: every answer is of one moment: what one transaction of the writer wrote is seen as a whole or not at all.
Any method may raise `StoreUnavailable`: the database does not answer now.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.clock import from_micros, micros
from alertline.incidents.model import IncidentFacts, ItemRow
from alertline.store.cursor import Big, read_cursor, write_cursor
from alertline.store.engine import reading
from alertline.store.evidence import Evidence, read_evidence
from alertline.store.facts import read_facts
from alertline.store.feed import News, read_news
from alertline.store.holding import MOST, HeldPage, read_held, read_quarantine
from alertline.store.port import DeliveryRow, Filter, Held, IncidentPage
from alertline.store.rows import fit, fold, key, read_configuration, read_delivery, read_item, read_summary, unfit
from alertline.store.tables import (
    configurations,
    deliveries,
    incidents,
    items,
    positions,
    stream_clocks,
    summaries,
    summary_services,
)
from schemas.vocabulary import HeldState

__all__ = ["StoreReader"]


class StoreReader:
    """What readers read with. It leaves the engine open: whoever made that disposes of it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def page(self, wanted: Filter, cursor: str | None = None, limit: int = 50) -> IncidentPage:
        """List incidents, newest start first, then by id; losers of a merge are left out.

        Args:
            wanted: `since` counts as within, `until` as beyond; `text` is sought in title, services and id.
            cursor: `next_cursor` of the page before; None for the first.
            limit: how many at most; taken as 1 to 200.

        Raises:
            ValueError: the cursor is none of ours.
        """
        size = min(max(limit, 1), MOST)
        table = summaries.c
        query = select(table.started_at, table.id).where(table.merged_into.is_(None), *_conditions(wanted))
        if cursor is not None:
            started_at, id_ = read_cursor(cursor, tuple[Big, str])
            query = query.where(
                or_(table.started_at < started_at, and_(table.started_at == started_at, table.id > fit(id_)))
            )
        query = query.order_by(table.started_at.desc(), table.id).limit(size + 1)
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).all()
            more = len(rows) > size
            rows = rows[:size]
            lines = select(table.id, table.body).where(table.id.in_([row.id for row in rows]))
            bodies = {row.id: row.body for row in await connection.execute(lines)}
        return IncidentPage(
            [read_summary(bodies[row.id]) for row in rows],
            write_cursor((rows[-1].started_at, rows[-1].id)) if more else None,
        )

    async def facts(self, incident_id: str) -> IncidentFacts | None:
        """Everything that an incident is computed from; of the survivor, for an id that was merged away.

        Returns:
            None for an unknown id.
        """
        async with reading(self._engine) as connection:
            return await read_facts(connection, fit(incident_id))

    async def stream_of(self, incident_id: str) -> str | None:
        """The stream of an incident, merged away or not; None for an unknown id."""
        async with reading(self._engine) as connection:
            return await connection.scalar(select(incidents.c.stream).where(incidents.c.id == fit(incident_id)))

    async def evidence(self, incident_id: str, event_id: str) -> Evidence | None:
        """The delivery behind an event that an incident names; None if it names no such event."""
        return await read_evidence(self._engine, incident_id, event_id)

    async def news(self, since: Mapping[int, int] | None) -> News:
        """Which incidents were decided about since a place in the feed; None: only where the feed is now."""
        return await read_news(self._engine, since)

    async def facts_of(self, incident_ids: Sequence[str]) -> list[IncidentFacts]:
        """The facts of several incidents, read at one moment, in the order asked for; unknown ids are left out."""
        async with reading(self._engine) as connection:
            found = [await read_facts(connection, fit(each)) for each in incident_ids]
        return [facts for facts in found if facts is not None]

    async def delivery(self, delivery_id: str) -> list[DeliveryRow]:
        """All occurrences of a delivery, newest first; none while it is unknown or not applied yet."""
        return await self.deliveries([delivery_id])

    async def deliveries(self, delivery_ids: Sequence[str]) -> list[DeliveryRow]:
        """All occurrences of several deliveries, newest first."""
        query = select(deliveries.c.body).where(deliveries.c.id.in_([key(id_) for id_ in delivery_ids]))
        return await self._deliveries(query.order_by(deliveries.c.offset.desc(), deliveries.c.partition))

    async def quarantine(
        self, state: HeldState | None = HeldState.OPEN, cursor: str | None = None, limit: int = 50
    ) -> HeldPage:
        """List the deliveries that could not be read, or in part only, newest receipt first.

        Args:
            state: only those; None: whatever was made of them.
            cursor: `next_cursor` of the page before; None for the first.
            limit: how many at most; taken as 1 to 200.

        Raises:
            ValueError: the cursor is none of ours.
        """
        return await read_quarantine(self._engine, state, cursor, limit)

    async def held(self, delivery_id: str, offset: int | None = None) -> Held | None:
        """A delivery in quarantine: the copy at an offset, else the newest that waits, else the newest."""
        return await read_held(self._engine, delivery_id, offset)

    async def unattached(self) -> list[ItemRow]:
        """What people and systems said that belongs to no incident (yet), in the order in which it was read."""
        query = select(items.c.body).where(items.c.incident.is_(None))
        async with reading(self._engine) as connection:
            bodies = await connection.scalars(query.order_by(items.c.made_offset, items.c.made_n, items.c.id))
            return [read_item(body) for body in bodies]

    async def applied(self, partition: int) -> int:
        """The offset from which the partition is to be read on: all before it has had its effect."""
        query = select(positions.c.next_offset).where(positions.c.partition == partition)
        async with reading(self._engine) as connection:
            return await connection.scalar(query) or 0

    async def reached(self) -> dict[int, int]:
        """The offset from which each partition is to be read on."""
        async with reading(self._engine) as connection:
            rows = await connection.execute(select(positions.c.partition, positions.c.next_offset))
            return {row.partition: row.next_offset for row in rows}

    async def log_times(self) -> dict[str, datetime]:
        """Log time of every stream that was read."""
        query = select(stream_clocks.c.stream, stream_clocks.c.log_time).order_by(stream_clocks.c.stream)
        async with reading(self._engine) as connection:
            return {unfit(stream): from_micros(at) for stream, at in await connection.execute(query)}

    async def digests(self) -> dict[str, str]:
        """Which configuration holds in each stream that has one, as far as its log was applied."""
        query = select(configurations.c.body).order_by(configurations.c.stream)
        async with reading(self._engine) as connection:
            rows = [read_configuration(body) for body in await connection.scalars(query)]
        return {row.stream: row.digest for row in rows}

    async def all_incident_ids(self) -> list[str]:
        """Every incident that lists show, by event time of its opening, then by id."""
        query = select(incidents.c.id).where(incidents.c.merged_into.is_(None))
        async with reading(self._engine) as connection:
            return list(await connection.scalars(query.order_by(incidents.c.opened_at, incidents.c.id)))

    async def _deliveries(self, query: Select[str]) -> list[DeliveryRow]:
        async with reading(self._engine) as connection:
            return [read_delivery(body) for body in await connection.scalars(query)]


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    table = summaries.c
    found: list[ColumnElement[bool]] = []
    if wanted.status is not None:
        found.append(table.status == wanted.status)
    if wanted.severity is not None:
        found.append(table.severity == wanted.severity)
    if wanted.since is not None:
        found.append(table.started_at >= micros(wanted.since))
    if wanted.until is not None:
        found.append(table.started_at < micros(wanted.until))
    if wanted.text:
        found.append(table.searched.contains(fold(wanted.text), autoescape=True))
    if wanted.service is not None:
        services = summary_services.c
        of_service = select(services.incident_id).where(services.service == key(wanted.service))
        found.append(table.id.in_(of_service))
    return found
