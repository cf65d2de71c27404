"""What the routes that write are given: commands go to the log as any delivery does; the store says what they came to.

A command lies in the stream that it is about, whatever stream its giver posts to: that stream's writer decides.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import uuid4

import msgspec
import orjson

from alertline import telemetry
from alertline.clock import Clock, monotonic
from alertline.eventlog.port import EventLog, LogUnavailable, Position
from alertline.store.port import DeliveryRow
from alertline.store.reader import StoreReader
from alertline.web.problems import Problem
from alertline.wiring.awaiting import Awaiting
from alertline.wiring.reading import kept_delivery
from ingest.adapter import Request
from ingest.intake import delivery_id, receive_again, take
from ingest.integrations import Integration, Integrations
from review.commanding import By, Given, StillUnreadable
from schemas.records import Delivery, Record, ReplayOf, encode
from schemas.vocabulary import Outcome

__all__ = ["LoggedOrders"]

_APPEND_S: Final = 1.0
_WAIT_S: Final = 5.0  # the contract's: whoever asked is answered by then (§6)


class LoggedOrders:
    """Implements `review.commanding.Orders` on a log and the store that is filled from it.

    `recorded_time`: senders say when something was received; without a word log time stays where it is.
    """

    def __init__(
        self,
        log: EventLog,
        store: StoreReader,
        integrations: Integrations,
        clock: Clock,
        *,
        recorded_time: bool = False,
        on_delivery: Callable[[Record], None] | None = None,
    ) -> None:
        self._log, self._store, self._integrations, self._clock = log, store, integrations, clock
        self._recorded_time, self._on_delivery = recorded_time, on_delivery
        self._awaiting = Awaiting(store)

    async def give(self, command: Mapping[str, object], stream: str, by: By) -> Given:
        """Append a command.

        Raises:
            Problem: 422, it says something that no command can say; LogUnavailable: not durable in time.
        """
        integration, adapter = self._integrations.nearest("alertline", "alertline", stream)
        body = {"type": "command", **command, "actor": by.actor, "reason": by.reason}
        key = by.key or f"once {uuid4().hex}"  # the same words twice are two commands
        request = Request(
            body=orjson.dumps({name: value for name, value in body.items() if value is not None}),
            headers={"content-type": "application/json", "idempotency-key": key},
            received_at=await self._now(stream, by),
            ticks=True,  # what only we may say: whoever gives it was asked for its permission
        )
        record = take(request, integration, adapter, by.principal)
        if not isinstance(record, Delivery) or record.outcome is not Outcome.ACCEPTED:
            rejected = msgspec.to_builtins(record.rejected) if isinstance(record, Delivery) else []
            raise Problem(422, "No such command can be given", getattr(record, "reason", "") or "", rejected=rejected)
        return await self._append(record)

    async def replay(self, row: DeliveryRow, by: By) -> Given:
        """Append a delivery of the quarantine as a new one: with its receive time, body and headers, in its stream.

        Raises:
            StillUnreadable: nothing that waits could be read; Problem: 404, the body is no longer kept.
            LogUnavailable: not durable in time.
        """
        original = await kept_delivery(self._log, row)
        if original is None:
            raise Problem(404, "The body is not kept", "it was pruned or redacted, or this reader has no log")
        original = msgspec.structs.replace(original, received_at=row.received_at)
        # of a partial one the items that were read have had their effect
        unread = {each.index for each in original.rejected} if row.outcome is Outcome.PARTIAL else None
        mark = ReplayOf(
            delivery=row.id,
            at=await self._now(row.stream, by),
            items=None if unread is None else tuple(sorted(unread)),
            actor=by.actor,
            reason=by.reason,
        )
        integration, adapter = self._integrations.nearest(row.integration, row.source, row.stream)
        key = by.key or f"replay of {row.id} of {row.received_at.isoformat()}"
        record = receive_again(original, integration, adapter, mark, key, by.principal)
        if not isinstance(record, Delivery):
            raise StillUnreadable("it asks for what no sender may ask for", [])
        if record.outcome is Outcome.QUARANTINED:
            raise StillUnreadable(record.reason or "", msgspec.to_builtins(record.rejected))
        return await self._append(record)

    async def outcome(self, given: Given) -> DeliveryRow | None:
        """Wait until the record was read; what was decided of its first copy. None: not within 5 s."""
        if not await self._awaiting.read(given.position, _WAIT_S):
            return None
        rows = await self._store.delivery(given.command)
        return next((row for row in rows if row.duplicate_of is None), None)

    def id_of(self, key: str, integration: str = "alertline") -> str:
        """The id of the command that a key makes."""
        return delivery_id(Integration(name=integration, source="alertline"), {"idempotency-key": key}, b"")[1]

    async def _now(self, stream: str, by: By) -> datetime:
        if not self._recorded_time:
            return self._clock()
        return by.at or (await self._store.log_times()).get(stream) or self._clock()

    async def _append(self, record: Delivery) -> Given:
        began = monotonic()
        try:
            async with asyncio.timeout(_APPEND_S):
                position: Position = await self._log.append(record.stream, encode(record))
        except TimeoutError as error:
            raise LogUnavailable(f"not durable within {_APPEND_S:g} s") from error
        telemetry.APPEND_SECONDS.observe(monotonic() - began)
        telemetry.DELIVERIES.labels(record.source, record.outcome).inc()
        if self._on_delivery is not None:
            self._on_delivery(record)
        return Given(record.id, position)
