"""The commands that the documents show work as shown."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import orjson
import pytest

from alertline.demo import recording
from tests.docs.documents import DOCUMENTS, ROOT, blocks, commands
from tests.support.server import Server, until

SHOWN = [(document, words) for document in DOCUMENTS for words in commands(document, "alertline")]
ADDRESS = "http://127.0.0.1:8080"
# cheap, and they need no server: these are run; of the others the options are looked up
CHEAP = (("replay",), ("config", "check"))


def _id(value: object) -> str:
    return value.name if isinstance(value, Path) else " ".join(str(word) for word in value)  # type: ignore[attr-defined]


def _alertline(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ALERTLINE_")}
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        [sys.executable, "-m", "alertline", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def _help(*command: str) -> str:
    shown = _alertline(*command, "--help")
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def test_there_are_commands_to_look_at() -> None:
    """The extraction finds what a reader sees."""
    assert {"replay", "serve", "export", "send"} <= {words[1] for _, words in SHOWN}


@pytest.mark.parametrize(("document", "words"), SHOWN, ids=_id)
def test_options_exist(document: Path, words: list[str]) -> None:
    """Every command that is shown is one, and knows the options that it is given."""
    group = words[1] in ("config", "db", "quarantine", "token") or words[1:3] == ["sources", "try"]
    text = _help(*(words[1:3] if group else words[1:2]))

    assert [word for word in words if word.startswith("--") and not re.search(rf"{re.escape(word)}\b", text)] == []


@pytest.mark.parametrize(
    ("document", "words"),
    [each for each in SHOWN if tuple(each[1][1:2]) in CHEAP or tuple(each[1][1:3]) in CHEAP],
    ids=_id,
)
def test_cheap_commands_run(document: Path, words: list[str], tmp_path: Path) -> None:
    """Commands on a recording end well, on any recording of the name that is shown."""
    for word in words:
        if word.endswith((".ndjson", ".ndjson.gz")):
            path = tmp_path / word
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(recording("load-balancer"))
        elif word.endswith(".toml"):
            (tmp_path / word).touch()

    done = _alertline(*words[1:], folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_recording_that_is_shown(tmp_path: Path) -> None:
    """The example of the format is a recording, of one incident with the times that it tells."""
    (example,) = [text for text in blocks(ROOT / "docs" / "recordings.md", "json") if "received_at" in text]
    (tmp_path / "example.ndjson").write_text(example, encoding="utf-8")

    done = _alertline("replay", "example.ndjson", folder=tmp_path)

    (incident,) = orjson.loads(done.stdout)["incidents"]
    stamps = incident["milestones"]
    assert stamps["impact_started"]["at"] == "2024-08-20T14:00:00Z"
    assert stamps["resolved"]["at"] == "2024-08-20T15:45:00Z"
    assert "hypothesis" in {row["kind"] for row in incident["timeline"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One empty server for all the curl commands of the README, which build on each other."""
    with Server(tmp_path_factory.mktemp("docs") / "data") as started:
        started.start().ready()
        yield started


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_commands_of_the_readme(server: Server) -> None:
    """Run in order against an empty server, they make one incident that holds all that they say."""
    shown = commands(ROOT / "README.md", "curl")
    for words in shown:
        told = [word.replace(ADDRESS, server.address) for word in words[1:]]
        done = subprocess.run(["curl", "-sS", "--fail-with-body", *told], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    wanted = {"alert_fired", "hypothesis", "rollback", "acknowledged"}
    incident = until(lambda: _told(server, wanted), f"an incident with {wanted}")
    assert incident["title"] == "5xx above 5 % on api"
    assert len(shown) >= 5


def _told(server: Server, wanted: set[str]) -> dict[str, object] | None:
    incidents = server.get("/v1/incidents")[1]["incidents"]
    kinds = {row["kind"] for each in incidents for row in each["timeline"]}
    return incidents[0] if len(incidents) == 1 and wanted <= kinds else None


def test_statements_of_the_api_page_are_taken(server: Server) -> None:
    """Each entry, change and command that the page shows is read without a warning."""
    shown = [orjson.loads(text) for text in blocks(ROOT / "docs" / "api.md", "json") if '"type": "' in text]
    statements = [each for each in shown if each["type"] in ("entry", "change", "command")]

    answers = [server.post("/v1/webhooks/alertline", each) for each in statements]

    assert len(answers) == 3
    assert [(status, answer["accepted"]) for status, answer in answers] == [(202, 1)] * 3


def test_json_that_is_shown_is_json() -> None:
    """Every block that says it is JSON is: whole, or one document a line."""
    for document in DOCUMENTS:
        for text in blocks(document, "json"):
            try:
                orjson.loads(text)
            except orjson.JSONDecodeError:
                for line in text.splitlines():
                    orjson.loads(line)
