"""What a server's log is exported as replays to the server's own incidents."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from alertline.clock import now
from tests.support.server import Server, until
from tests.support.story import time

COMMAND = (sys.executable, "-m", "alertline")


def alertline(*arguments: str | Path) -> bytes:
    """What a command prints."""
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, check=True).stdout


def exported(server: Server, *filters: str) -> bytes:
    """The log of a server, beside it."""
    return alertline("export", "--data", server.folder, *filters)


def replayed(recording: bytes, folder: Path, *options: str | Path) -> dict[str, Any]:
    """What a recording comes to."""
    file = folder / "exported.ndjson"
    file.write_bytes(recording)
    found: dict[str, Any] = orjson.loads(alertline("replay", file, *options))
    return found


def same(replay: dict[str, Any], server: Server) -> None:
    """Both tell the same incidents and the same unattached statements, to the byte; the order is the list's own."""
    shown = {each["id"]: orjson.dumps(each) for each in server.incidents()}
    assert {each["id"]: orjson.dumps(each) for each in replay["incidents"]} == shown
    waiting = server.get("/v1/unattached")[1]["unattached"]
    assert sorted(map(orjson.dumps, replay["unattached"])) == sorted(map(orjson.dumps, waiting))


class Recorded:
    """Plays a day through a server on recorded time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.last = ""

    def at(self, received: str, source: str, body: object, expected: int = 202, **headers: str) -> str:
        """Post a body as if it were received at a time of day; gives the delivery's id."""
        headers |= {"Alertline_Received_At": time(received).isoformat()}
        status, answer = self._server.post(f"/v1/webhooks/{source}", body, **headers)
        assert status == expected, answer
        self.last = answer["delivery"] or self.last
        return self.last

    def tick(self, at: str) -> None:
        """Log time runs on."""
        self.at(at, "alertline", {"type": "tick", "at": time(at).isoformat()})

    def settled(self) -> None:
        """Wait until all of it is applied."""
        self._server.applied(self.last)


def alert(key: str, start: str, end: str | None = None, **more: object) -> dict[str, object]:
    """A generic alert on the story's day."""
    body = {"dedup_key": key, "title": f"{key} on api", "service": "api", "severity": "critical"} | more
    body |= {"status": "resolved" if end else "firing", "starts_at": time(start).isoformat()}
    return body | ({"ends_at": time(end).isoformat()} if end else {})


def entry(kind: str, at: str, **more: object) -> dict[str, object]:
    """What somebody says."""
    return {"type": "entry", "kind": kind, "text": f"{kind} at {at}", "at": time(at).isoformat(), "actor": "ana"} | more


def play(day: Recorded) -> None:
    """A day with everything in it that can go wrong on the way."""
    day.at("10:00:05", "generic", alert("latency", "10:00"))
    day.at("10:00:07", "generic", alert("latency", "10:00"))  # the same body again
    day.at("10:01", "generic", alert("errors", "10:00:30", severity="error"), Idempotency_Key="k1")
    day.at("10:00:40", "generic", alert("errors", "10:00:30"))  # received before, read after
    day.at("10:02", "generic", alert("errors", "10:00:30", severity="error"), Idempotency_Key="k1")
    day.at("10:02:10", "generic", b"{not json", 422)
    day.at("10:02:11", "alertmanager", b"\xff\xfe not even text")
    day.at("10:02:12", "generic", [alert("disk", "10:02"), {"status": "firing"}])  # partly
    day.at("10:02:13", "alertline", b"")
    day.at("10:03", "alertline", [entry("hypothesis", "10:02"), entry("note", "09:00", scope="elsewhere")])
    change = {"type": "change", "kind": "deploy", "text": "api 7", "at": time("09:58").isoformat(), "service": "api"}
    day.at("10:03:10", "alertline", change)
    day.at("10:09", "generic", alert("latency", "10:00", "10:08"))
    day.at("10:09:01", "generic", [alert("errors", "10:00:30", "10:08:30"), alert("disk", "10:02", "10:08:40")])
    override = {"type": "command", "command": "override_milestone", "milestone": "mitigated", "actor": "ben"}
    day.at("10:10", "alertline", override | {"to": time("10:07").isoformat(), "reason": "the graph says so"})
    day.tick("10:20")
    day.at("10:21", "generic", alert("latency", "10:15"))  # reopens
    day.at("10:40", "generic", alert("latency", "10:15", "10:39"))
    day.tick("11:00")
    day.at("12:00", "generic", alert("latency", "11:59:30"))  # a recurrence, and it stays open
    day.at("13:00", "generic", alert("queue", "12:50", environment="staging"))
    day.at("13:00:01", "alertline", {"type": "command", "command": "resolve", "scope": "staging", "actor": "ana"})
    day.at("13:00:02", "alertline", {"type": "command", "command": "no_such"}, 422)
    day.tick("13:30")
    day.at("13:30", "alertline", b" ")
    day.settled()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on recorded time, with one full day played, which keeps running."""
    folder = tmp_path_factory.mktemp("recorded")
    with Server(folder / "data", "--recorded-time", "--record", str(folder / "taken.ndjson")) as server:
        play(Recorded(server.start().ready()))
        yield server


def test_replay_of_export(recorded: Server, tmp_path: Path) -> None:
    """`replay` of `export` is the running server's incidents, whatever came in and in whatever order."""
    replay = replayed(exported(recorded), tmp_path)

    same(replay, recorded)
    assert {each["status"] for each in replay["incidents"]} >= {"open", "resolved"}
    assert any(each["reopen_count"] for each in replay["incidents"])
    assert [item["text"] for item in replay["unattached"]] == ["note at 09:00"]


def test_replay_of_record(recorded: Server, tmp_path: Path) -> None:
    """What `serve --record` wrote replays to the server's incidents too, and holds what was quarantined."""
    taken = recorded.folder.with_name("taken.ndjson").read_bytes()

    assert taken.splitlines() == exported(recorded).splitlines()
    same(replayed(taken, tmp_path), recorded)


def test_filters(recorded: Server) -> None:
    """--stream, --from and --to leave out what lies elsewhere; the first time is in, the last is not."""
    lines = [orjson.loads(line) for line in exported(recorded).splitlines()]
    first, last = time("10:02:10").isoformat(), time("10:03").isoformat()

    some = [orjson.loads(line) for line in exported(recorded, "--from", first, "--to", last).splitlines()]
    assert [line["received_at"][11:19] for line in some] == ["10:02:10", "10:02:11", "10:02:12", "10:02:13"]
    assert some == [line for line in lines if "10:02:1" in line["received_at"]]
    assert exported(recorded, "--stream", "default") == exported(recorded)
    assert exported(recorded, "--stream", "other") == b""
    assert exported(recorded, "--from", "2025-03-05") == b""


def test_real_time(tmp_path: Path) -> None:
    """On real time the server writes the ticks that let log time run on, and the export holds them."""
    config = tmp_path / "short.toml"
    config.write_text(
        '[windows]\nquiet = "1s"\nreopen = "1s"\n[integrations.lab]\nsource = "generic"\nstream = "lab"\n'
    )
    with Server(tmp_path / "data", "--config", str(config)) as server:
        server.start().ready()
        ended = {"status": "resolved", "starts_at": (now() - timedelta(minutes=1)).isoformat()}
        for name, integration in (("a", "generic"), ("b", "generic"), ("c", "lab")):
            body = {"title": name, "dedup_key": name, "service": name} | ended | {"ends_at": now().isoformat()}
            assert server.post(f"/v1/webhooks/{integration}", body)[0] == 202
        body = {"title": "still", "dedup_key": "still", "service": "still", "environment": "other"}
        delivery = server.post("/v1/webhooks/generic", body)[1]["delivery"]
        # a tick is the server's own: one that is posted is refused, and refused in the replay again
        tick = {"type": "tick", "at": (now() + timedelta(days=1)).isoformat()}
        assert server.post("/v1/webhooks/alertline", tick)[0] == 422
        assert server.post("/v1/webhooks", tick)[0] in (202, 422)
        server.applied(delivery)
        until(lambda: sum(each["status"] == "resolved" for each in server.incidents()) >= 2, "the resolves", 20)

        recording = exported(server)
        same(replayed(recording, tmp_path), server)
        same(replayed(recording, tmp_path, "--config", config), server)

    lines = [orjson.loads(line) for line in recording.splitlines()]
    ticks = [line for line in lines if line.get("body", {}).get("type") == "tick" and line.get("ticks", True)]
    assert {line.get("stream", "default") for line in ticks} == {"default", "lab"}
