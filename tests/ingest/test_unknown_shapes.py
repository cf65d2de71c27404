"""Bodies of senders that nobody knows: guessed by meaning, marked, with a path for each part, and never a failure."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertline.clock import monotonic
from ingest.adapter import Adapted, Request
from ingest.catalogue import adapters
from ingest.reading.json_body import Unreadable
from ingest.reading.leaves import leaves_of, words_of
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus
from tests.ingest.test_adapters import EXAMPLES, NOW, take

SHAPES = [path for path in EXAMPLES if path.parent.name == "generic" and "body" in json.loads(path.read_text())]
T = "2025-03-04T10:00:00Z"
R = "2025-03-04T10:20:00Z"
START, END = datetime(2025, 3, 4, 10, tzinfo=UTC), datetime(2025, 3, 4, 10, 20, tzinfo=UTC)

names = st.sampled_from(
    [
        "id",
        "status",
        "state",
        "title",
        "name",
        "message",
        "event",
        "type",
        "incident",
        "alert",
        "monitor",
        "created_at",
        "resolvedAt",
        "labels",
        "tags",
        "severity",
        "host",
        "service",
        "data",
        "payload",
        "test",
        "deployment",
        "timestamp",
        "url",
        "previous",
        "alerts",
    ]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.just(T),
    st.just("down"),
)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=8), max_leaves=30
)


def adapted(document: object) -> Adapted:
    """What the generic adapter makes of a document; nothing, where it cannot read it at all."""
    try:
        return adapters()["generic"].adapt(Request(body=orjson.dumps(document), headers={}, received_at=NOW))
    except Unreadable:
        return Adapted()


def one(document: object) -> AlertEvent:
    """The one alert of a document."""
    (event,) = adapted(document).events
    assert isinstance(event, AlertEvent)
    return event


def turned(value: Any) -> Any:
    """The same document with its keys in the other order."""
    if isinstance(value, dict):
        return {name: turned(value[name]) for name in reversed(value)}
    return [turned(each) for each in value] if isinstance(value, list) else value


@given(documents)
def test_nothing_fails_and_the_order_of_keys_changes_nothing(document: object) -> None:
    """Whatever a body holds it becomes a record, and the same one however its sender writes the keys."""
    record = take("generic", orjson.dumps(document))

    assert record.reason is None or "the adapter failed" not in record.reason
    first, second = adapted(document), adapted(turned(document))
    assert [event for event in first.events if getattr(event, "guessed", True)] == [
        event for event in second.events if getattr(event, "guessed", True)
    ]


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: str(path.stem))
def test_every_path_leads_to_its_value(path: Any) -> None:
    """What is said to come from somewhere stands there."""
    example = json.loads(path.read_text())
    result = adapted(example["body"])

    for event, paths in zip(result.events, result.paths, strict=False):
        for part, pointer in paths.items():
            if not pointer.startswith("/") or " " in pointer.replace(" and the host", ""):
                continue
            value: Any = example["body"]
            for step in pointer.removesuffix(" and the host").split("/")[1:]:
                name = step.replace("~1", "/").replace("~0", "~")
                value = value[int(name)] if isinstance(value, list) else value[name]
            if part in ("title", "dedup_key", "service", "host") and not isinstance(value, dict):
                assert str(value).strip().startswith(str(getattr(event, part, value)).rstrip("…")), part


@pytest.mark.parametrize(
    ("fires", "ends"),
    [
        (
            {"event": "check.down", "text": "DOWN: shop since 10:00", "check": {"alias": "shop", "down_since": T}},
            {"event": "check.up", "text": "UP: shop since 10:20", "check": {"alias": "shop"}, "at": R},
        ),
        (
            {"subject": "[FIRING] Disk of db-1 at 97 %", "hostname": "db-1", "date": T, "n": 1},
            {"subject": "[RESOLVED] Disk of db-1 at 20 %", "hostname": "db-1", "date": R, "n": 1},
        ),
        (
            {"notification_id": "n1", "monitor": {"id": 9, "name": "api"}, "is_up": False, "time": T},
            {"notification_id": "n2", "monitor": {"id": 9, "name": "api"}, "is_up": True, "time": R},
        ),
        (
            {"id": "evt1", "type": "alert.triggered", "data": {"alert": {"name": "Lag", "opened_at": T}}},
            {"id": "evt2", "type": "alert.recovered", "data": {"alert": {"name": "Lag", "recovered_at": R}}},
        ),
        (
            {"id": "evt1", "ruleId": "r", "ruleName": "Lag", "node": "n1", "action": "open", "ts": 1741082400},
            {"id": "evt2", "ruleId": "r", "ruleName": "Lag", "node": "n1", "action": "close", "ts": 1741083600},
        ),
    ],
)
def test_a_resolve_finds_its_alert(fires: dict[str, Any], ends: dict[str, Any]) -> None:
    """Firing and resolved of one condition have one identity, whatever differs between two notifications."""
    first, second = one(fires), one(ends)

    assert first.guessed
    assert second.guessed
    assert (first.status, second.status) == (AlertStatus.FIRING, AlertStatus.RESOLVED)
    assert first.identity == second.identity
    assert (first.starts_at, second.ends_at) == (START, END)


def test_conditions_are_told_apart() -> None:
    """One rule on two hosts is two conditions; two titles are, too."""
    rule = {"ruleId": "r", "ruleName": "Lag", "state": "alerting"}

    assert one({**rule, "node": "n1"}).identity != one({**rule, "node": "n2"}).identity
    assert (
        one({"subject": "Disk full", "to": "x", "state": "bad"}).identity
        != one({"subject": "Queue long", "to": "x", "state": "bad"}).identity
    )


def test_our_own_format_beside_other_names_is_not_guessed() -> None:
    """Names of ours mean what they mean, even if there is more in the body; only then are they taken as exact."""
    event = one({"title": "x", "status": "firing", "dedup_key": "k", "pending_for": "5m", "team": "web"})

    assert (event.guessed, event.dedup_key, event.pending_for) == (False, "k", 300.0)


def test_a_status_that_nobody_knows_is_told() -> None:
    """The alert fires, and a warning names the word."""
    result = adapted({"alert": {"name": "x", "id": 5, "status": "flummoxed", "severity": "high"}})

    assert isinstance(result.events[0], AlertEvent)
    assert result.events[0].status is AlertStatus.FIRING
    assert result.warnings == ("/alert/status: unknown word 'flummoxed'; taken for firing",)


def test_an_end_before_the_start_is_left_out() -> None:
    """With a warning: which of the two is wrong nobody can tell."""
    result = adapted({"incident": {"id": 1, "title": "x", "status": "closed", "started_at": R, "ended_at": T}})

    assert isinstance(result.events[0], AlertEvent)
    assert (result.events[0].starts_at, result.events[0].ends_at) == (END, None)
    assert len(result.warnings) == 1


def test_a_query_string_is_read() -> None:
    """Senders that can only request an address."""
    request = Request(body=b"", headers={}, received_at=NOW, query="sensor=Ping&device=r1&status=Up&time=1741083600")
    (event,) = adapters()["generic"].adapt(request).events

    assert isinstance(event, AlertEvent)
    assert (event.title, event.host, event.status, event.ends_at) == ("Ping", "r1", AlertStatus.RESOLVED, END)


@pytest.mark.parametrize("text", ["hello", "", "{'status': 'down'}", "[1, 2", "<alert>is down</alert>", "\x00\x01"])
def test_a_text_that_says_nothing_is_not_guessed(text: str) -> None:
    """It is kept in quarantine, as what cannot be read is; an empty one is ignored."""
    assert take("generic", text.encode()).events == ()


HUGE = {
    "deep": b'{"alert":' * 900 + b'{"status":"down"}' + b"}" * 900,
    "wide": orjson.dumps({f"name{number}": "x" for number in range(60_000)}),
    "items": orjson.dumps({"alerts": [{"title": "x", "number": number} for number in range(20_000)]}),
    "empty items": orjson.dumps([{}] * 250_000),
    "a long text": orjson.dumps({"text": "is now " * 140_000, "from": "x"}),
    "a long line": b"is " * 300_000,
    "texts in texts": orjson.dumps({"a": orjson.dumps({"b": "[" * 90_000}).decode(), "status": "down"}),
}


@pytest.mark.parametrize("body", HUGE.values(), ids=HUGE)
def test_a_hostile_body_costs_little(body: bytes) -> None:
    """A full body is read within a bound that a server survives, whatever it holds (measured: below a second)."""
    began = monotonic()
    record = take("generic", body)

    assert monotonic() - began < timedelta(seconds=10).total_seconds()
    assert record.events or record.reason


def test_a_body_laid_flat() -> None:
    """Names become words; people and the past are left out; JSON in texts is opened; pairs are fields."""
    assert words_of("alertId") == words_of("ALERT-ID") == words_of("alertid") == ("alert", "id")
    document = {
        "user": {"name": "ana"},
        "previous": {"state": "ok"},
        "payload": '{"alert": {"id": 5}}',
        "facts": [{"name": "Host", "value": "db-1"}],
    }
    found = {leaf.pointer: (leaf.owner, leaf.name, leaf.value) for leaf in leaves_of(document)}

    assert found == {"/payload/alert/id": (("alert",), "id", 5), "/facts/0": ((), "host", "db-1")}
