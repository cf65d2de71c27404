"""The marks on deliveries of which a person disposed: no sender's to make, kept by recordings, obeyed by the intake."""

import json
from pathlib import Path

import orjson
import pytest

from alertline.eventlog.memory import MemoryLog
from ingest.catalogue import adapters
from ingest.disposals import as_told
from ingest.intake import Posted, identified, receive, receive_again, request_of
from ingest.integrations import Integration
from ingest.receivers import ReceiverOptions
from ingest.recording import read_recordings
from schemas.records import Delivery, ReplayOf
from tests.support.receiving import NOW, serving, the_delivery

GENERIC = Integration(name="generic", source="generic")
MARK = ReplayOf(delivery="d_0", at=NOW, items=(1, 2), actor="Zoë", reason="“mended”\r\nX: y")
BATCH = orjson.dumps([{"title": "a"}, {"title": "b"}, {"status": "firing"}])
MARKS = {"Alertline-Replay-Of": '{"delivery":"d_0","at":"2025-05-06T07:08:09Z"}', "Alertline-Disposed": "all"}


def posted(**headers: str) -> Delivery:
    """What a recorded batch comes to under these headers."""
    said = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    line = Posted(integration="generic", body=BATCH, received_at=NOW, headers=said)
    record = receive(line, GENERIC, adapters()["generic"])
    assert isinstance(record, Delivery)
    return record


async def test_a_sender_makes_no_marks() -> None:
    """Whoever posts cannot dispose of a delivery, nor hide behind a mark."""
    log = MemoryLog()
    async with serving(log) as client:
        for headers in (MARKS, MARKS | {"Connection": "close"}):
            await client.post("/v1/webhooks/generic", data=BATCH, headers=headers)
        for each in await log.read(0, 0, 10):
            assert b"lertline-" not in each.payload
            assert b'"events":[' in each.payload


async def test_a_played_recording_keeps_its_marks() -> None:
    """On recorded time the sender is a recording."""
    log = MemoryLog()
    async with serving(log, ReceiverOptions(recorded_time=True)) as client:
        await client.post("/v1/webhooks/generic", data=BATCH, headers=MARKS)

    record = await the_delivery(log)
    assert record.replay_of is not None
    assert (record.replay_of.delivery, record.outcome, record.events) == ("d_0", "quarantined", ())


def test_a_second_reading_is_a_delivery_of_its_own() -> None:
    """It names the first one, takes only the items that are meant, and reads back from its own headers."""
    original = posted(X_Kind="probe", Idempotency_Key="sender's")
    again = receive_again(original, GENERIC, adapters()["generic"], MARK, "k1", "local")
    assert isinstance(again, Delivery)
    line = Posted(
        integration="generic", body=again.raw, received_at=again.received_at, headers=tuple(again.headers.items())
    )

    assert again.replay_of == MARK
    assert [event.item for event in again.events] == [1]
    assert [each.index for each in again.rejected] == [2]
    assert (again.id != original.id, again.keyed, again.headers["x-kind"]) == (True, True, "probe")
    assert all(value.isascii() and value.isprintable() for value in again.headers.values())
    assert receive(line, GENERIC, adapters()["generic"]) == again


@pytest.mark.parametrize(
    "mark", ["", "{", "[]", '{"delivery":"d"}', "null", '{"delivery":1,"at":"2025-05-06T07:08:09Z"}']
)
def test_a_mark_that_says_nothing_is_none(mark: str) -> None:
    """The delivery is then read as any other."""
    assert posted(Alertline_Replay_Of=mark).replay_of is None
    assert len(posted(Alertline_Replay_Of=mark).events) == 2


def test_items_that_were_disposed_of() -> None:
    """They have no effect, though they can be read; the others have."""
    record = posted(Alertline_Disposed="0,2,x")

    assert [event.item for event in record.events] == [1]
    assert [each.index for each in record.rejected] == [2, 0]
    assert record.outcome == "partial"


def test_commands_of_somebody_else_are_not_carried_out() -> None:
    """An ingest token that may give no commands gives none by being read again."""
    body = b'{"type":"command","command":"close"}'
    original = Delivery(
        id="d_0", stream="default", integration="alertline", source="alertline", received_at=NOW,
        outcome="quarantined", principal="token", body=body.decode(),  # type: ignore[arg-type] # as it reads
    )  # fmt: skip
    own = Integration(name="alertline", source="alertline")
    again = receive_again(original, own, adapters()["alertline"], MARK, "k", "local")

    assert isinstance(again, Delivery)
    assert again.events == ()


def test_a_body_in_which_todays_adapter_finds_an_id() -> None:
    """The one of its day could not read it, and named it by its bytes: it is found by either name."""
    body = {"_id": "change-1", "kind": "flag", "date": 1746515289000, "title": "somebody turned on a flag", "name": "a"}
    line = Posted(integration="launchdarkly", body=orjson.dumps(body), received_at=NOW)
    own = Integration(name="launchdarkly", source="launchdarkly")
    today = receive(line, own, adapters()["launchdarkly"])
    assert isinstance(today, Delivery)
    plain = identified(request_of(line), own)[1]
    assert today.id != plain

    for name in (today.id, plain, "d_0"):
        marks = as_told(line, "launchdarkly", {(name, NOW): None}).headers
        assert bool(marks) == (name != "d_0")


def test_lines_of_which_a_later_one_disposes(tmp_path: Path) -> None:
    """In whatever file it stands; the first one that disposes counts; broken lines are told when it is their turn."""
    first, second, third = (posted(Idempotency_Key=key) for key in ("1", "2", "3"))

    def line(record: Delivery, **more: object) -> str:
        return json.dumps(
            {"received_at": record.received_at.isoformat(), "source": "generic", "headers": record.headers}
            | {"body": orjson.loads(BATCH)}
            | more
        )

    def discard(record: Delivery, **more: object) -> str:
        body = {"type": "command", "command": "discard_delivery", "delivery": record.id}
        said = body | {"received_at": record.received_at.isoformat()} | more
        return json.dumps({"received_at": NOW.isoformat(), "source": "alertline", "body": said})

    wild = [
        discard(third, received_at="soon"),
        '{"source":"alertline","body":["discard_delivery"]',
        discard(first, delivery=7),
    ]
    (tmp_path / "a").write_text("\n".join(map(line, (first, second, third))))
    (tmp_path / "b").write_text("\n".join([discard(second, indexes=[0]), discard(second), *wild[::2]]))
    (tmp_path / "c").write_text(wild[1])
    lines = read_recordings([tmp_path / "a", tmp_path / "b"])
    marks = [dict(next(lines).posted.headers).get("alertline-disposed") for _ in range(3)]

    assert marks == [None, "0", None]
