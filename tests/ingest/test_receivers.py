"""The receivers over a real server: what is answered, what is durable by then, and what leaves no trace."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from structlog.testing import capture_logs

from alertline import telemetry
from alertline.eventlog.memory import MemoryLog
from alertline.web.access import LOCAL_OPERATOR, Permission, Principal
from alertline.web.health import health_routes
from alertline.web.routes import Route, add_routes
from ingest.integrations import Integration, Integrations
from ingest.receivers import Receiver, ReceiverOptions
from schemas.events import AlertEvent
from schemas.records import Delivery, Record, Tick
from schemas.vocabulary import AlertStatus, Outcome
from tests.support.receiving import (
    ALERT,
    GROUP,
    NOW,
    Client,
    Full,
    Guest,
    Hands,
    Stuck,
    problem,
    records,
    serving,
    the_delivery,
)


async def test_accepted() -> None:
    """A delivery is on the log before 202 is sent, with its bytes, its time and its principal; secrets are not."""
    log = MemoryLog()
    async with serving(log) as client:
        headers = {"Authorization": "Bearer secret", "X-Custom": "kept"}
        response = await client.post("/v1/webhooks/alertmanager?a=1&token=secret", json=GROUP, headers=headers)
        reply = await response.json()

    record = await the_delivery(log)
    assert response.status == 202
    assert reply == {"delivery": record.id, "accepted": 1, "duplicates": 0, "quarantined": 0, "rejected": []}
    assert record.outcome is Outcome.ACCEPTED
    assert (record.received_at, record.principal, record.source) == (NOW, "local", "alertmanager")
    assert json.loads(record.raw) == GROUP
    assert record.headers["x-custom"] == "kept"
    assert record.query == "a=1&token=redacted"
    assert "secret" not in repr(record)


async def test_token_in_the_path_is_not_kept() -> None:
    """A sender that can set no header has its token in the path; it stays out of the record."""
    log = MemoryLog()
    async with serving(log) as client:
        response = await client.post("/v1/webhooks/generic/token-123", json=ALERT)

    assert response.status == 202
    assert "token-123" not in repr(await the_delivery(log))


async def test_configured_integration() -> None:
    """A configured integration has its own name and stream."""
    log = MemoryLog()
    configured = {"prod": Integration(name="prod", source="generic", stream="eu")}
    async with serving(log, configured=configured) as client:
        response = await client.post("/v1/webhooks/prod", json=ALERT)

    record = await the_delivery(log)
    assert response.status == 202
    assert (record.integration, record.source, record.stream) == ("prod", "generic", "eu")


async def test_duplicates() -> None:
    """A copy within a minute is told as a duplicate, appended all the same, and later it is news again."""
    log, clock = MemoryLog(), Hands()
    async with serving(log, clock=clock) as client:
        replies = []
        for seconds in (0, 50, 111):
            clock.now = NOW + timedelta(seconds=seconds)
            replies.append(await (await client.post("/v1/webhooks/generic", json=ALERT)).json())

    assert [(reply["accepted"], reply["duplicates"]) for reply in replies] == [(1, 0), (0, 1), (1, 0)]
    assert len({reply["delivery"] for reply in replies}) == 1
    assert len(await records(log)) == 3


async def test_partial() -> None:
    """Of a partly broken batch the good items pass, and the bad ones are told by index, pointer and reason."""
    async with serving(MemoryLog()) as client:
        response = await client.post("/v1/webhooks/generic", json=[ALERT, {"status": "firing"}])
        reply = await response.json()

    assert response.status == 202
    assert (reply["accepted"], reply["quarantined"]) == (1, 0)
    assert [(one["index"], one["pointer"]) for one in reply["rejected"]] == [(1, "/1/title")]
    assert "missing" in reply["rejected"][0]["reason"]


@pytest.mark.parametrize("path", ["/v1/webhooks/alertmanager", "/v1/webhooks"])
async def test_unreadable_vendor_body(path: str) -> None:
    """What a vendor sends and we cannot read is kept in quarantine, and the vendor gets its 202."""
    log = MemoryLog()
    async with serving(log) as client:
        response = await client.post(path, data=b"\xff{not json")
        reply = await response.json()

    record = await the_delivery(log)
    assert response.status == 202
    assert (reply["accepted"], reply["quarantined"]) == (0, 1)
    assert record.outcome is Outcome.QUARANTINED
    assert record.reason
    assert record.raw == b"\xff{not json"


@pytest.mark.parametrize(
    ("source", "body", "pointer"),
    [("generic", {"status": "firing"}, "/title"), ("alertline", {"type": "entry", "kind": "song"}, "/kind")],
)
async def test_own_format_is_told(source: str, body: object, pointer: str) -> None:
    """Who writes our own format is told with 422 where it is wrong; the delivery is in quarantine all the same."""
    log = MemoryLog()
    async with serving(log) as client:
        told = await problem(await client.post(f"/v1/webhooks/{source}", json=body), 422)

    record = await the_delivery(log)
    assert [one["pointer"] for one in told["rejected"]] == [pointer]
    assert told["delivery"] == record.id
    assert record.outcome is Outcome.QUARANTINED


@pytest.mark.parametrize(
    ("body", "source"),
    [(GROUP, "alertmanager"), ({**GROUP, "orgId": 1}, "grafana"), ({**ALERT, "status": "firing"}, "generic")],
)
async def test_detection(body: object, source: str) -> None:
    """A body that was posted without a name goes to the source that it looks like."""
    log = MemoryLog()
    async with serving(log) as client:
        response = await client.post("/v1/webhooks", json=body)

    assert response.status == 202
    assert (await the_delivery(log)).source == source


async def test_unknown_integration() -> None:
    """An integration that does not exist is 404, and nothing is kept."""
    log = MemoryLog()
    async with serving(log) as client:
        await problem(await client.post("/v1/webhooks/nobody", json=ALERT), 404)

    assert await records(log) == []


async def test_a_sender_that_gets() -> None:
    """What a sender says in the query of a GET is taken in; the same from a browser, or by whoever posts, is not."""
    log = MemoryLog()
    path = "/v1/webhooks/uptimerobot?monitorID=7&monitorFriendlyName=api&alertType=1&alertDateTime=1741082400"
    async with serving(log) as client:
        taken = await client.get(path)
        browsed = await client.get(path, headers={"Sec-Fetch-Mode": "no-cors"})
        empty = await client.get("/v1/webhooks/uptimerobot")
        poster = await client.get("/v1/webhooks/generic?title=x")

    assert [each.status for each in (taken, browsed, empty, poster)] == [202, 405, 405, 405]
    (record,) = await records(log)
    assert isinstance(record, Delivery)
    (event,) = record.events
    assert isinstance(event, AlertEvent)
    assert (event.dedup_key, event.status) == ("7", AlertStatus.FIRING)


@pytest.mark.parametrize("path", ["/v1/webhooks", "/v1/webhooks/generic", "/v1/webhooks/generic/token"])
async def test_other_methods(path: str) -> None:
    """A browser or an uptime check gets 405 without any effect."""
    log = MemoryLog()
    async with serving(log) as client:
        got = await client.get(path)
        await problem(got, 405)
        head, deleted = await client.head(path), await client.delete(path)

    assert (head.status, deleted.status) == (405, 405)
    assert "POST" in got.headers["Allow"]
    assert await records(log) == []


@pytest.mark.parametrize("packed", [False, True])
async def test_too_large(packed: bool) -> None:
    """A body over the limit is 413, whether it says its length, comes in chunks, or is only large once unpacked."""
    body = b"x" * 3000
    headers = {"Content-Encoding": "gzip"} if packed else {}

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 500):
            yield body[start : start + 500]

    async with serving(MemoryLog(), ReceiverOptions(body_limit=2000)) as client:
        sent = gzip.compress(body) if packed else body
        await problem(await client.post("/v1/webhooks/generic", data=sent, headers=headers), 413)
        if not packed:
            await problem(await client.post("/v1/webhooks/generic", data=chunks()), 413)


async def test_body_in_pieces() -> None:
    """A body that comes slowly and packed is the same body."""
    log = MemoryLog()
    body = gzip.compress(json.dumps(ALERT).encode())

    async def chunks() -> AsyncIterator[bytes]:
        yield body[:10]
        await asyncio.sleep(0.02)
        yield body[10:]

    async with serving(log) as client:
        response = await client.post("/v1/webhooks/generic", data=chunks(), headers={"Content-Encoding": "gzip"})

    record = await the_delivery(log)
    assert response.status == 202
    assert json.loads(record.raw) == ALERT
    assert "content-encoding" not in record.headers


async def test_empty_body() -> None:
    """An empty body is answered 202 and ignored."""
    log = MemoryLog()
    async with serving(log) as client:
        response = await client.post("/v1/webhooks/alertmanager")

    assert response.status == 202
    assert (await the_delivery(log)).outcome is Outcome.IGNORED


@pytest.mark.parametrize("log_type", [Stuck, Full])
async def test_log_away(log_type: Callable[[], MemoryLog]) -> None:
    """What is not durable in time is 503 with Retry-After: the sender tries again, and it was not remembered."""
    async with serving(log_type(), ReceiverOptions(append_limit_s=0.05)) as client:
        response = await client.post("/v1/webhooks/generic", json=ALERT)
        await problem(response, 503)

    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://elsewhere.example", 403), ("null", 403), ("http://127.0.0.1:8080", 202), ("http://localhost", 202)],
)
async def test_origin(origin: str, status: int) -> None:
    """A page of another site can post nothing, whatever it says its body is."""
    log = MemoryLog()
    async with serving(log) as client:
        headers = {"Origin": origin, "Content-Type": "text/plain"}
        answer = await client.post("/v1/webhooks/generic", data=json.dumps(ALERT), headers=headers)

    assert answer.status == status
    assert len(await records(log)) == (1 if status == 202 else 0)


async def test_recorded_time() -> None:
    """In recorded time the sender says when it was received; without a word our clock does; nonsense is 400."""
    log = MemoryLog()
    options = ReceiverOptions(recorded_time=True)
    async with serving(log, options) as client:
        await client.post("/v1/webhooks/generic", json=ALERT, headers={"Alertline-Received-At": "2024-01-01T00:00:00Z"})
        await client.post("/v1/webhooks/generic", json=ALERT)
        for text in ("yesterday", "2024-01-01T00:00:00", ""):
            headers = {"Alertline-Received-At": text}
            await problem(await client.post("/v1/webhooks/generic", json=ALERT, headers=headers), 400)

    times = [record.received_at for record in await records(log) if isinstance(record, Delivery)]
    assert times == [datetime(2024, 1, 1, tzinfo=UTC), NOW]


async def test_receive_time_of_a_sender_is_ignored() -> None:
    """Without recorded time nobody but our clock says when something was received, and nobody moves log time."""
    log = MemoryLog()
    tick = {"type": "tick", "at": "2030-01-01T00:00:00Z"}
    async with serving(log) as client:
        headers = {"Alertline-Received-At": "2024-01-01T00:00:00Z"}
        await client.post("/v1/webhooks/generic", json=ALERT, headers=headers)
        assert (await the_delivery(log)).received_at == NOW
        await problem(await client.post("/v1/webhooks/alertline", json=tick), 422)


async def test_tick() -> None:
    """In recorded time a tick becomes a tick record."""
    log = MemoryLog()
    async with serving(log, ReceiverOptions(recorded_time=True)) as client:
        response = await client.post("/v1/webhooks/alertline", json={"type": "tick", "at": "2030-01-01T00:00:00Z"})
        reply = await response.json()

    assert (response.status, reply["delivery"]) == (202, None)
    assert await records(log) == [Tick(stream="default", at=datetime(2030, 1, 1, tzinfo=UTC))]


async def test_recording_hook() -> None:
    """Whoever records gets every record that became durable, and none that did not."""
    got: list[Record] = []
    log = MemoryLog()
    async with serving(log, ReceiverOptions(on_delivery=got.append)) as client:
        await client.post("/v1/webhooks/generic", json=ALERT)
    async with serving(Full(), ReceiverOptions(on_delivery=got.append)) as client:
        await client.post("/v1/webhooks/generic", json=ALERT)

    assert got == await records(log)


async def test_credentials() -> None:
    """Without credentials nothing is taken; who may only deliver gives no commands."""
    log = MemoryLog()
    command = {"type": "command", "command": "close"}
    sender = Principal("sender", frozenset({Permission.INGEST}), frozenset({"generic", "alertline"}))
    async with serving(log, authenticator=Guest(None)) as client:
        await problem(await client.post("/v1/webhooks/generic", json=ALERT), 401)
    async with serving(log, authenticator=Guest(sender)) as client:
        assert (await client.post("/v1/webhooks/generic", json=ALERT)).status == 202
        assert (await the_delivery(log)).principal == "sender"
        await problem(await client.post("/v1/webhooks/alertline", json=command), 422)
    async with serving(log, authenticator=Guest(LOCAL_OPERATOR)) as client:
        assert (await client.post("/v1/webhooks/alertline", json=command)).status == 202


async def test_health() -> None:
    """The probes tell whether the process lives, what it waits for, and what it counted."""
    missing: dict[str, str] = {"log": "not open yet"}

    async def readiness() -> dict[str, str]:
        return missing

    app = web.Application()
    add_routes(app, (*Receiver(MemoryLog(), Integrations(), Hands()).routes(), *health_routes(readiness)), Guest(None))
    telemetry.DELIVERIES.labels("generic", "accepted").inc()
    async with TestClient(TestServer(app)) as client:
        live, waiting = await client.get("/healthz"), await client.get("/readyz")
        told = await waiting.json()
        missing = {}
        ready = await client.get("/readyz")
        metrics = await (await client.get("/metrics")).text()

    assert (live.status, waiting.status, ready.status) == (200, 503, 200)
    assert told["missing"] == {"log": "not open yet"}
    assert 'alertline_deliveries_total{outcome="accepted",source="generic"}' in metrics


async def test_counting() -> None:
    """Every delivery counts once, under its source and outcome."""

    def count() -> float:
        value = telemetry.REGISTRY.get_sample_value(
            "alertline_deliveries_total", {"source": "generic", "outcome": "accepted"}
        )
        return value or 0.0

    before = count()
    async with serving(MemoryLog()) as client:
        await client.post("/v1/webhooks/generic", json=ALERT)
    assert count() == before + 1


async def gathered(client: Client, count: int) -> list[int]:
    """The statuses of that many requests at once."""

    async def one(number: int) -> int:
        return (await client.post("/v1/webhooks/generic", json=ALERT | {"id": number})).status

    waiting: list[Awaitable[int]] = [one(number) for number in range(count)]
    return list(await asyncio.gather(*waiting))


async def test_many_at_once() -> None:
    """Requests that come together are all taken, each once."""
    log = MemoryLog()
    async with serving(log) as client:
        statuses = await gathered(client, 50)

    assert statuses == [202] * 50
    assert len({record.id for record in await records(log) if isinstance(record, Delivery)}) == 50


async def test_a_request_that_is_cut_is_no_failure_of_ours() -> None:
    """Nobody hears the answer, and no log tells of an error: the sender tries again."""

    async def handler(_: web.Request) -> web.Response:
        raise ConnectionResetError("Connection lost")

    app = web.Application()
    add_routes(app, [Route("POST", "/cut", Permission.PUBLIC, handler)], Guest(None))
    (route,) = app.router.routes()
    request = make_mocked_request("POST", "/cut")  # its transport is closing
    with capture_logs() as logs:
        assert (await route.handler(request)).status == 400
    assert logs == []
