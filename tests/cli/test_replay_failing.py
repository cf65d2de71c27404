"""A recording with a line on which the core fails: left out, as a server does, and told of."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from alertline.cli.recordings import replay
from alertline.incidents.engine import Step, step
from alertline.incidents.memory.state import EPOCH, StreamState
from alertline.incidents.policy import Policy
from consumers.replay import Replay
from schemas.records import Delivery, Record, Tick
from tests.support.generated import logs


def line(at: str, title: str) -> bytes:
    """A line of a recording."""
    body = {"title": title, "dedup_key": title, "status": "firing", "starts_at": at}
    return orjson.dumps({"received_at": at, "source": "generic", "body": body}) + b"\n"


def test_a_failing_line_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is as if it, and its copy, were not there; `--events` says what became of it, and standard error why."""

    def failing(state: StreamState, offset: int, record: Record) -> Step:
        taken = step(state, offset, record)  # it fails after it has changed its memory
        if isinstance(record, Delivery) and "bad" in (record.body or "") and taken.duplicate_of is None:
            raise ZeroDivisionError("a slip")
        return taken

    good = [line("2025-03-04T10:00:00Z", "one"), line("2025-03-04T10:00:20Z", "two")]
    bad = line("2025-03-04T10:00:10Z", "bad")
    (tmp_path / "good.ndjson").write_bytes(b"".join(good))
    (tmp_path / "both.ndjson").write_bytes(good[0] + bad + good[1] + bad)
    expected = CliRunner().invoke(replay, [str(tmp_path / "good.ndjson")])
    monkeypatch.setattr("consumers.replay.step", failing)

    found = CliRunner().invoke(replay, [str(tmp_path / "both.ndjson")])
    told = orjson.loads(CliRunner().invoke(replay, [str(tmp_path / "both.ndjson"), "--events"]).stdout)

    assert found.stdout == expected.stdout
    assert found.stderr == "line 2 is left out: the correlator failed on it: ZeroDivisionError\n"
    assert [each["outcome"] for each in told["deliveries"]] == ["accepted", "quarantined", "accepted", "accepted"]


@given(logs(), st.data())
def test_what_is_left_out_leaves_nothing(log: list[Delivery], data: st.DataObject) -> None:
    """Whatever the core had done before it failed: the rest comes to what it comes to alone."""
    bad = {each.id for each in log if data.draw(st.booleans())}
    whole, rest = Replay(Policy()), Replay(Policy())

    def failing(state: StreamState, offset: int, record: Record) -> Step:
        taken = step(state, offset, record)
        if isinstance(record, Delivery) and record.id in bad and taken.duplicate_of is None:
            raise ZeroDivisionError("a slip")
        return taken

    with pytest.MonkeyPatch.context() as slips:
        slips.setattr("consumers.replay.step", failing)
        for record in log:
            alone: Record = record
            try:
                if whole.feed(record).duplicate_of is not None:
                    alone = Tick(stream=record.stream, at=record.received_at)
            except ZeroDivisionError:
                whole.leave_out(record)
                alone = Tick(stream=record.stream, at=EPOCH)  # nothing but its place in the log
            rest.feed(alone)
    for each in (whole, rest):
        each.run_on()
    assert whole.result() == rest.result()
