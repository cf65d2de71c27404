"""`sources` and `sources try`: which senders there are, what a pasted body becomes, and from where."""

import asyncio
import io
from pathlib import Path

import orjson
import pytest

from alertline.eventlog.sqlite import SqliteLog
from ingest.catalogue import adapters
from schemas.records import encode
from tests.access.test_sources import delivered
from tests.cli.test_cli import Run, run
from tests.ingest.test_mapping import MAPPING, PROBLEM

__all__ = ["run"]  # the fixture

BODY = {"incident": {"id": "i-1", "name": "Lag", "state": "open", "opened_at": "2025-03-04T10:00:00Z", "env": "prod"}}
GROUP = {
    "alerts": [
        {
            "status": "resolved",
            "labels": {"alertname": "Down", "service": "api"},
            "startsAt": "2025-03-04T10:00:00Z",
            "endsAt": "2025-03-04T10:20:00Z",
            "fingerprint": "f1",
        }
    ],
    "groupKey": "g",
    "receiver": "r",
    "version": "4",
}


@pytest.fixture
def body(tmp_path: Path) -> Path:
    """A pasted body of an unknown shape."""
    path = tmp_path / "body.json"
    path.write_bytes(orjson.dumps(BODY))
    return path


def test_a_guess_as_a_table(run: Run, body: Path) -> None:
    """Each part on a line, with its value and its path; that it is a guess stands above."""
    status, out, _ = run("sources", "try", body)
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.startswith("  ")}

    assert status == 0
    assert "alert 1 of 1, guessed" in out
    assert rows["status"] == ["firing", "/incident/state"]
    assert rows["scope"] == ["prod", "/incident/env"]
    assert rows["starts_at"] == ["2025-03-04T10:00:00Z", "/incident/opened_at"]
    assert rows["identity"] == ["i-1", "/incident/id"]
    assert rows["title"] == ["Lag", "/incident/name"]


def test_what_was_seen(run: Run, tmp_path: Path) -> None:
    """Where a server has run each sender's last delivery and errors are listed; where none has, nothing is made up."""

    async def received() -> None:
        log = await SqliteLog.open(tmp_path / "alertline-data" / "log.db")
        for body in (b'{"title": "x"}', b"<xml>"):
            await log.append("default", encode(delivered(body)))
        await log.close()

    before = run("sources")[1]
    (tmp_path / "alertline-data").mkdir()
    asyncio.run(received())
    after = run("sources")[1]
    [seen] = orjson.loads(run("sources", "--format", "json")[1])["seen"]

    assert "seen " not in before
    assert "seen mail: last delivery 2025-05-06 07:08:09, 2 deliveries, 1 not readable, 0 in part only" in after
    assert (seen["integration"], seen["deliveries"], seen["quarantined"]) == ("mail", 2, 1)


def test_as_json(run: Run, body: Path) -> None:
    """The same for programs."""
    told = orjson.loads(run("sources", "try", body, "--format", "json")[1])

    assert (told["source"], told["recognised"], told["outcome"], told["rejected"]) == ("generic", False, "accepted", [])
    assert told["items"][0]["kind"] == "alert"
    assert told["items"][0]["guessed"] is True
    assert told["items"][0]["parts"]["identity"] == {"value": "i-1", "from": "/incident/id"}


def test_a_known_source(run: Run, tmp_path: Path) -> None:
    """It is recognised; values are found in the body again, and what the adapter made is said to be its."""
    path = tmp_path / "group.json"
    path.write_bytes(orjson.dumps(GROUP))
    told = orjson.loads(run("sources", "try", path, "--format", "json")[1])

    assert (told["source"], told["recognised"]) == ("alertmanager", True)
    parts = told["items"][0]["parts"]
    assert parts["status"] == {"value": "resolved", "from": "/alerts/0/status"}
    assert parts["ends_at"] == {"value": "2025-03-04T10:20:00Z", "from": "/alerts/0/endsAt"}
    assert parts["labels"]["from"] == "/alerts/0/labels"
    assert parts["scope"] == {"value": "default", "from": "nothing says which environment"}


def test_a_mapping_and_rules(run: Run, tmp_path: Path) -> None:
    """An integration is read by its mapping, then by the rules that the correlator goes by."""
    (tmp_path / "alertline.toml").write_text(MAPPING + '\n[[rules.service]]\nset = "waterworks"\n', encoding="utf-8")
    path = tmp_path / "body.json"
    bad = {**PROBLEM, "phase": {"name": "odd"}}
    path.write_bytes(orjson.dumps({"site": {"env": "prod"}, "stations": [{"problems": [PROBLEM, bad]}]}))
    status, out, _ = run("sources", "try", path, "--integration", "acme")

    assert status == 0
    assert "integration acme, stream default" in out
    assert "computed by join('/', [code, to_string(run)])" in out
    (service,) = [line.split(maxsplit=2) for line in out.splitlines() if line.startswith("  service")]
    assert service == ["service", "waterworks", "a rule of the configuration"]
    assert "rejected    item 1, /stations/0/problems/1/phase/name: unknown word 'odd'" in out
    assert "warning     /stations/0/problems/0/since: no zone is stated; read as UTC" in out


def test_from_standard_input_with_a_header(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form is known by its content type."""

    class Piped:
        buffer = io.BytesIO(b"sensor=Ping&device=r1&status=Down")

    monkeypatch.setattr("sys.stdin", Piped())
    status, out, _ = run("sources", "try", "-", "--header", "Content-Type: application/x-www-form-urlencoded")

    assert status == 0
    assert "Ping" in out
    assert "/sensor" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--source", "nobody"), "no integration and no source is called 'nobody'"),
        (("--source", "grafana", "--integration", "x"), "one of --source and --integration"),
        (("--header", "nonsense"), "a header is written as 'Name: value'"),
    ],
)
def test_mistakes(run: Run, body: Path, arguments: tuple[str, ...], words: str) -> None:
    """One line and no trace."""
    status, out, err = run("sources", "try", body, *arguments)

    assert status != 0
    assert out == ""
    assert words in err
    assert len(err.splitlines()) == 1


def test_the_list(run: Run, tmp_path: Path) -> None:
    """Every source with what to paste, and the configured integrations with their addresses."""
    (tmp_path / "alertline.toml").write_text("port = 9000\n" + MAPPING, encoding="utf-8")
    status, out, _ = run("sources")
    told = orjson.loads(run("sources", "--format", "json")[1])

    assert status == 0
    assert [each["name"] for each in told["sources"]] == list(adapters())
    assert all(f"\n{name}: " in f"\n{out}" for name in adapters())
    assert "integration acme: generic, with a mapping, stream default, http://127.0.0.1:9000/v1/webhooks/acme" in out
    assert told["integrations"][0]["address"] == "http://127.0.0.1:9000/v1/webhooks/acme"
    assert "{url}" not in out


def test_a_replay_needs_the_mappings(run: Run, tmp_path: Path) -> None:
    """A recording holds bodies, not mappings: with the file they are read as the server did, else guessed."""
    config = tmp_path / "acme.toml"
    config.write_text(MAPPING, encoding="utf-8")
    body = {"site": {"env": "prod"}, "stations": [{"problems": [PROBLEM]}]}
    line = {"received_at": "2025-03-04T10:00:05Z", "source": "generic", "integration": "acme", "body": body}
    (tmp_path / "day.ndjson").write_bytes(orjson.dumps(line))

    mapped = orjson.loads(run("replay", "day.ndjson", "--events", "--config", config)[1])["deliveries"][0]
    guessed = orjson.loads(run("replay", "day.ndjson", "--events")[1])["deliveries"][0]

    assert (mapped["outcome"], mapped["events"][0]["dedup_key"]) == ("accepted", "P-7/3")
    assert mapped["events"][0]["guessed"] is False
    assert [each["dedup_key"] for each in guessed["events"]] != ["P-7/3"]
