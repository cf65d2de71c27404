"""What the outbox promises, whatever database it lies in: told at least once, in order, without a gap."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec
import orjson
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.eventlog.port import LogUnavailable
from alertline.eventlog.publishing import Message
from alertline.incidents.model import Row
from alertline.store.outbox import StoreOutbox, Telling, tellings
from alertline.store.port import Batch, Claim, Fenced
from alertline.store.writer import StoreWriter
from consumers.relay import Relay, Relaying, message_of
from tests.support.store_rows import T0, alert, batch, episode, incident, summary

TOPIC = "alertline.incidents.v1"


class Published:
    """A publisher that keeps what it was given; `fails` says what the next calls do before, or after, they publish."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.fails: list[str] = []

    async def publish(self, messages: Sequence[Message]) -> None:
        """Keep them, or as many as there were when it failed."""
        how = self.fails.pop() if self.fails else ""
        if how == "before":
            raise LogUnavailable
        self.messages += messages[: len(messages) // 2] if how == "half" else messages
        if how:
            raise LogUnavailable if how in ("after", "half") else asyncio.CancelledError

    @property
    def ids(self) -> list[str]:
        """The ids of the events, in the order in which they were published."""
        return [orjson.loads(message.value or b"")["id"] for message in self.messages]


@pytest.fixture
def telling(new_writer: Callable[..., StoreWriter]) -> StoreWriter:
    """A writer beside whom somebody relays."""
    return new_writer(telling=True)


def changed(claim: Claim, first: int, *versions: tuple[str, int]) -> Batch:
    """A batch whose decisions are about incidents (id, version), each of a record of its own."""
    rows: list[Row] = [incident(name, version=version) for name, version in versions]
    made = batch(claim, rows, first=first, next_offset=first + max(1, len(rows)))
    decisions = [msgspec.structs.replace(each, offset=first + n, n=0) for n, each in enumerate(made.decisions)]
    lines = [summary(name, version=version, updated_at=T0 + timedelta(seconds=first)) for name, version in versions]
    return msgspec.structs.replace(made, decisions=decisions, summaries=lines)


async def filled(writer: StoreWriter) -> Claim:
    """Three batches with five events: i1 v1, i2 v1 | i1 v3 (v2 in the same batch) | i2 v2, i3 v1."""
    claim = await writer.claim("log", 0, "one")
    for versions in [("i1", 1), ("i2", 1)], [("i1", 2), ("i1", 3)], [("i2", 2), ("i3", 1)]:
        made = changed(claim, claim.next_offset, *versions)
        await writer.commit(made)
        claim = msgspec.structs.replace(claim, next_offset=made.next_offset)
    return claim


ALL = ["i1.1", "i2.1", "i1.3", "i2.2", "i3.1"]


async def test_what_changed_is_told_in_order(telling: StoreWriter, engine: AsyncEngine) -> None:
    """By partition, offset and n; each incident once a batch, as it is at its end; then the outbox is empty."""
    claim, outbox, published = await filled(telling), StoreOutbox(engine), Published()

    assert await Relay(outbox, published, TOPIC, claim).relay() == 5

    assert published.ids == ALL
    assert [message.key for message in published.messages] == ["i1", "i2", "i1", "i2", "i3"]
    assert await outbox.waiting(claim, 10) == []


async def test_an_event_is_a_cloud_event_with_the_line(telling: StoreWriter, engine: AsyncEngine) -> None:
    """A reader that knows only the standard reads it; its data is the line as the API gives it."""
    claim = await telling.claim("log", 0, "one")
    await telling.commit(changed(claim, 0, ("i1", 7)))
    [told] = await StoreOutbox(engine).waiting(claim, 10)
    message = message_of(told, TOPIC)

    event = from_structured_event(
        KafkaMessage(headers=dict(message.headers), key=message.key, value=message.value or b"")
    )

    assert (event.get_id(), event.get_subject(), event.get_source()) == ("i1.7", "i1", "urn:alertline:s")
    assert event.get_type() == "alertline.incident.changed.v1"
    data = event.get_data()
    assert isinstance(data, dict)
    assert (data["id"], data["version"], data["status"], data["alert_count"]) == ("i1", 7, "open", 1)


def test_what_only_repeats_is_not_told() -> None:
    """Decisions about alerts and episodes tell nothing by themselves, though the line is written again."""
    rows: list[Row] = [alert(), episode("e1", "i1")]

    assert tellings(batch(Claim("log", 0, 1, 0), rows, summaries=[summary("i1")])) == []


async def test_without_a_relay_nothing_is_kept(writer: StoreWriter, engine: AsyncEngine) -> None:
    """The embedded default has nobody who would publish it: it must not grow."""
    claim = await filled(writer)

    assert await StoreOutbox(engine).waiting(claim, 10) == []


async def test_what_is_not_committed_is_not_told(telling: StoreWriter, engine: AsyncEngine) -> None:
    """The events are in the transaction of what they tell of."""
    claim = await filled(telling)
    await Relay(StoreOutbox(engine), Published(), TOPIC, claim).relay()

    with pytest.raises(Fenced):
        await telling.commit(changed(claim, 99, ("i9", 1)))

    assert await StoreOutbox(engine).waiting(claim, 10) == []


@pytest.mark.parametrize("how", ["before", "half", "after", "killed"])
async def test_a_relay_that_fails_repeats(telling: StoreWriter, engine: AsyncEngine, how: str) -> None:
    """Whenever it fails, or is killed between publishing and taking out: the same ids again, no gap, in order."""
    claim, outbox, published = await filled(telling), StoreOutbox(engine), Published()
    published.fails = [how]
    with pytest.raises((LogUnavailable, asyncio.CancelledError)):
        await Relay(outbox, published, TOPIC, claim).relay()

    await Relay(outbox, published, TOPIC, claim).relay()

    repeated = {"before": [], "half": ALL[:2], "after": ALL, "killed": ALL}[how]
    assert published.ids == repeated + ALL
    assert len(set(published.messages)) == 5


async def test_a_relay_that_was_replaced_publishes_no_more(telling: StoreWriter, engine: AsyncEngine) -> None:
    """Its claim is void: it neither publishes nor takes out, and its `run` ends; the new owner tells all."""
    old, published = await filled(telling), Published()
    new = await telling.claim("log", 0, "two")

    async with asyncio.timeout(5):
        await Relay(StoreOutbox(engine), published, TOPIC, old).run()
    with pytest.raises(Fenced):
        await StoreOutbox(engine).told(old, Telling(0, 99, 0, "i1", ""))

    assert published.ids == []
    await Relay(StoreOutbox(engine), published, TOPIC, new).relay()
    assert published.ids == ALL


async def test_a_running_relay_goes_on_after_failures(
    telling: StoreWriter, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tries again until what is told is durable, tells what comes later, and stops when asked to."""
    monkeypatch.setattr("consumers.relay._AGAIN_S", 0.01)
    claim, published = await filled(telling), Published()
    published.fails = ["after", "half", "before"]
    relay = Relay(StoreOutbox(engine), published, TOPIC, claim)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(relay.run())
        while await StoreOutbox(engine).waiting(claim, 1):  # noqa: ASYNC110 - the store's view
            await asyncio.sleep(0.01)
        await telling.commit(changed(claim, claim.next_offset, ("i4", 1)))
        relay.wake()
        while "i4.1" not in published.ids:  # noqa: ASYNC110 - a publisher tells nobody
            await asyncio.sleep(0.01)
        relay.stop()

    assert published.ids == ALL[:2] + ALL + ALL + ["i4.1"]


async def test_partitions_have_their_own_order(telling: StoreWriter, engine: AsyncEngine) -> None:
    """The owner of one partition relays nothing of another."""
    one, two = await telling.claim("log", 0, "one"), await telling.claim("log", 1, "two")
    other = changed(two, 0, ("i2", 1))
    decisions = [msgspec.structs.replace(each, stream="t") for each in other.decisions]
    await telling.commit(msgspec.structs.replace(other, decisions=decisions))
    await telling.commit(changed(one, 0, ("i1", 1)))
    published = Published()

    await Relay(StoreOutbox(engine), published, TOPIC, one).relay()

    assert published.ids == ["i1.1"]
    assert [each.incident for each in await StoreOutbox(engine).waiting(two, 10)] == ["i2"]


async def test_a_runner_is_relayed_beside(telling: StoreWriter, engine: AsyncEngine) -> None:
    """Whoever takes a partition over relays what was left, and what he commits; after the end nothing more."""
    await filled(telling)
    published = Published()
    relaying = Relaying(telling, StoreOutbox(engine), published, TOPIC)

    claim = await relaying.claim("log", 0, "two")
    claim = await relaying.claim("log", 0, "two")  # once more, after the store was away
    await relaying.commit(changed(claim, claim.next_offset, ("i4", 1)))
    async with asyncio.timeout(10):
        while "i4.1" not in published.ids:  # noqa: ASYNC110 - a publisher tells nobody
            await asyncio.sleep(0.01)
    await relaying.close()

    assert list(dict.fromkeys(published.ids)) == [*ALL, "i4.1"]
