"""Programs of others, as the machine has them: started for a test on loopback, and ended with it.

Where one is missing, what needs it is skipped, and the reason names it.
"""

import http.client
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from tests.support.server import until

__all__ = ["Program", "Prometheus", "Samples", "fetch", "free_port", "needs", "post"]

_PACKAGES = {"prometheus-alertmanager": "prometheus-alertmanager", "prometheus": "prometheus", "haproxy": "haproxy"}
_BOUND_S = 20.0
Samples = list[datetime]


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip where one of these is missing, and say which."""
    missing = [name for name in programs if shutil.which(name) is None and not Path("/usr/sbin", name).exists()]
    packages = " ".join(_PACKAGES[name] for name in missing)
    return pytest.mark.skipif(bool(missing), reason=f"NOT TESTED AGAINST THE REAL THING: install {packages} (Debian)")


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def fetch(port: int, path: str) -> tuple[int, bytes]:
    """Status and body of a GET; 0 where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def post(port: int, path: str, document: object) -> int:
    """The status of a POST of JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", path, orjson.dumps(document), {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


class Program:
    """One program; `port` answers `ready` with 200 when it is up."""

    def __init__(self, folder: Path, name: str, arguments: Sequence[str], port: int, ready: str) -> None:
        found = shutil.which(name) or f"/usr/sbin/{name}"
        self._command, self._log = (found, *arguments), folder / f"{name}.log"
        self.port, self._ready, self._folder = port, ready, folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns when it is up."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._folder)
        until(self._up, f"{self._command[0]} to be up", _BOUND_S)

    def _up(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"{self._command[0]} ended: {self._log.read_text()[-2000:]}")
        return fetch(self.port, self._ready)[0] == 200

    def kill(self) -> None:
        """End it at once: it tells nobody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_BOUND_S)

    def __enter__(self) -> "Program":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            sys.stdout.write(f"--- {self._command[0]}, the end of its log ---\n{self._log.read_text()[-2000:]}\n")
        self.kill()


class Prometheus(Program):
    """A Prometheus that evaluates once a second, and its record of what it evaluated."""

    def __init__(self, folder: Path, scraped: dict[str, int], rules: str, alertmanagers: str) -> None:
        port = free_port()
        job = "- {{job_name: {}, static_configs: [{{targets: ['127.0.0.1:{}']}}]}}\n"
        jobs = "".join(job.format(name, at) for name, at in scraped.items())
        # the rule `evaluated` leaves a sample at the time of each evaluation
        (folder / "rules.yml").write_text(
            f"groups:\n- name: test\n  rules:\n  - {{record: evaluated, expr: time()}}\n{rules}"
        )
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\n"
            f"alerting:\n  alertmanagers:\n{alertmanagers}scrape_configs:\n{jobs}"
        )
        # what fires is said again every second, so that a lease lasts four
        arguments = ["--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", "--rules.alert.resend-delay=1s"]
        arguments.append(f"--web.listen-address=127.0.0.1:{port}")
        super().__init__(folder, "prometheus", arguments, port, "/-/ready")

    def samples(self, selector: str) -> Samples:
        """The times at which a series has a sample."""
        _, body = fetch(self.port, f"/api/v1/query?query={quote(selector + '[10m]')}")
        found: list[Any] = orjson.loads(body)["data"]["result"] if body else []
        return sorted(datetime.fromtimestamp(at, UTC) for series in found for at, _ in series["values"])

    def alerts(self, name: str, state: str) -> Samples:
        """When an alert was in a state, by Prometheus' own record."""
        return self.samples(f'ALERTS{{alertname="{name}",alertstate="{state}"}}')
