"""The service in parts: receivers, correlators and pages as processes of their own on Kafka and PostgreSQL.

Each part is broken while it works: receivers are restarted one after the other, a correlator is frozen until another
has its partitions and then let go again. What was answered 2xx is there once, and a replay of the export comes to the
same incidents.
"""

import asyncio
import http.client
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaConsumer

from alertline.clock import now
from tests.support.balancer import HAPROXY
from tests.support.kafka import kind
from tests.support.roles import Roles
from tests.support.server import until

DEMO = Path(__file__).resolve().parents[2] / "alertline" / "demo" / "load-balancer.ndjson"
CONFIG = """
[integrations.shop]
source = "generic"
stream = "shop"
[integrations.shop-own]
source = "alertline"
stream = "shop"
"""
BOUND_S = 60.0

pytestmark = [
    pytest.mark.skipif(kind() == "mock", reason="needs a real Kafka: no Java or no Maven here"),
    pytest.mark.skipif(HAPROXY is None, reason="needs HAProxy, which is not installed here"),
]


def alertline(*arguments: str) -> bytes:
    """Run a command; gives what it prints."""
    done = subprocess.run(
        (sys.executable, "-m", "alertline", *arguments), capture_output=True, timeout=BOUND_S, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout


class Senders:
    """Senders that post one alert after the other on connections that they keep.

    Attributes:
        statuses: how often which answer came; told: the delivery ids of all that was answered 202.
    """

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(count)]
        self.statuses: Counter[int | str] = Counter()
        self.told: list[str] = []

    def __enter__(self) -> "Senders":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _send(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        path = "/v1/webhooks/shop" if number % 2 else "/v1/webhooks/generic"
        count = 0
        while not self._ending.is_set():
            count += 1
            body = {"title": f"alert {number}", "status": "firing", "dedup_key": f"{number}-{count % 3}", "n": count}
            try:
                connection.request("POST", path, orjson.dumps(body), {"Idempotency-Key": f"{number}-{count}"})
                answer = connection.getresponse()
                read = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.statuses[type(error).__name__] += 1
                connection.close()
                continue
            self.statuses[answer.status] += 1
            if answer.status == 202:
                self.told.append(orjson.loads(read)["delivery"])
        connection.close()


def all_applied(roles: Roles, told: list[str]) -> None:
    """Wait until each of them is applied, once."""
    for delivery in told:
        found = roles.review[0].applied(delivery)
        assert len(found["deliveries"]) == 1 if "deliveries" in found else found


def incidents(roles: Roles) -> dict[str, Any]:
    """Every incident that the API shows, whole, by id."""
    found = roles.review[0].incidents()
    return {each["id"]: roles.review[0].get(f"/v1/incidents/{each['id']}")[1] for each in found}


def test_the_service_in_parts(kafka_address: str, postgresql_store: str, tmp_path: Path) -> None:
    """A recorded day, a rolling restart, a frozen correlator, a command: all of it comes to what a replay comes to."""
    prefix = f"t{uuid4().hex[:12]}"
    with Roles(
        tmp_path, kafka_address, prefix, postgresql_store, "--recorded-time", ingest=2, correlate=2, config=CONFIG
    ) as roles:
        sent = alertline("send", str(DEMO), "--url", roles.url, "--wait")
        assert sent == alertline("replay", str(DEMO), "--format", "json")

        _rolling_restart(roles)
        _frozen_correlator(roles)
        _command(roles)
        _configuration(roles)
        _later(roles)

        exported = tmp_path / "export.ndjson"
        exported.write_bytes(alertline("export", *roles.common))
        replayed = orjson.loads(alertline("replay", str(exported), "--format", "json"))["incidents"]
        shown = incidents(roles)
        assert {each["id"]: each for each in replayed} == shown
        asyncio.run(_what_other_programs_get(kafka_address, prefix, shown))
        assert [server.stop() for server in (*roles.ingest, *roles.correlate, *roles.review)] == [0] * 5


def _rolling_restart(roles: Roles) -> None:
    """No sender sees anything but 202 while one receiver after the other is stopped and started."""
    assert roles.balancer is not None
    with Senders(roles.balancer.port, 4) as senders:
        for server in roles.ingest:
            until(lambda: len(senders.told) > 20, "some deliveries")
            assert server.stop() == 0
            server.start().ready()
            roles.balancer.sees(server.port)
    assert set(senders.statuses) == {202}, senders.statuses
    all_applied(roles, senders.told)


def _frozen_correlator(roles: Roles) -> None:
    """Another correlator takes over from one that is frozen; that one, let go, writes nothing and comes back."""
    assert roles.balancer is not None
    os.kill(roles.correlate[0].pid, signal.SIGSTOP)
    try:
        with Senders(roles.balancer.port, 2) as senders:
            until(lambda: len(senders.told) > 50, "some deliveries")
        all_applied(roles, senders.told)
    finally:
        os.kill(roles.correlate[0].pid, signal.SIGCONT)
    roles.correlate[0].ready()
    with Senders(roles.balancer.port, 2) as senders:
        until(lambda: len(senders.told) > 20, "some deliveries")
    all_applied(roles, senders.told)


def _command(roles: Roles) -> None:
    """What a person does on the pages goes over the log to whoever has the partition, and the answer comes back."""
    status, told = roles.ingest[0].post("/v1/webhooks/alertmanager", b"no JSON at all")
    assert status == 202
    roles.review[0].applied(told["delivery"])
    waiting = orjson.loads(alertline("quarantine", "list", "--format", "json", *roles.common))
    assert waiting["id"] == told["delivery"]
    status, answer = roles.review[0].post(f"/v1/quarantine/{told['delivery']}/discard", {"reason": "noise"})
    assert (status, answer["state"]) == (200, "discarded"), answer


def _configuration(roles: Roles) -> None:
    """A command beside the processes puts a configuration in force in every stream, on the cluster's log."""
    config = Path(roles.common[-1])
    config.write_text(config.read_text() + '\n[windows]\nquiet = "7m"\n')
    applied = ("config", "apply", "--recorded-time", *roles.common)
    assert b"holds from here on in: default, shop" in alertline(*applied)
    assert b"holds already" in alertline(*applied)


def _later(roles: Roles) -> None:
    """Let an hour pass in both streams: what a replay lets pass after its last line changes nothing any more."""
    moment = now() + timedelta(hours=1)
    for name in ("alertline", "shop-own"):
        given = {"Alertline_Received_At": moment.isoformat()}
        status, _ = roles.ingest[0].post(f"/v1/webhooks/{name}", {"type": "tick", "at": moment.isoformat()}, **given)
        assert status == 202
        _, told = roles.ingest[0].post(f"/v1/webhooks/{name}", b"", Idempotency_Key=f"after {name}", **given)
        roles.review[0].applied(told["delivery"])


async def _what_other_programs_get(kafka: str, prefix: str, shown: dict[str, Any]) -> None:
    """The newest event of each incident is of its newest version; the dead letter says why, and is whole."""
    consumer = AIOKafkaConsumer(
        f"{prefix}.incidents.v1", f"{prefix}.quarantine.v1", bootstrap_servers=kafka, auto_offset_reset="earliest"
    )
    newest: dict[str, int] = {}
    letters: list[dict[str, str]] = []
    await consumer.start()
    try:
        async with asyncio.timeout(BOUND_S):
            while newest != {name: each["version"] for name, each in shown.items()} or not letters:
                message = await consumer.getone()
                value = orjson.loads(message.value)
                if message.topic.endswith("incidents.v1"):
                    assert value["subject"] == message.key.decode()
                    newest[value["subject"]] = value["data"]["version"]
                else:
                    letters.append({name: text.decode() for name, text in message.headers})
                    assert value["record"] == "delivery"
    finally:
        await consumer.stop()
    assert {letter["alertline-topic"] for letter in letters} == {f"{prefix}.deliveries.v1"}
    assert all(letter["alertline-reason"] for letter in letters)
