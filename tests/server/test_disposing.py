"""Deliveries read again after an adapter was mended: on the real store, in this process, and in a replay of the log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.cli.replaying import record_of
from alertline.eventlog.memory import MemoryLog
from alertline.incidents.engine import Step, step
from alertline.incidents.memory.state import StreamState
from alertline.incidents.policy import Policy
from alertline.incidents.present import present
from alertline.store.port import Filter, Held
from alertline.store.reader import StoreReader
from alertline.web.problems import Problem
from alertline.wiring.commanding import LoggedOrders
from alertline.wiring.embedded import DataFolder
from alertline.wiring.reading import StoredIncidents
from consumers.replay import Replay
from ingest.adapter import Adapted, Request
from ingest.catalogue import adapters
from ingest.intake import Posted, receive
from ingest.integrations import Integration, Integrations
from ingest.recording import line_of, read_recordings
from review.commanding import By, StillUnreadable
from review.quarantine import Desk
from schemas.incident import Incident
from schemas.public import to_json_bytes
from schemas.records import Delivery, Record, decode
from tests.server.test_export import alert
from tests.server.test_runner import append, applied, runner_of, running
from tests.support.story import time

ANA = By(principal="local", actor="ana", reason="the adapter was mended")
GENERIC = Integration(name="generic", source="generic")
BATCH = [
    alert("disk", "10:00"),
    alert("queue", "10:00") | {"status": "wild"},
    alert("mail", "10:00") | {"status": "odd"},
]


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An empty store in a file."""
    opened = await DataFolder(str(tmp_path)).open_store()
    yield opened
    await opened.dispose()


def reading_also(*words: bytes) -> Integrations:
    """The senders, with a generic adapter that knows more words for `firing`."""
    known = adapters()["generic"]

    def adapt(request: Request) -> Adapted:
        body = request.body
        for word in words:
            body = body.replace(b'"%s"' % word, b'"firing"')
        return known.adapt(msgspec.structs.replace(request, body=body))

    return Integrations(known=dict(adapters()) | {"generic": msgspec.structs.replace(known, adapt=adapt)})


def received(body: object, at: str, *, key: str | None = None) -> Delivery:
    """What the receiver makes of a body today."""
    headers = (("Idempotency-Key", key),) if key else ()
    posted = Posted(integration="generic", body=orjson.dumps(body), received_at=time(at), headers=headers)
    record = receive(posted, GENERIC, adapters()["generic"])
    assert isinstance(record, Delivery)
    return record


@asynccontextmanager
async def served(log: MemoryLog, engine: AsyncEngine, *words: bytes) -> AsyncIterator[Desk]:
    """The desk of a running correlator, with adapters that know these words."""
    async with running(runner_of(log, engine)):
        await applied(engine, log)
        store = StoreReader(engine)
        yield Desk(StoredIncidents(store, log), LoggedOrders(log, store, reading_also(*words), lambda: time("12:00")))


async def the_one(desk: Desk, delivery_id: str) -> Held:
    """A delivery in quarantine."""
    held = await desk.reader.held(delivery_id, None)
    assert held is not None
    return held


async def records(log: MemoryLog) -> list[Record]:
    """All that lies on the log."""
    return [decode(each.payload) for each in await log.read(0, 0, 100)]


async def in_the_store(engine: AsyncEngine) -> list[Incident]:
    """The incidents as they are shown."""
    store = StoreReader(engine)
    page = await store.page(Filter())
    found = await store.facts_of([each.id for each in page.incidents])
    return sorted((present(facts, facts.policy) for facts in found), key=lambda each: each.id)


def in_a_replay(log: list[Record], file: Path, *words: bytes) -> list[bytes]:
    """What the log comes to as a recording, read with adapters that know these words."""
    file.write_bytes(b"".join(map(line_of, log)))
    replay = Replay(Policy())
    for line in read_recordings([file]):
        replay.feed(record_of(line, reading_also(*words)))
    return [to_json_bytes(each) for each in sorted(replay.result().incidents, key=lambda each: each.id)]


def counted(incidents: list[Incident]) -> dict[str, int]:
    """How often each alert was notified."""
    return {alert.dedup_key: alert.notifications for each in incidents for alert in each.alerts}


async def test_a_batch_is_mended_step_by_step(engine: AsyncEngine, tmp_path: Path) -> None:
    """Each reading takes what has become readable, once; the rest waits under the newest. A replay comes to the same.

    The replay is done with each of the adapters that there were, and with reloads in between.
    """
    log, batch, other = MemoryLog(), received(BATCH, "10:00:10"), received(alert("api", "10:01"), "10:01:05")
    await append(log, batch, other)
    async with served(log, engine, b"wild") as desk:
        first = await desk.replay(await the_one(desk, batch.id), ANA)
    assert counted(await in_the_store(engine)) == {"disk": 1, "queue": 1, "api": 1}
    async with served(log, engine, b"wild") as desk:
        second = first.handled.command if first.handled else ""
        with pytest.raises(Problem, match="no item could be read; /2/status"):
            await desk.replay(await the_one(desk, second), ANA)
    async with served(log, engine, b"wild", b"odd") as desk:
        last = await desk.replay(await the_one(desk, second), ANA)
        (page, _) = await desk.reader.quarantine(None, None, 10)

    incidents = await in_the_store(engine)
    assert counted(incidents) == {"disk": 1, "queue": 1, "mail": 1, "api": 1}
    assert {each.delivery.id: each.state for each in page} == {batch.id: "replayed", second: "replayed"}
    assert last.handled is not None
    again = [record for record in await records(log) if isinstance(record, Delivery) and record.replay_of]
    assert [(each.received_at, [event.item for event in each.events]) for each in again] == [
        (batch.received_at, [1]),
        (batch.received_at, [2]),
    ]
    assert in_a_replay(await records(log), tmp_path / "a", b"wild", b"odd") == list(map(to_json_bytes, incidents))


async def test_two_who_ask_at_once(engine: AsyncEngine) -> None:
    """Whoever is second is told what the first did; a replay after a discard has no effect."""
    log, lost = MemoryLog(), received({"status": "wild", "title": "x"}, "10:00")
    await append(log, lost)
    async with served(log, engine, b"wild") as desk:
        held = await the_one(desk, lost.id)
        await desk.discard(held, ANA)
        for dispose in (desk.replay, desk.discard):
            with pytest.raises(Problem, match="it was discarded by ana: the adapter was mended") as refused:
                await dispose(held, ANA)  # it looked before the other had spoken
            assert refused.value.status == 409
        outcome = [row for row in (await the_one(desk, lost.id),) if row.state == "discarded"]

    assert len(outcome) == 1
    assert await in_the_store(engine) == []


async def test_the_same_request_again_has_one_effect(engine: AsyncEngine) -> None:
    """A replay that was appended twice, also a day later, is taken in once."""
    log, lost = MemoryLog(), received({"status": "wild", "title": "x", "dedup_key": "x"}, "10:00")
    await append(log, lost)
    async with served(log, engine, b"wild") as desk:
        held = await the_one(desk, lost.id)
        by = msgspec.structs.replace(ANA, key="POST /v1/quarantine/x/replay k1")
        done = await desk.replay(held, by)
        assert await desk.replay(done, by) == done
        (again,) = [each for each in await records(log) if isinstance(each, Delivery) and each.replay_of]
        await append(log, received(alert("later", "+2 10:00"), "+2 10:00"), again)
        await applied(engine, log)
    await append(log, again)
    async with served(log, engine):
        pass

    assert counted(await in_the_store(engine)) == {"x": 1, "later": 1}


async def test_what_the_core_failed_on(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record on which the correlator failed is read again when that is mended; in vain it stays as it is."""
    broken = [True]

    def failing(state: StreamState, offset: int, record: Record) -> Step:
        if broken[0] and isinstance(record, Delivery) and record.source == "generic":
            raise ZeroDivisionError("a slip")
        return step(state, offset, record)

    monkeypatch.setattr("consumers.applying.step", failing)
    log, lost = MemoryLog(), received(alert("x", "10:00"), "10:00:05")
    await append(log, lost)
    async with served(log, engine) as desk:
        held = await the_one(desk, lost.id)
        with pytest.raises(Problem, match="the correlator failed on it: ZeroDivisionError"):
            await desk.replay(held, ANA)
        (listed,), _ = await desk.reader.quarantine(None, None, 10)
        broken[0] = False
        done = await desk.replay(held, ANA)

    assert (held.state, listed) == ("open", held)
    assert done.state == "replayed"
    assert counted(await in_the_store(engine)) == {"x": 1}


async def test_what_no_sender_may_say(engine: AsyncEngine) -> None:
    """A tick that was refused stays refused, whoever asks again."""
    posted = Posted(
        integration="alertline", body=b'{"type":"tick","at":"2030-01-01T00:00:00Z"}', received_at=time("10:00")
    )
    refused = receive(posted, Integration(name="alertline", source="alertline"), adapters()["alertline"])
    assert isinstance(refused, Delivery)
    log = MemoryLog()
    await append(log, refused)
    async with served(log, engine) as desk:
        orders, held = desk.orders, await the_one(desk, refused.id)
        with pytest.raises(StillUnreadable):
            await orders.replay(held.delivery, ANA)

    assert len(await records(log)) == 1
