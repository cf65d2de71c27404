"""HAProxy before the roles: webhooks go to those that receive, the rest to those that show, by what /readyz says."""

import http.client
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Final

from tests.support.kafka_jars import free_port
from tests.support.server import until

__all__ = ["HAPROXY", "Balancer"]

HAPROXY: Final = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
_CONFIG: Final = """\
global
  maxconn 512
  stats socket {socket} mode 600 level operator
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  option redispatch
  retries 3
  default-server inter 200ms fall 2 rise 1
frontend all
  bind 127.0.0.1:{port}
  use_backend receivers if {{ path_beg /v1/webhooks }}
  default_backend shown
backend receivers
  option httpchk GET /readyz
{receivers}
backend shown
  option httpchk GET /readyz
{shown}
"""


class Balancer:
    """One HAProxy, while the `with` block runs."""

    def __init__(self, folder: Path, receivers: Sequence[int], shown: Sequence[int]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._socket = Path(mkdtemp(prefix="haproxy-")) / "stats"  # a path of a socket must be short
        self._file = folder / "haproxy.cfg"
        lines = [
            "\n".join(f"  server s{port} 127.0.0.1:{port} check" for port in ports) for ports in (receivers, shown)
        ]
        self._file.write_text(_CONFIG.format(port=self.port, socket=self._socket, receivers=lines[0], shown=lines[1]))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Balancer":
        assert HAPROXY is not None
        with self._file.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen((HAPROXY, "-db", "-f", str(self._file)), stdout=log, stderr=log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._socket.parent, ignore_errors=True)

    def sees(self, port: int) -> None:
        """Wait until it sends to the process on that port."""
        until(lambda: f"s{port}" in self._up(), f"the balancer to see {port}")

    def _up(self) -> list[str]:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(5)
            asking.connect(str(self._socket))
            asking.sendall(b"show stat\n")
            answer = b"".join(iter(lambda: asking.recv(65536), b"")).decode()
        rows = [line.split(",") for line in answer.splitlines() if line and not line.startswith("#")]
        return [row[1] for row in rows if row[17] == "UP"]

    def ready(self) -> "Balancer":
        """Wait until both kinds are there, by asking through it."""

        def answers(path: str, wanted: set[int]) -> bool:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", path)
                return connection.getresponse().status in wanted
            except OSError:
                return False
            finally:
                connection.close()

        until(lambda: answers("/v1/webhooks", {405}), "receivers behind the balancer")
        until(lambda: answers("/readyz", {200}), "pages behind the balancer")
        return self
