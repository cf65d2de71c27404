"""`serve` as its operator meets it: starting, draining, refusing, going on without its correlator."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Server, alive, until

ALERT = {"title": "Disk full", "dedup_key": "disk", "service": "db", "starts_at": "2024-08-20T14:00:00Z"}
BEFORE = "2024-08-20T14:05:07Z"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A running server of this test alone, ready."""
    with Server(tmp_path / "data") as made:
        yield made.start().ready()


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server that no test breaks."""
    with Server(tmp_path_factory.mktemp("steady") / "data") as made:
        yield made.start().ready()


def refused(*arguments: str, folder: Path, **environment: str) -> tuple[int, str]:
    """Exit status and all that is said by a `serve` that should not start."""
    command = (sys.executable, "-m", "alertline", "serve", *arguments)
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=os.environ | environment, timeout=30, check=False
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_drain(server: Server, number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C let the request in flight be answered, then all ends: status 0, no child left."""
    child = server.correlator()
    body = b'{"title": "in flight", "dedup_key": "f"}'
    head = f"POST /v1/webhooks/generic HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head.encode() + body[:10])
        until(lambda: server.get("/healthz")[0] == 200, "a server that has read the first half")
        server.send(number)
        until(lambda: "Stopping" in server.printed(), "the server's word that it stops")
        connection.sendall(body[10:])
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 202 ")
    assert server.ended() == 0
    assert child is not None
    assert not alive(child)
    assert "Traceback" not in server.printed()
    with pytest.raises(ConnectionRefusedError):
        server.get("/healthz")


def test_terminal_interrupt(server: Server) -> None:
    """Ctrl-C and SIGTERM that reach the correlator too do not end it before the server has drained."""
    child = server.correlator()
    assert child is not None
    assert os.getsid(child) == child  # a terminal's Ctrl-C does not even get there
    os.kill(child, signal.SIGTERM)
    os.kill(child, signal.SIGINT)
    delivery = server.post("/v1/webhooks/generic", ALERT)[1]["delivery"]
    server.applied(delivery)

    assert server.correlator() == child
    assert server.stop() == 0
    assert "correlator.ended" not in server.printed()


def test_no_orphan(server: Server) -> None:
    """After kill -9 of the server, its correlator ends by itself."""
    child = server.correlator()
    assert child is not None
    server.kill()

    until(lambda: not alive(child), "the end of the correlator", 10)


def test_one_server_per_folder(steady: Server) -> None:
    """A second server on the same folder is refused with one line; the first goes on."""
    status, said = refused("--data", str(steady.folder), "--port", "0", folder=steady.folder.parent)

    assert (status, said) == (1, f"alertline: another Alertline server is using {steady.folder}\n")
    assert steady.get("/readyz")[0] == 200


def test_taken_port(steady: Server, tmp_path: Path) -> None:
    """A taken port is told at once, in one line that says what to do, before anything is started."""
    status, said = refused("--port", str(steady.port), folder=tmp_path)

    assert status == 1
    assert said == (
        f"alertline: cannot listen on 127.0.0.1:{steady.port}: Address already in use; choose another with --port\n"
    )


def test_record_nowhere(tmp_path: Path) -> None:
    """A file that cannot be recorded to is told at once, in one line, before anything is started."""
    assert refused("--port", "0", "--record", "no/such/folder", folder=tmp_path) == (
        1,
        "alertline: cannot record to no/such/folder: No such file or directory\n",
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (("--host", "0.0.0.0"), {}, "host '0.0.0.0' is no loopback address"),  # noqa: S104 - it is refused
        (("--host", "db.example"), {}, "host 'db.example' is no loopback address"),
        (("--port", "99999"), {}, "port must lie between 0 and 65535, not 99999"),
        (("--port", "http"), {}, "'http' is not a valid integer"),
        (("--prot", "1"), {}, "No such option"),
        (("--config", "none.toml"), {}, "no such configuration file: none.toml"),
        (("--config", "wrong.toml"), {}, "unknown setting 'quite' in [windows]; did you mean 'quiet'?"),
        (("--config", "source.toml"), {}, "integration x: unknown source 'alertmanger'"),
        ((), {"ALERTLINE_PORT": "http"}, "ALERTLINE_PORT must be a whole number, not 'http'"),
        ((), {"ALERTLINE_WINDOWS_QUIET": "soon"}, "windows.quiet must be a duration such as 90s, 5m or 1h30m"),
    ],
)
def test_wrong_settings(tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], words: str) -> None:
    """A wrong setting is one line that names it; the exit status is 2 and nothing was made."""
    (tmp_path / "wrong.toml").write_text('[windows]\nquite = "5m"\n')
    (tmp_path / "source.toml").write_text('[integrations.x]\nsource = "alertmanger"\n')
    status, said = refused(*arguments, folder=tmp_path, **environment)

    assert status == 2
    assert said.startswith("alertline: ")
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "alertline-data").exists()


@pytest.mark.parametrize("name", ["log.db", "store.db"])
def test_foreign_files(tmp_path: Path, name: str) -> None:
    """A file in the folder that is no database of ours is told in one line, not in a traceback."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_text("a letter to my bank " * 500)
    status, said = refused("--data", "data", "--port", "0", folder=tmp_path)

    ours = [line for line in said.splitlines() if line.startswith("alertline: ")]
    assert status == 1
    assert name in ours[0]
    assert "Traceback" not in said


def test_header_without_recorded_time(steady: Server) -> None:
    """A sender's own receive time is ignored by a server on real time, and no page speaks of recorded time."""
    delivery = steady.post("/v1/webhooks/generic", ALERT, Alertline_Received_At=BEFORE)[1]["delivery"]

    assert steady.applied(delivery)["received_at"] > "2025"
    assert "ecorded time" not in steady.get("/")[1]


def test_recorded_time(tmp_path: Path) -> None:
    """With --recorded-time the sender says when it was received; it is said at the start and on every page."""
    with Server(tmp_path / "data", "--recorded-time") as server:
        server.start().ready()
        delivery = server.post("/v1/webhooks/generic", ALERT, Alertline_Received_At=BEFORE)[1]["delivery"]
        found = server.applied(delivery)
        pages = ["/", f"/incidents/{found['incidents'][0]}", "/incidents/none"]

        assert found["received_at"] == BEFORE
        assert "Recorded time" in server.printed()
        assert [
            path
            for path in pages
            if "ecorded time" not in server.request("GET", path, headers={"Accept": "text/html"})[1]
        ] == []


def test_without_correlator(server: Server) -> None:
    """While the correlator is down, deliveries are taken, /readyz says what is missing; then it catches up."""
    child = server.correlator()
    assert child is not None
    os.kill(child, signal.SIGKILL)
    missing = until(lambda: server.get("/readyz")[1]["missing"] or None, "the server's noticing", 5)
    status, answer = server.post("/v1/webhooks/generic", ALERT)

    assert "correlator" in missing
    assert status == 202
    assert server.applied(answer["delivery"])["outcome"] == "accepted"
    assert server.ready().correlator() != child


def test_store_of_another_log(server: Server) -> None:
    """A store that was filled from another log is never read on: one line says so, and deliveries are still taken."""
    server.applied(server.post("/v1/webhooks/generic", ALERT)[1]["delivery"])
    assert server.stop() == 0
    for file in server.folder.glob("log.db*"):
        file.unlink()
    server.start()
    missing = until(lambda: "ended" in server.get("/readyz")[1]["missing"].get("correlator", ""), "the refusal")

    assert missing
    assert server.post("/v1/webhooks/generic", ALERT)[0] == 202
    assert "the store was filled from log" in server.printed()
    assert server.correlator() is None
    assert "Traceback" not in server.printed()
    assert server.stop() == 0
