"""What bodies mean: our own golden examples, and the shared corpus where it is at hand."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingest.adapter import Adapted, Request
from ingest.catalogue import adapters, detect
from ingest.intake import Posted, receive
from ingest.integrations import Integration
from ingest.reading.secrets import kept_headers
from schemas.events import AlertEvent, Change, Command, TestEvent
from schemas.records import Delivery, Tick, decode, encode
from schemas.vocabulary import AlertStatus, Outcome

HERE = Path(__file__).parent
EXAMPLES = sorted(HERE.glob("examples/*/*.json"))
CORPUS = HERE.parents[2] / "shared" / "payloads"
INDEX: dict[str, Any] = json.loads((CORPUS / "index.json").read_text()) if (CORPUS / "index.json").exists() else {}
CASES = [case for case in INDEX.get("cases", []) if case["vendor"] in adapters()]
# what the corpus states beside our events' fields is about the body, or only for people
FIELDS = frozenset(AlertEvent.__struct_fields__)
OUTCOMES = {"control": Outcome.CONTROL, "ignored": Outcome.IGNORED}
MALFORMED = INDEX.get("malformed", [])
NOW = datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC)

needs_corpus = pytest.mark.skipif(not INDEX, reason="the shared corpus of payloads is not beside the repository")


def take(
    source: str,
    body: bytes,
    headers: dict[str, str] | None = None,
    path: str = "",
    method: str = "POST",
    received_at: datetime = NOW,
) -> Delivery:
    """The record of a request; `path` may have a query."""
    where, _, query = path.partition("?")
    posted = Posted(
        integration=source,
        body=body,
        headers=tuple((headers or {}).items()),
        path=where or None,
        query=query or None,
        method=method,
        received_at=received_at,
    )
    record = receive(
        posted,
        Integration(name=source, source=source),
        adapters()[source],
    )
    assert isinstance(record, Delivery)
    assert record == decode(encode(record))  # whatever it holds, it survives the log
    return record


def adapt(source: str, document: object) -> Adapted:
    """What the adapter alone makes of a document."""
    body = json.dumps(document).encode()
    return adapters()[source].adapt(Request(body=body, headers={}, received_at=NOW))


def shown(event: object) -> dict[str, Any]:
    """An event with all its fields, as JSON shows them."""
    every = {name: getattr(event, name) for name in getattr(event, "__struct_fields__", ())}
    plain: dict[str, Any] = json.loads(msgspec.json.encode(every))
    plain |= json.loads(msgspec.json.encode(event))
    return plain


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_golden_example(path: Path) -> None:
    """Each example gives the events, the rejected items and the outcome that it states."""
    example = json.loads(path.read_text())

    body = example["body_text"] if "body_text" in example else json.dumps(example["body"])
    where = {name: example[name] for name in ("headers", "path", "method") if name in example}
    moment = datetime.fromisoformat(example["received_at"]) if "received_at" in example else NOW
    record = take(path.parent.name, body.encode(), received_at=moment, **where)

    assert example["outcome"] == record.outcome, record.reason
    assert len(example["events"]) == len(record.events)
    for expected, event in zip(example["events"], record.events, strict=True):
        given = shown(event)
        assert expected == {name: given.get(name) for name in expected}
    told = [{"index": one.index, "pointer": one.pointer} for one in record.rejected]
    assert example["rejected"] == told
    assert example["warnings"] == len(record.warnings), record.warnings


def headers_of(case: dict[str, Any]) -> dict[str, str]:
    """The headers of a corpus case."""
    kind = {"Content-Type": case["content_type"]} if case.get("content_type") else {}
    headers: dict[str, str] = kind | case.get("headers", {})
    return headers


def received_at_of(case: dict[str, Any]) -> datetime:
    """When a corpus case is to be received, where what it means depends on that."""
    stated = re.search(r"received_at = (\S+Z)", case.get("provenance", ""))
    return datetime.fromisoformat(stated.group(1)) if stated else NOW


@needs_corpus
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["file"]))
def test_corpus_case(case: dict[str, Any]) -> None:
    """Real samples give the normalized results that the corpus states."""
    body, moment = (CORPUS / case["file"]).read_bytes(), received_at_of(case)
    record = take(case["vendor"], body, headers_of(case), case.get("path", ""), received_at=moment)

    outcome = OUTCOMES.get(case["expect"][0]["kind"], Outcome.ACCEPTED)
    assert record.outcome is outcome
    if outcome is not Outcome.ACCEPTED:
        assert (record.events, bool(record.reason)) == ((), True)
        return
    assert len(case["expect"]) == len(record.events)
    for expected, event in zip(case["expect"], record.events, strict=True):
        if expected["kind"] == "change":
            assert isinstance(event, Change)
            assert (expected["title"], expected["service"]) == (event.text, event.service)
            assert event.at == (datetime.fromisoformat(expected["occurred_at"]) if expected["occurred_at"] else None)
            continue
        if expected["kind"] == "test":
            assert isinstance(event, TestEvent)
            continue
        assert isinstance(event, AlertEvent)
        given = shown(event)
        for name, value in expected.items():
            # an event needs both: where the sender gives none, ours stand in
            if name not in FIELDS or (name in ("dedup_key", "title") and value is None):
                continue
            if name == "value":
                assert float(value) == given[name]  # senders of forms know no numbers
            elif name in ("starts_at", "ends_at"):
                assert (None if value is None else datetime.fromisoformat(value)) == getattr(event, name)
            else:
                assert value == given.get(name), name


@needs_corpus
@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: str(case["file"]))
@pytest.mark.parametrize("source", sorted(adapters()))
def test_malformed_body(case: dict[str, Any], source: str) -> None:
    """No malformed body raises; it gets an outcome, and a reason where it is not accepted."""
    record = take(source, (CORPUS / case["file"]).read_bytes())

    assert record.outcome is Outcome.ACCEPTED or record.reason


@needs_corpus
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["file"]))
def test_detection(case: dict[str, Any]) -> None:
    """A body that was posted without naming its sender is recognised, or nobody claims it."""
    body = (CORPUS / case["file"]).read_bytes()
    headers = kept_headers(tuple(headers_of(case).items()))
    found = detect(Request(body=body, headers=headers, received_at=NOW, path=case.get("path")))

    assert found is None or found.name == case["vendor"]
    assert found is not None or case["vendor"] == "generic"


def alert(status: str, starts_at: datetime, ends_at: datetime | None) -> dict[str, object]:
    """One alert as Alertmanager writes it."""
    labels = {"alertname": "Down", "service": "api", "severity": "critical"}
    ends = ends_at.isoformat() if ends_at else "0001-01-01T00:00:00Z"
    return {"status": status, "labels": labels, "annotations": {}, "startsAt": starts_at.isoformat(), "endsAt": ends}


def test_fire_resolve_fire_again() -> None:
    """One condition keeps its identity from episode to episode, each with its own times."""
    first, second = NOW, NOW + timedelta(hours=1)
    told = [
        alert("firing", first, None),
        alert("resolved", first, first + timedelta(minutes=5)),
        alert("firing", second, None),
    ]

    events = [adapt("alertmanager", {"alerts": [one], "groupKey": "g"}).events[0] for one in told]

    assert all(isinstance(event, AlertEvent) for event in events)
    alerts = [event for event in events if isinstance(event, AlertEvent)]
    assert len({event.identity for event in alerts}) == 1
    assert [first, first, second] == [event.starts_at for event in alerts]
    assert [None, first + timedelta(minutes=5), None] == [event.ends_at for event in alerts]
    assert [event.status for event in alerts] == [AlertStatus.FIRING, AlertStatus.RESOLVED, AlertStatus.FIRING]


def test_strict_and_lenient_reading_agree() -> None:
    """A body that must be read leniently gives the same events for its sound items as the fast reading."""
    sound = alert("resolved", NOW, NOW + timedelta(seconds=1))
    strict = adapt("alertmanager", {"alerts": [sound, sound]})
    lenient = adapt("alertmanager", {"alerts": [sound, sound, 1]})

    assert strict.events == lenient.events
    assert [one.index for one in lenient.rejected] == [2]


def test_commands_need_permission() -> None:
    """Credentials that may only deliver cannot give commands."""
    body = json.dumps({"type": "command", "command": "close"}).encode()

    refused = adapters()["alertline"].adapt(Request(body=body, headers={}, received_at=NOW, commands=False))
    taken = adapters()["alertline"].adapt(Request(body=body, headers={}, received_at=NOW))

    assert [one.pointer for one in refused.rejected] == ["/type"]
    assert isinstance(taken.events[0], Command)


@pytest.mark.parametrize(
    ("value", "pointer", "words"),
    [
        (None, "/configuration", "Expected `object`"),
        ({"windows": {"quiet": "soon"}}, "/configuration", "Invalid ISO8601 duration"),
        ({"windows": {"quiet": "-PT5M"}}, "/configuration", "windows.quiet must be more than nothing"),
        ({"scope_rules": [{"label": "a", "regex": "("}]}, "/configuration", "is no regular expression"),
    ],
)
def test_a_configuration_that_cannot_hold_is_quarantined(value: object, pointer: str, words: str) -> None:
    """Nothing of it reaches the correlator; the reason is kept."""
    body = json.dumps({"type": "configuration", "configuration": value}).encode()
    posted = Posted(integration="alertline", body=body, received_at=NOW)

    record = receive(posted, Integration(name="alertline", source="alertline"), adapters()["alertline"], ticks=True)

    assert isinstance(record, Delivery)
    assert record.outcome is Outcome.QUARANTINED
    assert record.rejected[0].pointer == pointer
    assert words in record.rejected[0].reason


@pytest.mark.parametrize(
    ("body", "good"), [({"at": "2025-01-01T00:00:00Z"}, True), ({}, False), ({"at": "soon"}, False)]
)
def test_tick(body: dict[str, str], good: bool) -> None:
    """In recorded time a tick with a time becomes a tick record; without one it is quarantined."""
    posted = Posted(integration="alertline", body=json.dumps({"type": "tick"} | body).encode(), received_at=NOW)

    record = receive(posted, Integration(name="alertline", source="alertline"), adapters()["alertline"], ticks=True)

    if good:
        assert Tick(stream="default", at=datetime(2025, 1, 1, tzinfo=UTC)) == record
    else:
        assert isinstance(record, Delivery)
        assert record.outcome is Outcome.QUARANTINED


def test_every_adapter_tells_about_itself() -> None:
    """Each source says what to paste, what is read, and what cannot be known: the documentation is made of it."""
    for adapter in adapters().values():
        about = adapter.about
        assert "{url}" in about.paste
        assert all((about.title, about.reads, about.cannot_know))
