"""Who posts: monitors that try until they are told 2xx, some of them twice, and a person who edits meanwhile."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import msgspec

from alertline.eventlog.port import LogUnavailable
from alertline.store.failures import StoreUnavailable
from alertline.store.port import DeliveryRow
from review.commanding import By, Given
from schemas.events import AlertEvent, Entry, Event
from schemas.records import Delivery
from schemas.vocabulary import AlertStatus, EntryKind, Outcome, Severity
from tests.simulation.cluster import Cluster, Reviewer
from tests.support.story import hash_of

__all__ = ["STREAMS", "Edit", "Person", "Sender"]

STREAMS: Final = ("default", "payments")
_PATIENCE_S: Final = 1.5


class Sender:
    """A monitor. Attributes: acknowledged: ids of what it was told 2xx for."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._cluster, self._name, self._choices = cluster, name, cluster.world.choices
        self._stream = self._choices.choice(STREAMS)
        self.acknowledged: list[str] = []

    async def run(self) -> None:
        """Send everything, one after the other."""
        for delivery in list(self._deliveries()):
            await asyncio.sleep(self._choices.uniform(0, 0.8))
            await self._send(delivery)
            if self._choices.random() < 0.15:
                await self._send(delivery)

    async def _send(self, delivery: Delivery) -> None:
        while not await self._posted(delivery):  # noqa: ASYNC110 - there is nothing to wait for: it tries again
            await asyncio.sleep(self._choices.uniform(0.05, 0.7))
        self.acknowledged.append(delivery.id)

    async def _posted(self, delivery: Delivery) -> bool:
        slot = self._choices.choice(self._cluster.receivers)
        if slot.made is None or not slot.made.ready:
            return False
        task = slot.process.start(slot.made.post(delivery))
        await asyncio.wait((task,), timeout=_PATIENCE_S)
        return task.done() and not task.cancelled() and task.result() is True

    def _deliveries(self) -> Iterator[Delivery]:
        for number in range(self._choices.randint(1, 2)):
            name, begin = f"{self._name}/{number}", self._cluster.world.now() + timedelta(seconds=number)
            firing = [self._alert(name, AlertStatus.FIRING, begin, n) for n in range(self._choices.randint(1, 2))]
            yield from (self._delivery(f"{name}:{n}", alert) for n, alert in enumerate(firing))
            if self._choices.random() < 0.3:
                yield self._delivery(f"{name}:said", Entry(kind=EntryKind.NOTE, text=f"note {name}", actor="ana"))
            if self._choices.random() < 0.7:
                yield self._delivery(f"{name}:over", self._alert(name, AlertStatus.RESOLVED, begin, 9))

    def _alert(self, name: str, status: AlertStatus, begin: object, n: int) -> AlertEvent:
        raw = AlertEvent(status=status, identity=name, dedup_key=name, title=name, severity=Severity.CRITICAL)
        end = begin + timedelta(seconds=0.5) if status is AlertStatus.RESOLVED else None  # type: ignore[operator]
        return msgspec.structs.replace(raw, starts_at=begin, ends_at=end, value=float(n), service="api", repeats=True)

    def _delivery(self, name: str, event: Event) -> Delivery:
        return Delivery(
            id=f"d_{hash_of(name)}",
            keyed=self._choices.random() < 0.7,
            stream=self._stream,
            integration="alertmanager",
            source="alertmanager",
            received_at=self._cluster.world.now(),  # each attempt gets its own
            outcome=Outcome.ACCEPTED,
            body=name,
            events=(event,),
        )


class Edit(msgspec.Struct, frozen=True):
    """A command that was answered: its id, its mark, and what its author was told."""

    command: str
    mark: str
    told: DeliveryRow | None


class Person:
    """Edits incidents, and asks again with the same key until there is an answer."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._choices = cluster, cluster.world.choices
        self.answered: list[Edit] = []

    async def run(self) -> None:
        """Edit some times."""
        for number in range(self._choices.randint(0, 2)):
            await asyncio.sleep(self._choices.uniform(0.1, 1.5))
            found = self._cluster.database.eye.execute("SELECT id, stream FROM incidents ORDER BY id").fetchall()
            incident, stream = self._choices.choice(found or [(None, "default")])
            await self._edit(number, incident, stream)

    async def _edit(self, number: int, incident: str | None, stream: str) -> None:
        mark = f"edit {number}"
        command: dict[str, object] = {"command": self._choices.choice(("acknowledge", "resolve", "reopen", "update"))}
        if command["command"] == "update":
            command["fields"] = {"title": mark}
        if incident is None:
            command = {"command": "declare", "fields": {"title": mark}}
        else:
            command["incident"] = incident
        by = By(principal="local", actor="ana", reason=mark, key=mark)
        while True:
            slot = self._cluster.reviewer
            if slot.made is not None and slot.made.ready:
                task = slot.process.start(_ordered(slot.made, command, stream, by))
                await asyncio.wait((task,))
                if not task.cancelled() and (answer := task.result()) is not None:
                    self.answered.append(Edit(answer[0].command, mark, answer[1]))
                    return
            await asyncio.sleep(self._choices.uniform(0.05, 0.7))


async def _ordered(
    reviewer: Reviewer, command: dict[str, object], stream: str, by: By
) -> tuple[Given, DeliveryRow | None] | None:
    """What the route does: append, then wait for the outcome; None: answered 503."""
    try:
        given = await reviewer.orders.give(command, stream, by)
        return given, await reviewer.orders.outcome(given)
    except (LogUnavailable, StoreUnavailable):
        return None
