"""The vendors' own clients against a real server: they get the replies that they check; incidents tell the rest.

Of amtool it is Debian's; where it is missing, its tests are skipped, and say so.
"""

import json
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from pagerduty import EventsApiV2Client

from alertline.clock import now
from tests.docs.documents import ROOT, blocks
from tests.support.programs import Program, fetch, free_port, needs, post
from tests.support.server import Server, until

AMTOOL = shutil.which("amtool")
needs_amtool = pytest.mark.skipif(AMTOOL is None, reason="amtool is not installed (Debian: prometheus-alertmanager)")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server."""
    with Server(tmp_path_factory.mktemp("clients") / "data") as made:
        yield made.start().ready()


def alert_of(server: Server, key: str, *, ended: bool | None = None) -> dict[str, Any]:
    """Wait for the alert of a key; with `ended`, until its newest episode has ended, or goes on."""

    def look() -> dict[str, Any] | None:
        alerts = (alert for incident in server.incidents() for alert in incident["alerts"])
        found: dict[str, Any] | None = next((each for each in alerts if each["dedup_key"] == key), None)
        if found is None or ended is None:
            return found
        return found if (found["episodes"][-1]["ended_at"] is not None) is ended else None

    return until(look, f"the alert {key}")


def amtool(server: Server, *arguments: str, fails: bool = False) -> str:
    """What amtool prints."""
    assert AMTOOL is not None
    command = (AMTOOL, f"--alertmanager.url={server.address}", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode != 0) is fails, done.stderr
    return done.stderr if fails else done.stdout


@needs_amtool
def test_amtool_adds_an_alert_and_finds_it(server: Server) -> None:
    """It is shown as firing, by its labels, from when it was received; filters narrow."""
    amtool(server, "alert", "add", "AmtoolTest", "service=amtool-shop", "--annotation=summary=Told by amtool")

    def query(*matchers: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(amtool(server, "-o", "json", "alert", "query", *matchers))
        return found

    (alert,) = until(lambda: query("alertname=AmtoolTest") or None, "the alert in the list")
    assert alert["labels"] == {"alertname": "AmtoolTest", "service": "amtool-shop"}
    assert (alert["status"]["state"], alert["receivers"]) == ("active", [{"name": "alertline"}])
    assert query("service=~amtool-.*") == [alert]
    assert query("service=other") == []
    assert "AmtoolTest" in amtool(server, "alert", "query")
    assert "AmtoolTest" not in amtool(server, "alert", "query", "--inhibited")


@needs_amtool
def test_amtool_asks_for_the_rest(server: Server) -> None:
    """Status and silences are answered; a new silence is refused in words that it shows."""
    assert "alertline" in amtool(server, "config", "show")
    assert "alertline" in amtool(server, "config", "routes", "show")
    assert "disabled" in amtool(server, "cluster", "show")
    assert json.loads(amtool(server, "-o", "json", "silence", "query")) == []
    assert "maintenance" in amtool(server, "silence", "add", "a=b", "--comment=c", fails=True)
    assert "too long" in amtool(server, "alert", "query", "a=~(x+)+", fails=True)
    assert "labels" in amtool(server, "alert", "add", "a=", fails=True)


def test_what_grafana_asks_of_an_alertmanager(server: Server) -> None:
    """Probes, receivers and groups: what belongs together is what one incident holds."""
    delivered = server.post("/v1/webhooks/generic", {"title": "Grouped", "dedup_key": "grouped", "service": "g"})
    server.applied(delivered[1]["delivery"])
    status, groups = server.get("/api/v2/alerts/groups?filter=alertname%3DGrouped")

    assert [server.get(path)[0] for path in ("/-/healthy", "/-/ready", "/api/v2/status")] == [200] * 3
    assert server.get("/api/v2/receivers") == (200, [{"name": "alertline"}])
    ((group),) = groups
    (incident,) = {each["id"] for each in server.incidents() for alert in each["alerts"] if alert["title"] == "Grouped"}
    assert (status, group["labels"], len(group["alerts"])) == (200, {"incident": incident}, 1)
    assert server.get("/api/v2/alerts?active=false") == (200, [])
    status, said = server.get("/api/v2/alerts?filter=nonsense")
    assert (status, isinstance(said, str)) == (400, True)


class WithoutTls(EventsApiV2Client):
    """PagerDuty's client, which insists on an https address: what it then sends goes to plain HTTP."""

    def normalize_url(self, url: str) -> str:
        """The address of a request."""
        return super().normalize_url(url).replace("https:", "http:", 1)


def test_pagerdutys_client(server: Server) -> None:
    """trigger, acknowledge and resolve by the key that the client was told; a change with its time."""
    with WithoutTls("r" * 32, base_url=server.address.replace("http:", "https:")) as client:
        given = client.trigger("Disk full", "db-1", dedup_key="pd/disk", severity="error")
        client.acknowledge(given)
        made = client.trigger("Queue grows", "mq-1")
        # `submit` of this version fails before it sends; this is what it would send, its time included
        when = now().isoformat() + "Z"
        client.send_change_event(payload={"summary": "Deployed 7.1", "source": "ci", "timestamp": when})
        firing = alert_of(server, f"{'r' * 32}/pd/disk", ended=False)
        client.resolve(given)
        client.resolve(made)

    assert (given, firing["severity"], firing["host"]) == ("pd/disk", "error", "db-1")
    alert_of(server, f"{'r' * 32}/{given}", ended=True)
    alert_of(server, f"{'r' * 32}/{made}", ended=True)
    incident = next(each for each in server.incidents() if any(a["title"] == "Disk full" for a in each["alerts"]))
    assert incident["milestones"]["acknowledged"] is not None
    (change,) = incident["changes"]
    assert (change["text"], change["at"][:23]) == ("Deployed 7.1", when[:23])


OPSGENIE = """
    import json, sys, opsgenie_sdk as sdk
    configuration = sdk.Configuration()
    configuration.host, configuration.retry_enabled = sys.argv[1], False
    configuration.api_key["Authorization"] = "key"
    client = sdk.ApiClient(configuration)
    api, told = sdk.AlertApi(client), {}
    body = sdk.CreateAlertPayload(message="Latency high", alias="shop/latency", priority="P2", entity="shop")
    created = api.create_alert(body)
    told["create"] = [created.result, created.retrieve_result().data.alert_id]
    by = {"identifier_type": "alias"}
    api.acknowledge_alert("shop/latency", acknowledge_alert_payload=sdk.AcknowledgeAlertPayload(user="ana"), **by)
    api.add_note("shop/latency", sdk.AddNoteToAlertPayload(note="Looking", user="ana"), **by)
    closed = api.close_alert("shop/latency", close_alert_payload=sdk.CloseAlertPayload(user="ana"), **by)
    told["close"] = [closed.result, closed.retrieve_result().data.action]
    try:
        api.create_alert(sdk.CreateAlertPayload(message=" "))
    except sdk.exceptions.ConfigurationException as error:
        told["refused"] = str(error)
    told["unknown"] = api.close_alert("nobody", identifier_type="alias").result
    print(json.dumps(told))
"""


def test_opsgenies_client(server: Server) -> None:
    """Create, acknowledge, note and close by alias with a slash; each request's fate is told by its id."""
    command = (sys.executable, "-c", textwrap.dedent(OPSGENIE), server.address)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    accepted = "Request will be processed"

    assert told["create"] == [accepted, "shop/latency"]
    assert (told["close"], told["unknown"]) == ([accepted, "Close"], accepted)
    assert "(422)" in told["refused"]
    alert = alert_of(server, "shop/latency", ended=True)
    assert (alert["service"], alert["severity"]) == ("shop", "error")
    incident = next(each for each in server.incidents() if alert in each["alerts"])
    assert incident["milestones"]["acknowledged"] is not None
    assert "Looking" in {row["text"] for row in incident["timeline"]}
    assert server.get("/v2/alerts/requests/d_none")[0] == 404


@needs("prometheus-alertmanager")
def test_alertmanager_by_every_receiver_of_the_documentation(server: Server, tmp_path: Path) -> None:
    """What docs/senders.md has for its receivers is pasted, with another port: it takes every reply for a success."""
    (config,) = (each for each in blocks(ROOT / "docs" / "senders.md", "yaml") if "pagerduty_configs" in each)
    config = config.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}").replace("interval: 10s", "interval: 1s")
    (tmp_path / "alertmanager.yml").write_text(config)
    port = free_port()
    arguments = ["--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address="]
    arguments.append(f"--web.listen-address=127.0.0.1:{port}")
    with Program(tmp_path, "prometheus-alertmanager", arguments, port, "/-/ready"):

        def tell(**more: str) -> None:
            alert = {"labels": {"alertname": "ByEveryWay", "service": "every"}, "annotations": {"summary": "x"}} | more
            assert post(port, "/api/v2/alerts", [alert]) == 200

        def told() -> set[str] | None:
            metrics = fetch(port, "/metrics")[1].decode()
            assert not re.search(r"^alertmanager_notifications_failed_total\{.*\} [1-9]", metrics, re.MULTILINE)
            found = re.findall(r'^alertmanager_notifications_total\{integration="(\w+)"\} 2$', metrics, re.MULTILINE)
            return set(found) if len(found) == 4 else None

        tell()
        sources = {"pagerduty_events_v2", "opsgenie", "victorops", "slack_incoming"}
        until(lambda: sources <= sources_firing(server, ended=False), "an alert by each way")
        tell(endsAt=(now() - timedelta(seconds=1)).isoformat())
        until(lambda: sources <= sources_firing(server, ended=True), "the end of each")
        assert until(told, "two notices by each way") == {"pagerduty", "opsgenie", "victorops", "slack"}


@needs("prometheus")
def test_prometheus_takes_what_the_documentation_has_for_it(tmp_path: Path) -> None:
    """Its configuration and the rule with a pending window, checked by promtool."""
    configuration, rules, *_ = blocks(ROOT / "docs" / "senders.md", "yaml")
    for what, text in (("config", configuration), ("rules", rules)):
        file = tmp_path / f"{what}.yml"
        file.write_text(text)
        subprocess.run(["promtool", "check", what, str(file)], check=True, capture_output=True, timeout=20)


def sources_firing(server: Server, *, ended: bool) -> set[str]:
    """The sources that told of Alertmanager's group, and of its end."""
    alerts = (alert for incident in server.incidents() for alert in incident["alerts"] if "ByEveryWay" in str(alert))
    return {each["source"] for each in alerts if (each["episodes"][-1]["ended_at"] is not None) is ended}


def test_cloudevents_own_bindings(server: Server) -> None:
    """Binary, structured and batch mode, as the SDK writes them: the same alert each time, and a change."""

    def event(name: str, status: str) -> CloudEvent:
        attributes = {"type": f"com.example.alert.{status}", "source": "/sdk", "id": f"{name}/{status}"}
        return CloudEvent(attributes, {"alertId": name, "title": f"Told as {name}", "severity": "error"})

    def post(message: HTTPMessage) -> int:
        headers = {name: str(value) for name, value in message.headers.items()}
        body = message.body if isinstance(message.body, bytes) else message.body.encode()
        return server.request("POST", "/v1/webhooks/cloudevents", body, headers)[0]

    both = [bytes(to_structured_event(event("batch", each)).body) for each in ("fired", "ended")]
    batch = b"[" + b",".join(both) + b"]"
    sent = [post(to_binary_event(event("binary", each))) for each in ("fired", "ended")]
    sent += [post(to_structured_event(event("structured", each))) for each in ("fired", "ended")]
    sent += [post(HTTPMessage({"Content-Type": "application/cloudevents-batch+json"}, body)) for body in (batch, b"[]")]

    assert sent == [202] * 6
    for name in ("binary", "structured", "batch"):
        assert alert_of(server, name, ended=True)["title"] == f"Told as {name}"


def test_a_handshake_of_cloudevents(server: Server) -> None:
    """Who asks first whether it may send here (the HTTP webhook specification) is let in; others' OPTIONS are not."""
    asked = {"WebHook-Request-Origin": "eventgrid.example", "WebHook-Request-Rate": "120"}
    assert server.request("OPTIONS", "/v1/webhooks/cloudevents", headers=asked)[0] == 200
    assert server.request("OPTIONS", "/v1/webhooks/cloudevents")[0] == 405
    assert server.request("OPTIONS", "/v1/webhooks/generic", headers=asked)[0] == 405
