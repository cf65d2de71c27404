"""What a person changes about an incident: given as a command, decided by the stream's writer, told as it stands then.

The same for the API and for the pages. Nothing here decides: whether it applies, and to what, the one writer of the
stream says, whichever process was asked.
"""

from collections.abc import Mapping

import msgspec

from alertline.incidents.ids import EventIds
from alertline.store.port import DeliveryRow
from alertline.web.problems import Problem
from review.commanding import By, Orders, Waiting, accepted
from review.reading import Reader
from schemas.incident import Incident
from schemas.vocabulary import Outcome

__all__ = ["Amendments", "Told"]


class Told(msgspec.Struct, frozen=True):
    """What a write came to: the incident as it stands now, and the id of the entry or command that did it."""

    incident: Incident | None
    id: str


class Amendments:
    """Writes about incidents."""

    def __init__(self, reader: Reader, orders: Orders) -> None:
        self.reader, self.orders = reader, orders

    async def command(self, incident: str, command: Mapping[str, object], by: By) -> Told:
        """Give a command about an incident.

        Raises:
            Problem: 404, no such incident; 409, it was not carried out; 412, somebody else was first.
            Waiting: not decided within 5 s.
        """
        return await self._give({**command, "incident": incident}, await self._stream_of(incident), by)

    async def declare(self, fields: Mapping[str, object], stream: str | None, by: By) -> Told:
        """Open an incident by hand."""
        return await self._give({"command": "declare", **fields}, stream or "default", by)

    async def entry(self, incident: str | None, entry: Mapping[str, object], stream: str | None, by: By) -> Told:
        """Say something about an incident, or let the rules find the one that is meant."""
        where = stream or "default" if incident is None else await self._stream_of(incident)
        named = {} if incident is None else {"incident": incident}
        return await self._give({"type": "entry", **entry, **named}, where, msgspec.structs.replace(by, reason=None))

    async def _stream_of(self, incident: str) -> str:
        stream = await self.reader.stream_of(incident)
        if stream is None:
            raise Problem(404, "No such incident")
        return stream

    async def _give(self, said: Mapping[str, object], stream: str, by: By) -> Told:
        given = await self.orders.give(said, stream, by)
        row = await self.orders.outcome(given)
        if row is None:
            raise Waiting(given.command)
        return await self.told(accepted(given, row))

    async def told(self, row: DeliveryRow) -> Told:
        """What became of a command or an entry that was decided."""
        if row.outcome is Outcome.QUARANTINED:
            raise Problem(409, "Not carried out", row.reason or "")
        about = next((each.incident for each in row.commands if each.incident), next(iter(row.incidents), None))
        incident = await self.reader.incident(about) if about is not None else None
        return Told(incident, EventIds(row.stream, row.id, row.received_at).of(0))
