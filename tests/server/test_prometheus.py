"""A real Prometheus, Alertmanager and HAProxy in front of a real server: its milestones are Prometheus' own record.

Both ways at once: Prometheus by Alertmanager's webhook, and straight into Alertmanager's API.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

from alertline.clock import now
from tests.support.programs import Program, Prometheus, fetch, free_port, needs
from tests.support.server import Server, until

BOUND_S = 30.0
QUICK = """
windows.quiet = "2s"
integrations.straight = {source = "alertmanager_api_v2", stream = "straight"}
integrations.deployments = {source = "alertline", stream = "straight"}
"""
RULE = """\
  - alert: {name}
    expr: {expression}
    for: {window}
    labels: {{severity: critical, service: {service}}}
    annotations: {{summary: Something is wrong with {service}, pending_for: {window}}}
"""


class Target:
    """A service that Prometheus scrapes: `broken` is what its one metric says."""

    def __init__(self) -> None:
        self.broken = 0
        target = self

        class Page(BaseHTTPRequestHandler):
            """Its page of metrics, whatever is asked for."""

            def do_GET(self) -> None:
                """Answer."""
                body = f"broken {target.broken}\n".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    @contextmanager
    def serving(self) -> Iterator["Target"]:
        """Serve in a thread."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


@contextmanager
def watched(
    folder: Path, scraped: dict[str, int], rule: str, *, alertmanager: bool
) -> Iterator[tuple[Server, Prometheus]]:
    """A server, and a Prometheus that sends to it: straight, and by an Alertmanager where asked for."""
    config = folder / "alertline.toml"
    config.write_text(QUICK)
    with ExitStack() as stack:
        server = stack.enter_context(Server(folder / "data", "--config", str(config))).start().ready()
        addresses = [server.port]
        if alertmanager:
            webhook = f"{server.address}/v1/webhooks/alertmanager"
            (folder / "alertmanager.yml").write_text(
                "route: {receiver: alertline, group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\n"
                f"receivers: [{{name: alertline, webhook_configs: [{{url: '{webhook}'}}]}}]\n"
            )
            port = free_port()
            arguments = ["--config.file=alertmanager.yml", "--storage.path=alertmanager", "--cluster.listen-address="]
            arguments.append(f"--web.listen-address=127.0.0.1:{port}")
            stack.enter_context(Program(folder, "prometheus-alertmanager", arguments, port, "/-/ready"))
            addresses.append(port)
        sent_to = "".join(f"  - static_configs: [{{targets: ['127.0.0.1:{each}']}}]\n" for each in addresses)
        prometheus = Prometheus(folder, scraped, rule, sent_to)
        stack.enter_context(prometheus)
        yield server, prometheus


def incident_by(server: Server, source: str) -> dict[str, Any] | None:
    """The incident that was heard of by one way, if there is one."""
    of_source = [each for each in server.incidents() if each["alerts"][0]["source"] == source]
    assert len(of_source) <= 1
    return of_source[0] if of_source else None


def resolved_by(server: Server, source: str) -> dict[str, Any]:
    """The same once it is resolved."""

    def look() -> dict[str, Any] | None:
        found = incident_by(server, source)
        return found if found is not None and found["status"] == "resolved" else None

    return until(look, f"a resolved incident by {source}", BOUND_S)


def ends_by(server: Server, source: str) -> list[str | None]:
    """How the ends of the alert's episodes are known."""
    incident = incident_by(server, source)
    return [each["end_basis"] for each in incident["alerts"][0]["episodes"]] if incident is not None else []


def stamp(incident: dict[str, Any], name: str) -> datetime:
    """The time of a milestone."""
    return datetime.fromisoformat(incident["milestones"][name]["at"])


def assert_as_recorded(incident: dict[str, Any], prometheus: Prometheus, name: str) -> None:
    """Onset, detection and end are Prometheus' own record of the alert, within one evaluation."""
    evaluated = prometheus.samples("evaluated")
    pending, firing = prometheus.alerts(name, "pending"), prometheus.alerts(name, "firing")
    # as far as Prometheus evaluated; a busy machine lets it skip one
    interval = max(after - before for before, after in pairwise(evaluated))
    over = min(at for at in evaluated if at > firing[-1])
    recorded = {"impact_started": pending[0], "detected": firing[0], "resolved": over}
    for milestone, at in recorded.items():
        assert abs(stamp(incident, milestone) - at) <= interval, (milestone, incident["milestones"][milestone], at)
    assert stamp(incident, "detected") - firing[0] < timedelta(milliseconds=2)
    assert incident["milestones"]["impact_started"]["basis"] == "derived"
    assert incident["milestones"]["resolved"]["basis"] == "reported"


@needs("prometheus", "prometheus-alertmanager")
def test_an_incident_from_pending_to_resolved_by_both_ways(tmp_path: Path) -> None:
    """The same outage by webhook and by API, in two streams; then Prometheus dies, and its lease runs out."""
    rule = RULE.format(name="Broken", expression="broken == 1", window="2s", service="shop")
    with Target().serving() as target, watched(tmp_path, {"shop": target.port}, rule, alertmanager=True) as made:
        server, prometheus = made
        until(lambda: prometheus.samples("broken") or None, "a first scrape", BOUND_S)
        target.broken = 1
        for source in ("alertmanager", "alertmanager_api_v2"):
            until(lambda source=source: incident_by(server, source), f"an incident by {source}", BOUND_S)  # type: ignore[misc]
        target.broken = 0
        ways = [resolved_by(server, source) for source in ("alertmanager", "alertmanager_api_v2")]
        for incident in ways:
            assert_as_recorded(incident, prometheus, "Broken")
        assert stamp(ways[0], "detected") == stamp(ways[1], "detected")
        assert {each["alerts"][0]["dedup_key"] for each in ways} == {ways[0]["alerts"][0]["dedup_key"]}

        target.broken = 1
        until(lambda: (incident_by(server, "alertmanager_api_v2") or {})["status"] == "open", "it fires again", BOUND_S)
        prometheus.kill()
        until(lambda: ends_by(server, "alertmanager_api_v2") == ["reported", "expired"], "the lease's end", BOUND_S)

    assert server.printed().count("Traceback") == 0


class Traffic:
    """Somebody who asks a shop for its page ten times a second, and notes what came."""

    def __init__(self, port: int) -> None:
        self._port, self._over = port, threading.Event()
        self.seen: list[tuple[datetime, int]] = []

    def _ask(self) -> None:
        while not self._over.wait(0.1):
            self.seen.append((now(), fetch(self._port, "/")[0]))

    @contextmanager
    def flowing(self) -> Iterator["Traffic"]:
        """Ask in a thread."""
        thread = threading.Thread(target=self._ask)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def times(self, status: int) -> list[datetime]:
        """When an answer had this status."""
        return [at for at, answered in self.seen if answered == status]


class Balancer:
    """A HAProxy in front of one backend; its own exporter tells Prometheus how it goes."""

    def __init__(self, folder: Path) -> None:
        self.port, self.exporter, self._file = free_port(), free_port(), folder / "haproxy.cfg"
        arguments = ["-db", "-f", str(self._file)]
        self._program = Program(folder, "haproxy", arguments, self.exporter, "/metrics")

    def configure(self, backend: int) -> None:
        """Let the shop's requests go to a port of loopback, as a deployment of its configuration would."""
        self._program.kill()
        self._file.write_text(
            "defaults\n  mode http\n  timeout connect 1s\n  timeout client 5s\n  timeout server 5s\n  retries 0\n"
            f"frontend front\n  bind 127.0.0.1:{self.port}\n  default_backend shop\n"
            f"backend shop\n  server one 127.0.0.1:{backend}\n"
            f"frontend exporter\n  bind 127.0.0.1:{self.exporter}\n"
            "  http-request use-service prometheus-exporter if { path /metrics }\n"
        )
        self._program.start()

    def kill(self) -> None:
        """End it."""
        self._program.kill()


@needs("prometheus", "haproxy")
def test_a_load_balancer_that_was_misconfigured(tmp_path: Path) -> None:
    """Its backend's port is wrong, and it answers 503 until that is rolled back; the change is a candidate."""
    failing = 'sum by (proxy) (rate(haproxy_backend_http_responses_total{proxy="shop", code="5xx"}[3s])) > 0'
    rule = RULE.format(name="ShopFails", expression=f"'{failing}'", window="2s", service="shop")
    balancer = Balancer(tmp_path)
    with ExitStack() as stack:
        target = stack.enter_context(Target().serving())
        stack.callback(balancer.kill)
        balancer.configure(target.port)
        server, prometheus = stack.enter_context(
            watched(tmp_path, {"haproxy": balancer.exporter}, rule, alertmanager=False)
        )
        traffic = stack.enter_context(Traffic(balancer.port).flowing())
        answered = 'haproxy_backend_http_responses_total{proxy="shop", code="2xx"}'
        until(lambda: prometheus.samples(answered)[2:] or None, "a few scrapes", BOUND_S)

        deployed = now()
        change = {"type": "change", "kind": "config", "service": "shop", "text": "HAProxy: the shop's port"}
        assert server.post("/v1/webhooks/deployments", change | {"at": deployed.isoformat()})[0] == 202
        balancer.configure(free_port())
        until(lambda: incident_by(server, "alertmanager_api_v2"), "an incident", BOUND_S)
        balancer.configure(target.port)
        incident = resolved_by(server, "alertmanager_api_v2")
        assert_as_recorded(incident, prometheus, "ShopFails")

    assert [each["text"] for each in incident["changes"]] == [change["text"]]
    failed = traffic.times(503)
    assert deployed <= failed[0] <= stamp(incident, "impact_started") <= failed[0] + timedelta(seconds=6)
    assert failed[-1] <= stamp(incident, "resolved") <= failed[-1] + timedelta(seconds=6)
