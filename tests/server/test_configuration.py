"""A configuration that changes while a server runs, between its lives, and in the replay of its log."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.server import Server, until
from tests.support.story import time

COMMAND = (sys.executable, "-m", "alertline")
SLOW = '[windows]\nquiet = "30m"\nreopen = "1h"\n[[rules.service]]\nmatch = {title = "*disk*"}\nset = "storage"\n'
QUICK = '[windows]\nquiet = "2m"\n[integrations.lab]\nsource = "generic"\nstream = "lab"\n'


def alertline(*arguments: str | Path) -> bytes:
    """What a command prints."""
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, check=True).stdout


class Playing:
    """Posts one alert's notifications to a server on recorded time."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def at(self, received: str, key: str, start: str, end: str | None = None, to: str = "generic") -> None:
        """A notification of an alert, applied when it returns."""
        body = {"dedup_key": key, "title": f"{key} fails", "service": "api", "starts_at": time(start).isoformat()}
        body |= {"status": "resolved", "ends_at": time(end).isoformat()} if end else {"status": "firing"}
        headers = {"Alertline_Received_At": time(received).isoformat()}
        status, answer = self._server.post(f"/v1/webhooks/{to}", body, **headers)
        assert status == 202, answer
        self._server.applied(answer["delivery"])

    def tick(self, at: str) -> None:
        """Log time runs on; an empty delivery behind the tick says when it is applied."""
        headers = {"Alertline_Received_At": time(at).isoformat()}
        tick = {"type": "tick", "at": time(at).isoformat()}
        assert self._server.post("/v1/webhooks/alertline", tick, **headers)[0] == 202
        _, answer = self._server.post("/v1/webhooks/alertline", b"", **headers)
        self._server.applied(answer["delivery"])


def shown(incidents: list[Any]) -> dict[str, bytes]:
    """Each incident to the byte."""
    return {each["id"]: orjson.dumps(each) for each in incidents}


def lines(recording: bytes) -> list[dict[str, Any]]:
    """The lines of an export that are configurations."""
    found = [orjson.loads(line) for line in recording.splitlines()]
    return [line for line in found if line.get("body", {}).get("type") == "configuration"]


def test_a_configuration_that_changes_in_the_middle(tmp_path: Path) -> None:
    """By a command beside the server, and by another file at its next start; the export tells all of it."""
    file, data = tmp_path / "alertline.toml", tmp_path / "data"
    file.write_text(SLOW)
    with Server(data, "--recorded-time", "--config", str(file), "--record", str(tmp_path / "taken.ndjson")) as server:
        playing = Playing(server.start().ready())
        playing.at("10:00:30", "disk", "10:00")
        playing.at("10:10", "disk", "10:00", "10:10")
        playing.at("10:20:30", "other", "10:20")  # 30 minutes have not passed
        assert sorted(name for each in server.incidents() for name in each["services"]) == ["api", "storage"]
        file.write_text(QUICK)
        applied = alertline("config", "apply", "--config", file, "--data", data, "--recorded-time")
        assert b"holds from here on in: default, lab" in applied
        assert b"holds already" in alertline("config", "apply", "--config", file, "--data", data, "--recorded-time")
        playing.at("10:40", "other", "10:20", "10:40")
        playing.at("10:43:30", "disk", "10:43")
        assert "resolved" in {each["status"] for each in server.incidents()}  # 2 minutes have passed
        assert server.stop() == 0

        file.write_text(SLOW + '[integrations.lab]\nsource = "generic"\nstream = "lab"\n')
        playing = Playing(server.start().ready())
        playing.at("10:50", "lab disk", "10:49", to="lab")
        playing.at("11:00", "disk", "10:43", "11:00")
        playing.at("11:20:30", "other", "11:20")
        playing.tick("12:00")
        recording = alertline("export", "--data", data)
        (tmp_path / "exported.ndjson").write_bytes(recording)
        replayed = orjson.loads(alertline("replay", tmp_path / "exported.ndjson"))
        assert shown(replayed["incidents"]) == shown(server.incidents())
        quicker = orjson.loads(alertline("replay", tmp_path / "exported.ndjson", "--config", "/dev/null"))
        assert shown(quicker["incidents"]) != shown(server.incidents())
        later = alertline("export", "--data", data, "--from", time("10:45").isoformat())

    told = [line["body"]["configuration"]["windows"]["quiet"] for line in lines(recording)]
    assert told == ["PT1800S", "PT120S", "PT120S", "PT1800S", "PT1800S"]
    assert [line.get("stream", "default") for line in lines(later)] == ["lab", "default"]
    assert {line["body"]["configuration"]["windows"]["quiet"] for line in lines(later)} == {"PT1800S"}
    assert server.printed().count("configuration.changed") == 2
    assert orjson.loads((tmp_path / "taken.ndjson").read_bytes().splitlines()[0])["body"]["type"] == "configuration"


def test_the_store_may_be_made_again_with_another_file(tmp_path: Path) -> None:
    """What was decided follows from the log: a file that changed holds from its own record on, not before."""
    file, data = tmp_path / "alertline.toml", tmp_path / "data"
    file.write_text(SLOW)
    with Server(data, "--recorded-time", "--config", str(file)) as server:
        playing = Playing(server.start().ready())
        playing.at("10:00:30", "disk", "10:00")
        playing.at("10:10", "disk", "10:00", "10:10")
        playing.at("10:30", "disk", "10:29")
        playing.at("10:35", "disk", "10:29", "10:35")
        before = shown(server.incidents())
        assert server.stop() == 0

        for part in data.glob("store.db*"):
            part.unlink()
        server.start().ready()
        until(lambda: len(server.incidents()) == len(before) or None, "the incidents, made again")
        until(lambda: shown(server.incidents()) == before or None, "the same incidents")
        assert server.printed().count("configuration.changed") == 1
        assert server.stop() == 0

        file.write_text(QUICK)
        server.start().ready()
        assert shown(server.incidents()) == before
        assert server.printed().count("configuration.changed") == 2


@pytest.mark.parametrize("text", ["[topology]\ncsv = ['none.csv']\n", "[thresholds]\nattach = 0\n"])
def test_a_server_does_not_start_with_a_mistake(tmp_path: Path, text: str) -> None:
    """One line and status 2, before anything is opened."""
    file = tmp_path / "alertline.toml"
    file.write_text(text)
    done = subprocess.run(
        [*COMMAND, "serve", "--port", "0", "--data", tmp_path / "data", "--config", file],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()
