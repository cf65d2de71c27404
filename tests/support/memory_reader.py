"""A Reader over what a test gives it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from alertline.eventlog.port import Position
from alertline.incidents.model import HandledRow, ItemRow, Order
from alertline.store.evidence import Evidence
from alertline.store.feed import News
from alertline.store.port import CommandOutcome, DeliveryRow, Filter, Held, IncidentPage, Summary
from review.commanding import By, Given, StillUnreadable
from schemas.incident import Incident
from schemas.records import Delivery
from schemas.vocabulary import Basis, HeldState, MilestoneName, Outcome, RowKind

Row = TypeVar("Row")

__all__ = ["MemoryOrders", "MemoryReader", "delivery", "summary", "waiting"]


class MemoryReader:
    """Lists incidents in the order given; a cursor is the number of those already shown."""

    def __init__(
        self,
        *incidents: Incident,
        deliveries: Sequence[DeliveryRow] = (),
        unattached: Sequence[ItemRow] = (),
        raw: bytes | None = None,
        record: Delivery | None = None,
    ) -> None:
        self._incidents = incidents
        self._deliveries = deliveries
        self._unattached = unattached
        self._raw = raw
        self._record = record
        self.handled: dict[str, HandledRow] = {}

    async def page(self, filter: Filter, cursor: str | None, limit: int) -> IncidentPage:  # noqa: A002 - as the protocol
        """What matches, in the order given."""
        found = [summary(incident) for incident in self._incidents if _matches(incident, filter)]
        shown, following = _slice(found, cursor, limit)
        return IncidentPage(shown, following)

    async def incident(self, incident_id: str) -> Incident | None:
        """By id or alias."""
        known = {name: incident for incident in self._incidents for name in (*incident.aliases, incident.id)}
        return known.get(incident_id)

    async def stream_of(self, incident_id: str) -> str | None:
        """The default one, of what there is."""
        return None if await self.incident(incident_id) is None else "default"

    async def evidence(self, incident_id: str, event_id: str) -> Evidence | None:
        """Of the first delivery, whatever is asked for."""
        return Evidence(self._deliveries[0], 0) if self._deliveries else None

    async def supposed(self, incident_id: str, name: MilestoneName, to: datetime | None) -> Incident | None:
        """Nothing changes."""
        return await self.incident(incident_id)

    async def news(self, since: Mapping[int, int] | None) -> News:
        """Nothing ever changes."""
        return News((), {0: 9})

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

    async def kept(self, delivery: DeliveryRow) -> Delivery | None:
        """The one record that the test gave."""
        return self._record

    async def quarantine(
        self, state: HeldState | None, cursor: str | None, limit: int
    ) -> tuple[Sequence[Held], str | None]:
        """What is held, in the order given."""
        return _slice([each for each in self._held() if state in (None, each.state)], cursor, limit)

    async def held(self, delivery_id: str, offset: int | None) -> Held | None:
        """The first of that id."""
        named = (each for each in self._held() if each.delivery.id == delivery_id)
        return next((each for each in named if offset in (None, each.delivery.offset)), None)

    def _held(self) -> list[Held]:
        return [Held(row, self.handled.get(row.id)) for row in self._deliveries if row.held]

    async def unattached(self) -> Sequence[ItemRow]:
        """What the test gave."""
        return self._unattached


class MemoryOrders:
    """Orders that the reader shows at once; `decided` False: nobody decides; `readable` False: nothing is mended."""

    def __init__(
        self, reader: MemoryReader, *, decided: bool = True, readable: bool = True, refusal: str | None = None
    ) -> None:
        self._reader, self._decided, self._readable, self._refusal = reader, decided, readable, refusal

    async def give(self, command: Mapping[str, object], stream: str, by: By) -> Given:
        """Discard a delivery."""
        return self._given(str(command["delivery"]), HeldState.DISCARDED, by)

    async def replay(self, row: DeliveryRow, by: By) -> Given:
        """Replay a delivery."""
        if not self._readable:
            raise StillUnreadable("not JSON", [{"index": 0, "pointer": "", "reason": "not JSON"}])
        return self._given(row.id, HeldState.REPLAYED, by)

    def _given(self, delivery_id: str, state: HeldState, by: By) -> Given:
        given = Given(self.id_of(by.key or f"{state} {delivery_id}"), Position(0, 9))
        if self._decided and self._refusal is None:
            at = datetime(2024, 8, 20, 15, tzinfo=UTC)
            self._reader.handled[delivery_id] = HandledRow(
                id="hd", stream="default", delivery=delivery_id, received_at=at, state=state, command=given.command,
                at=at, actor=by.actor, reason=by.reason,
            )  # fmt: skip
        return given

    async def outcome(self, given: Given) -> DeliveryRow | None:
        """What the test wants."""
        done = CommandOutcome(item=0, command="order", accepted=self._refusal is None, reason=self._refusal)
        return delivery(given.command, commands=(done,)) if self._decided else None

    def id_of(self, key: str, integration: str = "alertline") -> str:
        """Speaks for itself."""
        return f"d_{key}".replace("/", "_").replace(" ", "_")


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
