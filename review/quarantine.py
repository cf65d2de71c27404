"""The quarantine over HTTP: listed, shown whole, read again after a fix, put aside with a name and a reason."""

from base64 import b64encode

import msgspec
from aiohttp import web

from alertline.store.port import DeliveryRow, Held
from alertline.web.access import Permission
from alertline.web.problems import Problem
from alertline.web.routes import Route
from review.answers import download, json_answer
from review.commanding import By, Given, Orders, StillUnreadable, Waiting, accepted, asked_by, known
from review.lookup import held_of, quarantine_page
from review.queries import wants
from review.reading import Reader
from schemas.records import Delivery
from schemas.vocabulary import HeldState, Outcome

__all__ = ["Desk", "public_held", "quarantine_routes"]


class Desk:
    """Where deliveries of the quarantine are disposed of: the same for the API and for the pages."""

    def __init__(self, reader: Reader, orders: Orders) -> None:
        self.reader, self.orders = reader, orders

    async def replay(self, held: Held, by: By) -> Held:
        """Read a delivery again, as a new one with its receive time; how it stands then.

        Raises:
            Problem: 409, it was disposed of before; 422, it can still not be read, and stays as it is.
            Waiting: not decided within 5 s.
        """
        if not self._waits(held, by, held.delivery.integration):
            return held
        try:
            given = await self.orders.replay(held.delivery, by)
        except StillUnreadable as error:
            raise Problem(422, "Still unreadable", str(error), rejected=error.rejected) from error
        return await self._decided(held, given)

    async def discard(self, held: Held, by: By) -> Held:
        """Put a delivery aside for good; how it stands then.

        Raises:
            Problem: 409, it was disposed of before; 422, without a reason.
            Waiting: not decided within 5 s.
        """
        if not self._waits(held, by, "alertline"):
            return held
        if by.reason is None:
            raise Problem(422, "A field is missing", "reason: why nobody needs it", pointer="/reason")
        row = held.delivery
        command = {
            "command": "discard_delivery",
            "delivery": row.id,
            "received_at": row.received_at.isoformat(),
            "indexes": await self._unread(row),
        }
        return await self._decided(held, await self.orders.give(command, row.stream, by))

    async def _unread(self, row: DeliveryRow) -> list[int] | None:
        """The items of a partial delivery that had no effect."""
        if row.outcome is not Outcome.PARTIAL:
            return None
        record = await self.reader.kept(row)
        return sorted({each.index for each in (row.unread if record is None else record.rejected)})

    def _waits(self, held: Held, by: By, integration: str) -> bool:
        """Whether it waits; False where this request, asked again, has had its effect."""
        if held.handled is None:
            return True
        if known(self.orders, by, held.handled.command, integration):
            return False
        row, words = held.handled, "read again as " + held.handled.command
        if row.state is HeldState.DISCARDED:
            words = f"discarded by {row.actor or 'somebody'}"
        raise Problem(409, "It was disposed of before", f"it was {words}", state=row.state)

    async def _decided(self, held: Held, given: Given) -> Held:
        accepted(given, await self.orders.outcome(given))
        found = await self.reader.held(held.delivery.id, held.delivery.offset)
        return found or held


def quarantine_routes(desk: Desk) -> list[Route]:
    """The routes of the API."""
    reader, one = desk.reader, "/v1/quarantine/{id}"

    async def many(request: web.Request) -> web.Response:
        rows, next_cursor = await quarantine_page(reader, request)
        return json_answer({"quarantine": [public_held(each) for each in rows], "next_cursor": next_cursor})

    async def show(request: web.Request) -> web.Response:
        held = await held_of(reader, request)
        record = await reader.kept(held.delivery)
        if wants(request.query, "raw"):
            if record is None:
                raise Problem(404, "The raw body is not kept", "it was pruned or redacted")
            # never shown by the browser: it is a stranger's bytes
            return download(record.raw, "application/octet-stream", "delivery.bin")
        return json_answer(public_held(held) | (_whole(record) if record is not None else {}))

    async def replay(request: web.Request) -> web.Response:
        by, held = await asked_by(request), await held_of(reader, request)
        try:
            return json_answer(public_held(await desk.replay(held, by)))
        except Waiting as waiting:
            return waiting.answer()

    async def discard(request: web.Request) -> web.Response:
        by, held = await asked_by(request), await held_of(reader, request)
        try:
            return json_answer(public_held(await desk.discard(held, by)))
        except Waiting as waiting:
            return waiting.answer()

    return [
        Route("GET", "/v1/quarantine", Permission.READ, many),
        Route("GET", one, Permission.READ, show),
        Route("POST", f"{one}/replay", Permission.WRITE, replay),
        Route("POST", f"{one}/discard", Permission.WRITE, discard),
    ]


def public_held(held: Held) -> dict[str, object]:
    """A delivery in quarantine, and what was made of it."""
    row, handled = held.delivery, held.handled
    public: dict[str, object] = msgspec.to_builtins(row)
    public["rejected_items"] = public.pop("unread")
    public["state"] = held.state
    public["handled"] = None
    if handled is not None:
        names = ("at", "actor", "reason", "command")
        public["handled"] = {name: msgspec.to_builtins(getattr(handled, name)) for name in names}
    replayed = handled is not None and handled.state is HeldState.REPLAYED
    return public | {"replayed_as": handled.command if handled is not None and replayed else None}


def _whole(record: Delivery) -> dict[str, object]:
    """What the sender sent, without secrets: they never reached the log."""
    body: dict[str, object] = {"body": record.body}
    if record.body_base64 is not None:
        body = {"body_base64": b64encode(record.body_base64).decode()}
    return body | {
        "method": record.method,
        "path": record.path,
        "query": record.query,
        "headers": record.headers,
        "adapter": record.adapter,
        "warnings": list(record.warnings),
        "rejected_items": msgspec.to_builtins(record.rejected),
    }
