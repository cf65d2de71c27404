"""What the pages and the API read from: one small protocol, so that a test needs no database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from alertline.incidents.model import ItemRow
from alertline.store.evidence import Evidence
from alertline.store.feed import News
from alertline.store.port import DeliveryRow, Filter, Held, IncidentPage
from schemas.incident import Incident
from schemas.records import Delivery
from schemas.vocabulary import HeldState, MilestoneName

__all__ = ["Reader"]


class Reader(Protocol):
    """Reads what the correlator has stored. A cursor is opaque: only what a page has returned may come back.

    `page` and `quarantine` raise ValueError for a cursor that they never returned.
    """

    async def page(self, filter: Filter, cursor: str | None, limit: int) -> IncidentPage:  # noqa: A002 - the word for it
        """Incidents newest first, at most `limit`; merged ones are left out."""
        ...

    async def incident(self, incident_id: str) -> Incident | None:
        """The incident as it is presented; an alias leads to the survivor. None if nothing has this id."""
        ...

    async def stream_of(self, incident_id: str) -> str | None:
        """The stream whose writer decides about an incident; None if nothing has this id."""
        ...

    async def evidence(self, incident_id: str, event_id: str) -> Evidence | None:
        """The delivery behind an event that an incident names; None if it names no such event."""
        ...

    async def supposed(self, incident_id: str, name: MilestoneName, to: datetime | None) -> Incident | None:
        """The incident as an override of a milestone would make it; nothing is written."""
        ...

    async def news(self, since: Mapping[int, int] | None) -> News:
        """Which incidents were decided about since a place in the feed; None: only where the feed is now."""
        ...

    async def incidents(self, incident_ids: Sequence[str]) -> Sequence[Incident]:
        """Several incidents as they are presented, in the order asked for; unknown ids are left out."""
        ...

    async def delivery(self, delivery_id: str) -> Sequence[DeliveryRow]:
        """Every occurrence of a delivery that has been applied, in log order; empty until then."""
        ...

    async def raw(self, delivery: DeliveryRow) -> bytes | None:
        """The body as it came in; None where it is no longer (or was never) kept."""
        ...

    async def kept(self, delivery: DeliveryRow) -> Delivery | None:
        """The whole record of a delivery; None where it is no longer (or was never) kept."""
        ...

    async def quarantine(
        self, state: HeldState | None, cursor: str | None, limit: int
    ) -> tuple[Sequence[Held], str | None]:
        """Deliveries that could not be read, or in part only, newest first, and where the next page begins.

        `state`: only those; None: whatever was made of them.
        """
        ...

    async def held(self, delivery_id: str, offset: int | None) -> Held | None:
        """One delivery in quarantine: the copy at an offset, else the newest that waits, else the newest."""
        ...

    async def unattached(self) -> Sequence[ItemRow]:
        """What was said about an incident that has not been found (contract §8.13)."""
        ...
