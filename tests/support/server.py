"""A real server: `python -m alertline serve` as a process of its own, on a free port of loopback, for tests to break.

Everything waits by polling with a bound; nothing sleeps for synchronisation. What was started is ended when the `with`
block ends, however it ends.
"""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import orjson

from alertline.clock import monotonic

__all__ = ["Server", "alive", "until"]

T = TypeVar("T")

_BOUND_S = 60.0  # a machine that is shared with other runs starts processes slowly
_ADDRESS = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")


def until(look: Callable[[], T | None], what: str, bound_s: float = _BOUND_S) -> T:
    """Look again and again until there is something; fail after the bound, saying what was waited for."""
    end = monotonic() + bound_s
    while (found := look()) is None or found is False:
        if monotonic() > end:
            raise TimeoutError(f"{what}: not within {bound_s:g} s")
        time.sleep(0.01)
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody has asked after yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Server:
    """One server on one data folder: started, broken, and started again, each time on another free port.

    `role`: the command, `serve` or one part of it; `port`: one port for all of its lives; `name`: its log's, where
    several have one folder.

    Attributes:
        folder: its data folder; log: what it printed, in all of its lives.
        environment: what its next life finds in its environment besides.
    """

    def __init__(self, folder: Path, *arguments: str, role: str = "serve", port: int = 0, name: str = "") -> None:
        self.folder, self.log = folder, folder.with_name(f"{name or folder.name}.log")
        self._command = (
            *(sys.executable, "-m", "alertline", role, "--data", str(folder), "--port", str(port)),
            *arguments,
        )
        self._children: set[int] = set()
        self.environment: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            sys.stdout.write(f"--- log of the server, its end ---\n{self.printed()[-4000:]}\n")
        self.kill()
        for pid in self._children:
            until(lambda pid=pid: not alive(pid), f"the end of the correlator {pid}")  # type: ignore[misc]

    @property
    def address(self) -> str:
        """Where it listens in this life."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> "Server":
        """Start it; returns when it takes deliveries."""
        began = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=log, cwd=self.folder.parent, env=os.environ | self.environment
            )
        self.port = until(lambda: self._said_port(began), "the address of the server")
        return self

    def _said_port(self, began: int) -> int | None:
        found = _ADDRESS.search(self.printed(began))
        if found is None and self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"serve ended with {self.process.returncode}: {self.printed(began)[-2000:]}")
        return int(found[1]) if found else None

    def printed(self, began: int = 0) -> str:
        """What it printed, from a place of the log on."""
        return self.log.read_bytes()[began:].decode() if self.log.exists() else ""

    def ready(self) -> "Server":
        """Wait until it is ready, correlator included."""
        until(lambda: self.get("/readyz")[0] == 200, "a ready server")
        self.correlator()
        return self

    def correlator(self) -> int | None:
        """The process id of its correlator; None while there is none."""
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == self.pid and fields[0] != "Z":
                self._children.add(int(entry.parent.name))
                return int(entry.parent.name)
        return None

    def kill(self) -> None:
        """End it at once, without any chance to tidy up."""
        if self.process is not None:
            if self.process.poll() is None:
                self.correlator()
                self.process.kill()
            self.process.wait(_BOUND_S)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.correlator()
        os.kill(self.pid, number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; gives its exit status."""
        self.send(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for its end; gives its exit status."""
        assert self.process is not None
        return self.process.wait(_BOUND_S)

    def get(self, path: str) -> tuple[int, Any]:
        """Ask for something: status and document (text, where it is no JSON)."""
        return self.request("GET", path)

    def post(self, path: str, body: object, **headers: str) -> tuple[int, Any]:
        """Post JSON, or bytes as they are; `_` in a header's name stands for `-`."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.request("POST", path, data, {name.replace("_", "-"): value for name, value in headers.items()})

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Ask on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            read = answer.read()
        finally:
            connection.close()
        return answer.status, orjson.loads(read) if "json" in answer.headers.get("Content-Type", "") else read.decode()

    def applied(self, delivery: str) -> dict[str, Any]:
        """Wait until a delivery is applied; gives what became of it."""

        def look() -> dict[str, Any] | None:
            status, found = self.get(f"/v1/deliveries/{delivery}")
            return found if status == 200 else None

        return until(look, f"delivery {delivery}")

    def incidents(self) -> list[Any]:
        """Every incident, as the API shows it."""
        found, cursor = list[Any](), ""
        while True:
            _, page = self.get(f"/v1/incidents?limit=200{cursor}")
            found += page["incidents"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"
