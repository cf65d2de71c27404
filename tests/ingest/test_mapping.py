"""Mappings by configuration: what is read from where, what is told when it cannot be, and that paths are true."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from alertline.config import load_settings
from alertline.errors import SettingError
from alertline.wiring.integrations import integrations_of
from ingest.adapter import Adapted, Request
from ingest.intake import take
from ingest.integrations import Integrations
from schemas.events import AlertEvent
from schemas.records import Delivery
from schemas.vocabulary import AlertStatus, Outcome, Severity

NOW = datetime(2025, 3, 4, 11, tzinfo=UTC)
START = datetime(2025, 3, 4, 10, tzinfo=UTC)

MAPPING = """
[integrations.acme]
source = "generic"

[integrations.acme.mapping]
items = "stations[].problems[]"
title = "what || code"
status = "phase.name"
identity = "code"
dedup_key = "join('/', [code, to_string(run)])"
severity = "grade"
starts_at = "since"
ends_at = "until"
pending_for = "after"
environment = "$.site.env"
value = "measured"
labels = { crew = "crew[0]", code = "code" }

[integrations.acme.mapping.words]
firing = ["acute"]
resolved = ["over"]
ignored = ["drill"]

[integrations.acme.mapping.severities]
critical = ["red"]
"""
PROBLEM: dict[str, Any] = {
    "code": "P-7",
    "run": 3,
    "what": "Pump stands",
    "phase": {"name": "Acute"},
    "grade": "RED",
    "since": "2025-03-04 10:00:00",
    "until": 0,
    "after": "2m",
    "crew": ["east", "west"],
    "measured": 0.5,
    "service": {"name": "pumps"},
}


def integrations(tmp_path: Path, text: str = MAPPING) -> Integrations:
    """The integrations of a configuration."""
    file = tmp_path / "alertline.toml"
    file.write_text(text, encoding="utf-8")
    return integrations_of(load_settings(file, {}))


def read(tmp_path: Path, *problems: object, text: str = MAPPING, body: object = None) -> tuple[Adapted, Delivery]:
    """What the problems of a station become, and the record."""
    found = integrations(tmp_path, text).find("acme")
    assert found is not None
    document = body if body is not None else {"site": {"env": "prod"}, "stations": [{}, {"problems": problems}]}
    request = Request(body=orjson.dumps(document), headers={}, received_at=NOW)
    record = take(request, *found)
    assert isinstance(record, Delivery)
    return found[1].adapt(request), record


def test_every_part_and_its_path(tmp_path: Path) -> None:
    """Each part is what its expression finds; what an expression only picks has a pointer, the rest says how."""
    result, _ = read(tmp_path, PROBLEM)
    (event,), (paths,) = result.events, result.paths

    assert isinstance(event, AlertEvent)
    assert (event.title, event.status, event.identity, event.dedup_key) == (
        "Pump stands",
        AlertStatus.FIRING,
        "P-7",
        "P-7/3",
    )
    assert (event.severity, event.severity_raw, event.environment) == (Severity.CRITICAL, "RED", "prod")
    assert (event.starts_at, event.ends_at, event.pending_for, event.value) == (START, None, 120.0, 0.5)
    assert event.labels == {"crew": "east", "code": "P-7"}
    assert not event.guessed
    item = "/stations/1/problems/0"
    assert paths["title"] == f"{item}/what"
    assert paths["status"] == f"{item}/phase/name"
    assert paths["environment"] == "/site/env"
    assert paths["dedup_key"] == "computed by join('/', [code, to_string(run)])"
    assert paths["labels"] == f"crew: {item}/crew/0; code: {item}/code"
    assert result.warnings == (f"{item}/since: no zone is stated; read as UTC",)


def test_what_is_left_out_is_guessed(tmp_path: Path) -> None:
    """The service has no expression: it is found as in any unknown shape, and its path says so."""
    result, _ = read(tmp_path, PROBLEM)

    assert isinstance(result.events[0], AlertEvent)
    assert result.events[0].service == "pumps"
    assert result.paths[0]["service"] == "/stations/1/problems/0/service/name (guessed)"


def test_a_mapped_part_that_is_not_there_is_not_guessed(tmp_path: Path) -> None:
    """An expression that finds nothing leaves the part unset, although a guess would have found something."""
    told = {name: value for name, value in PROBLEM.items() if name != "since"} | {"started_at": "2025-03-04T09:00:00Z"}
    result, _ = read(tmp_path, told)

    assert isinstance(result.events[0], AlertEvent)
    assert result.events[0].starts_at is None


def test_words_of_the_mapping_and_of_everybody(tmp_path: Path) -> None:
    """The table decides, then the usual words; an unknown one is rejected where it stands; ignored ones are told."""
    words = ("over", "closed", "acute", "drill", "whatever")
    result, record = read(tmp_path, *({**PROBLEM, "phase": {"name": word}} for word in words))

    assert [event.status for event in result.events if isinstance(event, AlertEvent)] == [
        AlertStatus.RESOLVED,
        AlertStatus.RESOLVED,
        AlertStatus.FIRING,
    ]
    assert [event.item for event in result.events] == [0, 1, 2]
    assert [(one.index, one.pointer) for one in record.rejected] == [
        (3, "/stations/1/problems/3"),
        (4, "/stations/1/problems/4/phase/name"),
    ]
    assert record.outcome is Outcome.PARTIAL


def test_only_ignored_words(tmp_path: Path) -> None:
    """Nothing in the body concerns us."""
    _, record = read(tmp_path, {**PROBLEM, "phase": {"name": "drill"}})

    assert record.outcome is Outcome.IGNORED


def test_other_bodies_of_the_same_sender(tmp_path: Path) -> None:
    """Where the mapping finds no items the body is read without it, with a warning; no sender is told 422."""
    result, record = read(tmp_path, body={"title": "x", "status": "firing"})
    _, unreadable = read(tmp_path, body={"hello": "world"})

    assert len(result.events) == 1
    assert result.warnings == ("the mapping finds no items at 'stations[].problems[]': read without it",)
    assert record.outcome is Outcome.ACCEPTED
    assert unreadable.outcome is Outcome.QUARANTINED
    found = integrations(tmp_path).find("acme")
    assert found is not None
    assert not found[1].own


def test_an_expression_that_cannot_be_applied_loses_nothing(tmp_path: Path) -> None:
    """A text where a list is needed, a time that is none: left out, each with a warning."""
    broken = {**PROBLEM, "code": ["no", "text"], "since": "at noon", "after": "long"}
    result, _ = read(tmp_path, broken)

    assert len(result.events) == 1
    assert len(result.warnings) == 3
    assert result.warnings[0].startswith("dedup_key: ")


def test_an_end_counts_only_of_what_ended(tmp_path: Path) -> None:
    """A firing alert has no end, and no end lies before its start."""
    over = {**PROBLEM, "phase": {"name": "over"}}
    ends = [
        read(tmp_path, {**each, "until": until})[0].events[0].ends_at  # type: ignore[union-attr]
        for each, until in ((PROBLEM, 1741083600), (over, 1741083600), (over, 1741080000))
    ]

    assert ends == [None, datetime(2025, 3, 4, 10, 20, tzinfo=UTC), None]


def test_a_list_is_several_items(tmp_path: Path) -> None:
    """Without `items` a list is one alert each, and pointers begin with the index; one key stands for both."""
    text = '[integrations.acme]\nsource = "generic"\nmapping = { title = "t", status = "s", dedup_key = "k" }\n'
    body = [{"t": "a", "s": "open", "k": "1"}, {"t": "b", "s": "closed", "k": "2"}]
    result, _ = read(tmp_path, text=text, body=body)

    assert [event.identity for event in result.events if isinstance(event, AlertEvent)] == ["1", "2"]
    assert [paths["title"] for paths in result.paths] == ["/0/t", "/1/t"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('title = "a.["', "integrations.acme.mapping.title: 'a.[' is no JMESPath expression: mistake at character 4"),
        (
            'title = "$.a b"',
            "integrations.acme.mapping.title: '$.a b' is no JMESPath expression: mistake at character 5",
        ),
        (
            'title = "a ` b"',
            "integrations.acme.mapping.title: 'a ` b' is no JMESPath expression: mistake at character 3",
        ),
        ('title = ""', "integrations.acme.mapping.title: an expression is expected, not nothing"),
        ('title = "upper(a)"', "integrations.acme.mapping.title: 'upper(a)': unknown function: upper()"),
        ('labels = { x = "a[" }', "integrations.acme.mapping.labels.x: 'a[' is no JMESPath expression: mistake"),
        ('words = { fire = ["x"] }', "integrations.acme.mapping.words: unknown 'fire'; one of: firing, "),
        ('words = { firing = ["x"], resolved = ["X"] }', "words: 'X' stands twice, with two meanings"),
        ('severities = { red = ["x"] }', "mapping.severities: unknown 'red'; one of: critical"),
        ('tilte = "x"', "unknown setting 'tilte' in [integrations.NAME.mapping]; did you mean 'title'?"),
    ],
)
def test_a_mapping_that_cannot_be_used(tmp_path: Path, line: str, words: str) -> None:
    """One line that says where, and what would be right."""
    text = f'[integrations.acme]\nsource = "generic"\n[integrations.acme.mapping]\n{line}\n'
    with pytest.raises(SettingError) as caught:
        integrations(tmp_path, text)

    assert words in str(caught.value)


def test_a_mapping_of_a_source_that_needs_none(tmp_path: Path) -> None:
    """Vendors that we know are read by their adapters."""
    with pytest.raises(SettingError, match="a mapping goes with source = 'generic', not 'grafana'"):
        integrations(tmp_path, '[integrations.x]\nsource = "grafana"\nmapping = { title = "t" }\n')
