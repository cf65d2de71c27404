"""The walkthrough for a new source works as written: its code is run through the adapter protocol."""

import json
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import msgspec
import pytest

from alertline.incidents.policy import Policy
from consumers.replay import Replay
from ingest.adapter import Adapter, Request
from ingest.catalogue import adapters
from ingest.intake import Posted, receive
from ingest.integrations import Integration
from schemas.events import AlertEvent, TestEvent
from schemas.records import Delivery, decode, encode
from schemas.vocabulary import MilestoneName, Outcome
from tests.docs.documents import ROOT, blocks

PAGE = ROOT / "docs" / "adding-a-source.md"
NOW = datetime(2025, 3, 4, 10, 2, 5, tzinfo=UTC)
PAYLOAD: dict[str, Any]
EXAMPLE: dict[str, Any]
PAYLOAD, EXAMPLE = (json.loads(text) for text in blocks(PAGE, "json"))


@pytest.fixture(scope="module")
def adapter() -> Adapter:
    """The adapter of the page's code block."""
    (code,) = blocks(PAGE, "python")
    module = ModuleType("larkwatch")
    exec(compile(code, str(PAGE), "exec"), module.__dict__)  # noqa: S102 - it is our own page
    found = module.__dict__["ADAPTER"]
    assert isinstance(found, Adapter)
    assert module.__dict__["__all__"] == ["ADAPTER"]
    return found


def take(adapter: Adapter, document: object, received_at: datetime = NOW) -> Delivery:
    """The record that a receiver makes of a body."""
    posted = Posted(integration="larkwatch", body=json.dumps(document).encode(), received_at=received_at)
    record = receive(posted, Integration(name="larkwatch", source="larkwatch"), adapter)
    assert isinstance(record, Delivery)
    assert record == decode(encode(record))
    return record


def test_example_of_the_page(adapter: Adapter) -> None:
    """The example file that the page shows holds, in the form that the tests of adapters read."""
    record = take(adapter, EXAMPLE["body"])

    assert EXAMPLE["outcome"] == record.outcome
    assert EXAMPLE["warnings"] == len(record.warnings)
    for expected, event in zip(EXAMPLE["events"], record.events, strict=True):
        given = json.loads(msgspec.json.encode({name: getattr(event, name) for name in expected}))
        assert expected == given


def test_failing_then_passing_is_one_incident(adapter: Adapter) -> None:
    """Its two notifications come to one incident; the pending window gives the start of the impact."""
    end = datetime(2025, 3, 4, 10, 30, tzinfo=UTC)
    passing = PAYLOAD | {"state": "passing", "recovered_at": end.isoformat()}
    replay = Replay(Policy())

    replay.feed(take(adapter, PAYLOAD))
    replay.feed(take(adapter, passing, end))
    replay.run_on()

    (incident,) = replay.result().incidents
    stamps = {name: stamp.at for name, stamp in incident.milestones.items() if stamp is not None}
    assert datetime(2025, 3, 4, 9, 58, tzinfo=UTC) == stamps[MilestoneName.IMPACT_STARTED]
    assert datetime(2025, 3, 4, 10, tzinfo=UTC) == stamps[MilestoneName.DETECTED]
    assert end == stamps[MilestoneName.RESOLVED]
    assert incident.scope == "production"


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        (PAYLOAD | {"state": "paused"}, Outcome.IGNORED),
        (PAYLOAD | {"state": "wobbling"}, Outcome.QUARANTINED),
        (PAYLOAD | {"run": None}, Outcome.QUARANTINED),
        ([PAYLOAD], Outcome.QUARANTINED),
    ],
)
def test_what_is_no_alert(adapter: Adapter, document: object, outcome: Outcome) -> None:
    """A stopped check is ignored; what cannot be read is quarantined, and never by a slip of the adapter."""
    record = take(adapter, document)

    assert outcome == record.outcome
    assert record.reason is not None
    assert "the adapter failed" not in record.reason


def test_no_time_is_made_up(adapter: Adapter) -> None:
    """Without times the event has none; a test button is no alert."""
    (event,) = take(adapter, PAYLOAD | {"failing_since": None}).events
    (button,) = take(adapter, {"test": True}).events

    assert isinstance(event, AlertEvent)
    assert event.starts_at is None
    assert isinstance(button, TestEvent)


def test_it_is_told_from_others(adapter: Adapter) -> None:
    """It recognises its own body, and nobody else claims it before it."""
    request = Request(body=json.dumps(PAYLOAD).encode(), headers={}, received_at=NOW)

    assert adapter.detect(request)
    assert [name for name, other in adapters().items() if other.rank < adapter.rank and other.detect(request)] == []
