"""Recordings: read as they were sent, written so that they read the same."""

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.catalogue import adapters
from ingest.intake import receive
from ingest.integrations import Integration
from ingest.recording import BadRecording, Line, line_of, read_recordings
from schemas.configuration import Configuration, Windows
from schemas.records import Delivery, Record, Tick, configured, decode, encode
from schemas.vocabulary import Outcome

NOW = datetime(2025, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
LINE = {"received_at": "2025-05-06T07:08:09Z", "source": "generic", "body": {"title": "t"}}


def write(path: Path, *lines: object) -> Path:
    """A recording of these lines."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def replayed(line: Line) -> Record:
    """The record that a line gives."""
    posted = line.posted
    integration = Integration(name=posted.integration, source=line.source, stream=line.stream or "default")
    return receive(posted, integration, adapters().get(line.source), ticks=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary()
    | st.sampled_from(
        [b'{"title":"t"}', b'{"title": "t", "status": "ok"}', b"[1e3]", b"null", b"12345678901234567890123"]
    ),
    keyed=st.booleans(),
    integration=st.sampled_from(["generic", "mine"]),
)
def test_round_trip(tmp_path: Path, body: bytes, keyed: bool, integration: str) -> None:
    """A delivery that is written and read again is the same delivery: id, events, bytes, times."""
    line: dict[str, object] = {
        "received_at": NOW.isoformat(),
        "source": "generic",
        "integration": integration,
        "query": "a=1",
    }
    line |= {"headers": {"Idempotency-Key": "k"} if keyed else {}, "stream": "eu"}
    first = tmp_path / "first.ndjson"
    write(first, line | {"body_base64": base64.b64encode(body).decode()})
    record = replayed(next(read_recordings([first])))
    second = tmp_path / "second.ndjson"
    second.write_bytes(line_of(record))

    again = replayed(next(read_recordings([second])))

    assert record == again
    assert isinstance(again, Delivery)
    assert body == again.raw


def test_configuration(tmp_path: Path) -> None:
    """A configuration is a line, too: all of it, so that a replay needs no file of settings."""
    found = Configuration(windows=Windows(quiet=timedelta(seconds=90)), depends_on={"api": ("db",)})
    record = configured("eu", NOW, found)
    path = tmp_path / "configuration.ndjson"
    path.write_bytes(line_of(record))

    [line] = read_recordings([path])
    assert record == replayed(line)
    assert record == decode(encode(record))


def test_tick(tmp_path: Path) -> None:
    """A tick is a line, too."""
    tick = Tick(stream="eu", at=NOW)
    path = tmp_path / "tick.ndjson"
    path.write_bytes(line_of(tick))

    line = next(read_recordings([path]))

    assert tick == replayed(line)
    assert line.posted.received_at == NOW


def test_readable_body() -> None:
    """A body is written as JSON where that gives the same bytes, as text where not."""
    record = Delivery(
        id="d",
        stream="default",
        integration="generic",
        source="generic",
        received_at=NOW,
        outcome=Outcome.ACCEPTED,
        body='{"a":1}',
    )

    assert json.loads(line_of(record))["body"] == {"a": 1}


def test_merge(tmp_path: Path) -> None:
    """Several recordings, plain or packed, are merged by receive time; equal times keep the order of the files."""
    first = write(
        tmp_path / "a.ndjson",
        LINE | {"integration": "a1"},
        LINE | {"integration": "a2", "received_at": "2025-05-06T09:00:00Z"},
    )
    second = tmp_path / "b.ndjson.gz"
    second.write_bytes(gzip.compress(json.dumps(LINE | {"integration": "b1"}).encode() + b"\n\n"))

    order = [line.posted.integration for line in read_recordings([first, second])]

    assert order == ["a1", "b1", "a2"]


def test_one_file_keeps_its_order(tmp_path: Path) -> None:
    """A single recording is read in file order, whatever its receive times."""
    path = write(tmp_path / "a.ndjson", LINE, LINE | {"received_at": "2025-01-01T00:00:00Z"})

    assert [line.number for line in read_recordings([path])] == [1, 2]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"source": "generic"}, "received_at"),
        ({"received_at": "2025-05-06T07:08:09Z"}, "source"),
        ({**LINE, "received_at": "2025-05-06T07:08:09"}, "zone"),
        ({**LINE, "body_text": "x"}, "one of body"),
        ({"received_at": "2025-05-06T07:08:09Z", "source": "generic", "body_base64": "%"}, "base64"),
        ({"received_at": "2025-05-06T07:08:09Z", "source": "generic", "body_text": 1}, "text"),
        ([], "object"),
    ],
)
def test_bad_line(tmp_path: Path, line: object, reason: str) -> None:
    """A line that cannot be read is told with file, line number and reason."""
    path = write(tmp_path / "bad.ndjson", LINE, line)

    with pytest.raises(BadRecording, match=rf"bad\.ndjson:2: .*{reason}"):
        list(read_recordings([path]))


def test_torn_gzip(tmp_path: Path) -> None:
    """A packed file that ends too early is told so."""
    path = tmp_path / "torn.ndjson.gz"
    path.write_bytes(gzip.compress(json.dumps(LINE).encode() * 50)[:-20])

    with pytest.raises(BadRecording, match="whole gzip"):
        list(read_recordings([path]))
