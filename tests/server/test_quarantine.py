"""The quarantine of a real server: shown whole, read again after a fix, discarded; the same in a replay."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from tests.server.test_export import Recorded, alert, alertline, exported, same
from tests.support.server import Server, until
from tests.support.story import time

# the fix of these tests: the sender was taken for another one
WRONG = '[integrations.lab]\nsource = "grafana"\n'
RIGHT = '[integrations.lab]\nsource = "generic"\n'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server on recorded time that takes the sender `lab` for another one."""
    config = tmp_path / "lab.toml"
    config.write_text(WRONG)
    with Server(tmp_path / "data", "--recorded-time", "--config", str(config)) as made:
        yield made.start().ready()


def mended(server: Server) -> Server:
    """The server, started again with the fix."""
    server.folder.with_name("lab.toml").write_text(RIGHT)
    assert server.stop() == 0
    return server.start().ready()


def held(server: Server, query: str = "") -> list[dict[str, Any]]:
    """What is listed."""
    rows: list[dict[str, Any]] = server.get(f"/v1/quarantine{query}")[1]["quarantine"]
    return rows


def replays_the_same(server: Server, folder: Path) -> dict[str, Any]:
    """`replay` of the export, under the mended configuration, is the server's incidents."""
    file = folder / "exported.ndjson"
    file.write_bytes(exported(server))
    config = folder / "lab.toml"
    config.write_text(RIGHT)
    found: dict[str, Any] = orjson.loads(alertline("replay", file, "--config", config))
    same(found, server)
    return found


def test_read_again_after_a_fix(server: Server, tmp_path: Path) -> None:
    """It becomes a new delivery with the old receive time; the old one says so, and neither counts twice."""
    day = Recorded(server)
    lost = day.at("10:00:05", "lab", alert("latency", "10:00"), X_Token="s3cret", X_Kind="probe")  # noqa: S106 - a header
    day.at("10:01", "generic", alert("errors", "10:00:30"))
    day.settled()
    (row,) = held(server)
    shown = server.get(f"/v1/quarantine/{lost}")[1]
    refused = server.post(f"/v1/quarantine/{lost}/replay", {"actor": "ana"})
    assert held(mended(server)) == [row]

    status, done = server.post(f"/v1/quarantine/{lost}/replay", {"actor": "ana", "reason": "it is generic"})
    again = server.applied(done["replayed_as"])

    assert (row["id"], row["state"], row["outcome"]) == (lost, "open", "quarantined")
    assert orjson.loads(shown["body"]) == alert("latency", "10:00")
    assert (shown["headers"]["x-kind"], "x-token" in shown["headers"]) == ("probe", False)
    assert (refused[0], refused[1]["title"]) == (422, "Still unreadable")
    assert (status, done["state"], done["handled"]["actor"]) == (200, "replayed", "ana")
    assert (again["received_at"], again["outcome"], again["replay_of"]) == (row["received_at"], "accepted", lost)
    assert again["delivery"] != lost
    assert (held(server), held(server, "?state=all")) == ([], [done])
    assert server.get(f"/v1/commands/{done['replayed_as']}")[1]["outcomes"][0]["accepted"] is True
    assert server.post(f"/v1/quarantine/{lost}/replay", {})[0] == 409
    (incident,) = replays_the_same(server, tmp_path)["incidents"]
    assert {each["dedup_key"]: each["notifications"] for each in incident["alerts"]} == {"latency": 1, "errors": 1}
    assert server.stop() == 0
    server.start().ready()
    assert held(server, "?state=replayed") == [done]


def test_a_batch_that_was_read_in_part(server: Server, tmp_path: Path) -> None:
    """What is still unreadable stays, and nothing is written; discarded, the good items stay what they are."""
    batch = [alert("disk", "10:02"), alert("queue", "10:02") | {"status": "wild"}]
    partial = Recorded(server).at("10:03", "generic", batch)
    server.applied(partial)
    (row,) = held(server)
    status, answer = server.post(f"/v1/quarantine/{partial}/replay", {})

    assert (row["id"], row["outcome"], row["rejected"]) == (partial, "partial", 1)
    assert [(item["index"], item["pointer"]) for item in row["rejected_items"]] == [(1, "/1/status")]
    assert (status, [item["index"] for item in answer["rejected"]]) == (422, [1])
    assert held(server) == [row]

    status, done = server.post(f"/v1/quarantine/{partial}/discard", {"actor": "ana", "reason": "a joke"})
    assert (status, done["state"]) == (200, "discarded")
    (incident,) = replays_the_same(server, tmp_path)["incidents"]
    assert [(each["dedup_key"], each["notifications"]) for each in incident["alerts"]] == [("disk", 1)]


def test_discarded_for_good(server: Server, tmp_path: Path) -> None:
    """With name, reason and time, once; it does not come back to life with the fix, in a replay neither."""
    lost = Recorded(server).at("10:00:05", "lab", alert("latency", "10:00"))
    server.applied(lost)
    path = f"/v1/quarantine/{lost}/discard"
    unreasoned = server.post(path, {"actor": "ana"})
    headers = {"Idempotency_Key": "k1", "Alertline_Received_At": time("10:05").isoformat()}
    status, done = server.post(path, {"actor": "ana", "reason": "a test"}, **headers)

    assert (unreasoned[0], unreasoned[1]["pointer"]) == (422, "/reason")
    assert (status, done["state"]) == (200, "discarded")
    assert {**done["handled"], "command": ""} == {
        "at": time("10:05").isoformat().replace("+00:00", "Z"), "actor": "ana", "reason": "a test", "command": ""
    }  # fmt: skip
    assert server.post(path, {"actor": "ana", "reason": "a test"}, **headers) == (200, done)
    assert server.post(path, {"actor": "ben", "reason": "another"})[0] == 409
    mended(server)
    assert server.post(f"/v1/quarantine/{lost}/replay", {})[0] == 409
    assert (held(server), held(server, "?state=discarded")) == ([], [done])
    assert replays_the_same(server, tmp_path)["incidents"] == []


def test_same_bytes_on_two_days_are_two_deliveries(server: Server) -> None:
    """Each copy is disposed of by itself; without an offset the newest that waits is meant."""
    day = Recorded(server)
    lost = day.at("10:00", "lab", b"nothing we know")
    day.at("10:00:30", "lab", b"nothing we know")
    day.at("11:00", "lab", b"nothing we know")
    marker = day.at("11:01", "alertline", b" ")
    server.applied(marker)
    newest, oldest = held(server)

    assert (newest["id"], oldest["id"]) == (lost, lost)
    first = server.post(f"/v1/quarantine/{lost}/discard", {"reason": "noise"})[1]
    second = server.post(f"/v1/quarantine/{lost}/discard?offset={oldest['offset']}", {"reason": "noise"})[1]
    assert (first["offset"], second["offset"]) == (newest["offset"], oldest["offset"])
    assert held(server) == []


def test_without_correlator(tmp_path: Path) -> None:
    """What nobody decides within 5 s is answered 202, and its outcome stands where the answer says."""
    with Server(tmp_path / "data") as server:
        server.start().ready()
        lost = server.post("/v1/webhooks/grafana", b"nothing we know")[1]["delivery"]
        server.applied(lost)
        store = server.folder / "store.db"
        # whoever holds the store's lock keeps the correlator from deciding
        with subprocess.Popen(
            [sys.executable, "-c", LOCKING, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"locked\n"
            status, answer = server.post(f"/v1/quarantine/{lost}/discard", {"reason": "noise"})
            waiting = server.get(f"/v1/commands/{answer['command']}")[0]
            holder.communicate(b"\n")
        until(lambda: server.get(f"/v1/commands/{answer['command']}")[0] == 200, "the outcome")

        assert (status, waiting) == (202, 404)
        assert server.get(f"/v1/quarantine/{lost}")[1]["state"] == "discarded"


LOCKING = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""


def test_refusals(server: Server) -> None:
    """Unknown ids, wrong bodies, pages of other sites, and commands that only we may give."""
    path = "/v1/quarantine/d_0/discard"
    raw = {"type": "command", "command": "discard_delivery", "delivery": "d_0", "received_at": "2025-01-01T00:00:00Z"}

    assert server.get("/v1/quarantine/d_0")[0] == 404
    assert server.post("/v1/quarantine/d_0/replay", {})[0] == 404
    assert server.post(path, {"reason": "x"})[0] == 404
    assert server.post(path, b"{")[0] == 400
    assert server.post(path, [1])[0] == 400
    assert server.post(path, {"reason": 1})[0] == 422
    assert server.post(path, {"reason": "x"}, Origin="https://elsewhere.example")[0] == 403
    assert server.get("/v1/commands/d_0")[0] == 404
    assert server.get("/v1/quarantine?state=lost")[0] == 400
    assert server.post("/v1/webhooks/alertline", raw)[0] == 202  # recorded time: whoever posts plays an export


def test_forms(server: Server) -> None:
    """The page has both forms; they work as a browser sends them, and lead back to the delivery."""
    lost = Recorded(server).at("10:00", "lab", b"nothing <b>we</b> know")
    server.applied(lost)
    browser = {"Content_Type": "application/x-www-form-urlencoded", "Origin": server.address}
    _, page = server.get(f"/quarantine/{lost}")
    failed, told = server.post(f"/quarantine/{lost}/replay", b"", **browser)
    sent = urlencode({"actor": "Zoë", "reason": "a test"}).encode()
    server.post(f"/quarantine/{lost}/discard", sent, **browser)

    assert f'action="/quarantine/{lost}/replay?offset=' in page
    assert "nothing &lt;b&gt;we&lt;/b&gt; know" in page
    assert (failed, "Still unreadable" in told) == (422, True)
    assert "Discarded by Zoë" in server.get(f"/quarantine/{lost}")[1]
    assert "Zoë" in server.get("/quarantine?state=all")[1]
