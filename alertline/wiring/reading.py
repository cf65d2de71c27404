"""What the pages and the API read: the store's rows, presented by the core; raw bodies from the log."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from alertline.eventlog.port import EventLog
from alertline.incidents.model import ItemRow
from alertline.incidents.people.supposing import supposing
from alertline.incidents.present import present
from alertline.store.evidence import Evidence
from alertline.store.feed import News
from alertline.store.port import DeliveryRow, Filter, Held, IncidentPage
from alertline.store.reader import StoreReader
from schemas.incident import Incident
from schemas.records import Delivery, decode
from schemas.vocabulary import HeldState, MilestoneName

__all__ = ["StoredIncidents", "kept_delivery"]


async def kept_delivery(log: EventLog, row: DeliveryRow) -> Delivery | None:
    """The record of a delivery, from the log; None where it is no longer kept."""
    records = await log.read(row.partition, row.offset, 1)
    if not records or records[0].position.offset != row.offset:
        return None
    record = decode(records[0].payload)
    return record if isinstance(record, Delivery) else None


class StoredIncidents:
    """Implements `review.reading.Reader` on a store and the log that it was filled from."""

    def __init__(self, store: StoreReader, log: EventLog) -> None:
        self._store, self._log = store, log

    async def page(self, filter: Filter, cursor: str | None, limit: int) -> IncidentPage:  # noqa: A002 - the port's word
        """Incidents newest first."""
        return await self._store.page(filter, cursor, limit)

    async def incident(self, incident_id: str) -> Incident | None:
        """The incident as it is presented; an alias leads to the survivor."""
        facts = await self._store.facts(incident_id)
        return None if facts is None else present(facts, facts.policy)

    async def stream_of(self, incident_id: str) -> str | None:
        """The stream of an incident, or of an alias."""
        return await self._store.stream_of(incident_id)

    async def evidence(self, incident_id: str, event_id: str) -> Evidence | None:
        """The delivery behind an event that an incident names."""
        return await self._store.evidence(incident_id, event_id)

    async def supposed(self, incident_id: str, name: MilestoneName, to: datetime | None) -> Incident | None:
        """The incident as an override would make it."""
        facts = await self._store.facts(incident_id)
        return None if facts is None else present(supposing(facts, name, to), facts.policy)

    async def news(self, since: Mapping[int, int] | None) -> News:
        """Which incidents were decided about since a place in the feed."""
        return await self._store.news(since)

    async def incidents(self, incident_ids: Sequence[str]) -> Sequence[Incident]:
        """Several incidents as they are presented."""
        found = await self._store.facts_of(incident_ids)
        return [present(facts, facts.policy) for facts in found]

    async def delivery(self, delivery_id: str) -> Sequence[DeliveryRow]:
        """Every applied occurrence of a delivery."""
        return await self._store.delivery(delivery_id)

    async def raw(self, delivery: DeliveryRow) -> bytes | None:
        """The body as it came in, from the log."""
        record = await self.kept(delivery)
        return None if record is None else record.raw

    async def kept(self, delivery: DeliveryRow) -> Delivery | None:
        """The whole record, from the log."""
        return await kept_delivery(self._log, delivery)

    async def quarantine(
        self, state: HeldState | None, cursor: str | None, limit: int
    ) -> tuple[Sequence[Held], str | None]:
        """Deliveries that could not be read, or in part only, newest first."""
        page = await self._store.quarantine(state, cursor, limit)
        return page.held, page.next_cursor

    async def held(self, delivery_id: str, offset: int | None) -> Held | None:
        """One delivery in quarantine."""
        return await self._store.held(delivery_id, offset)

    async def unattached(self) -> Sequence[ItemRow]:
        """What belongs to no incident (yet)."""
        return await self._store.unattached()
