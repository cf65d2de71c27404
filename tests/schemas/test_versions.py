"""Records of older versions are brought up to date, newer ones stop the reader, garbage is told."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from schemas import records
from schemas.records import RECORD_VERSION, Delivery, NewerRecord, Tick, UnreadableRecord, decode, encode
from schemas.vocabulary import Outcome

AT = datetime(2024, 8, 20, 14, 5, tzinfo=UTC)
TICK = Tick(stream="default", at=AT)


def test_every_record_carries_its_version() -> None:
    """`v` is written although it is the default: without it an old record would claim the reader's version."""
    delivery = Delivery(
        id="d_1", stream="default", integration="x", source="x", received_at=AT, outcome=Outcome.ACCEPTED
    )

    assert [orjson.loads(encode(each))["v"] for each in (TICK, delivery)] == [RECORD_VERSION, RECORD_VERSION]


def test_a_newer_record_stops_the_reader() -> None:
    """It is told apart from garbage, also when its shape is one that we could read."""
    newer = orjson.loads(encode(TICK)) | {"v": RECORD_VERSION + 1}
    for document in (newer, {"v": RECORD_VERSION + 1, "record": "something new"}):
        with pytest.raises(NewerRecord, match="upgrade this process first"):
            decode(orjson.dumps(document))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff",
        b"[]",
        b'"tick"',
        b'{"v": "1", "record": "tick"}',
        b'{"v": 1, "record": "nothing we know"}',
        b'{"v": 1, "record": "tick", "stream": "default"}',
        b'{"v": 0, "record": "tick", "stream": "default", "at": "2024-08-20T14:05:00Z"}',
    ],
)
def test_garbage_is_unreadable(data: bytes) -> None:
    """Not JSON, no object, no version, no known record, a field missing, a version that never was."""
    with pytest.raises(UnreadableRecord) as refused:
        decode(data)

    assert not isinstance(refused.value, NewerRecord)


def test_older_records_go_through_every_upcast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 1 of a later Alertline's past is read as version 3, step by step, also if it would decode as it is."""

    def rename(raw: dict[str, Any]) -> dict[str, Any]:
        return {("at" if name == "moment" else name): value for name, value in raw.items()} | {"v": 2}

    def scope(raw: dict[str, Any]) -> dict[str, Any]:
        return raw | {"stream": f"{raw['stream']}/eu", "v": 3}

    monkeypatch.setattr(records, "RECORD_VERSION", 3)
    monkeypatch.setattr(records, "_UPCASTS", {1: rename, 2: scope})
    upcast = Tick(v=3, stream="default/eu", at=AT)

    assert decode(b'{"record": "tick", "v": 1, "stream": "default", "moment": "2024-08-20T14:05:00Z"}') == upcast
    assert decode(b'{"record": "tick", "v": 2, "stream": "default", "at": "2024-08-20T14:05:00Z"}') == upcast


def test_a_version_without_upcast_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gap in the chain is told, never skipped."""
    written = encode(TICK)
    monkeypatch.setattr(records, "RECORD_VERSION", RECORD_VERSION + 1)
    with pytest.raises(UnreadableRecord, match=f"no way to read record version {RECORD_VERSION}"):
        decode(written)


def test_unknown_fields_of_this_version_are_tolerated() -> None:
    """An optional field that was added since is left out."""
    assert decode(orjson.dumps(orjson.loads(encode(TICK)) | {"added": {"since": 1}})) == TICK
