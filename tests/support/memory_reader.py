"""A Reader over what a test gives it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from alertline.incidents.model import ItemRow, Order
from alertline.store.port import DeliveryRow, Filter, IncidentPage, Summary
from schemas.incident import Incident
from schemas.vocabulary import Basis, MilestoneName, Outcome, RowKind

Row = TypeVar("Row")

__all__ = ["MemoryReader", "delivery", "summary", "waiting"]


class MemoryReader:
    """Lists incidents in the order given; a cursor is the number of those already shown."""

    def __init__(
        self,
        *incidents: Incident,
        deliveries: Sequence[DeliveryRow] = (),
        unattached: Sequence[ItemRow] = (),
        raw: bytes | None = None,
    ) -> None:
        self._incidents = incidents
        self._deliveries = deliveries
        self._unattached = unattached
        self._raw = raw

    async def page(self, filter: Filter, cursor: str | None, limit: int) -> IncidentPage:  # noqa: A002 - as the protocol
        """What matches, in the order given."""
        found = [summary(incident) for incident in self._incidents if _matches(incident, filter)]
        shown, following = _slice(found, cursor, limit)
        return IncidentPage(shown, following)

    async def incident(self, incident_id: str) -> Incident | None:
        """By id or alias."""
        known = {name: incident for incident in self._incidents for name in (*incident.aliases, incident.id)}
        return known.get(incident_id)

    async def incidents(self, incident_ids: Sequence[str]) -> Sequence[Incident]:
        """By ids."""
        found = [await self.incident(each) for each in incident_ids]
        return [each for each in found if each is not None]

    async def delivery(self, delivery_id: str) -> Sequence[DeliveryRow]:
        """Every row with the id."""
        return [row for row in self._deliveries if row.id == delivery_id]

    async def raw(self, delivery: DeliveryRow) -> bytes | None:
        """The one body that the test gave."""
        return self._raw

    async def quarantine(self, cursor: str | None, limit: int) -> tuple[Sequence[DeliveryRow], str | None]:
        """The quarantined rows."""
        return _slice([row for row in self._deliveries if row.outcome is Outcome.QUARANTINED], cursor, limit)

    async def unattached(self) -> Sequence[ItemRow]:
        """What the test gave."""
        return self._unattached


def summary(incident: Incident) -> Summary:
    """The list's line of an incident."""
    started = incident.milestones.get(MilestoneName.IMPACT_STARTED)
    fields = {name: getattr(incident, name) for name in Summary.__struct_fields__ if hasattr(incident, name)}
    return Summary(
        **fields
        | {
            "stream": "default",
            "started_at": started.at if started else incident.created_at,
            "alerts": len(incident.alerts),
        }
    )


def delivery(delivery_id: str, **fields: object) -> DeliveryRow:
    """An accepted delivery."""
    row = DeliveryRow(
        id=delivery_id,
        stream="default",
        partition=0,
        offset=7,
        received_at=datetime(2024, 8, 20, 14, 5, 30, tzinfo=UTC),
        integration="alertmanager",
        source="alertmanager",
        outcome=Outcome.ACCEPTED,
        events=1,
    )
    return msgspec.structs.replace(row, **fields)


def waiting(text: str) -> ItemRow:
    """A statement whose incident has not been found."""
    at = datetime(2024, 8, 20, 14, 10, tzinfo=UTC)
    return ItemRow(
        id="item_1",
        stream="default",
        scope="default",
        incident=None,
        kind=RowKind.NOTE,
        at=at,
        text=text,
        basis=Basis.MANUAL,
        order=Order(3),
        read_at=at,
    )


def _matches(incident: Incident, wanted: Filter) -> bool:
    return (
        wanted.status in {None, incident.status}
        and wanted.severity in {None, incident.severity}
        and (wanted.service is None or wanted.service in incident.services)
        and (wanted.text is None or wanted.text.casefold() in incident.title.casefold())
    )


def _slice(rows: Sequence[Row], cursor: str | None, limit: int) -> tuple[Sequence[Row], str | None]:
    start = int(cursor) if cursor else 0
    following = start + limit
    return rows[start:following], str(following) if following < len(rows) else None
