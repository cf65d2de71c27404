"""The protocols that other tools speak: exactly their replies, what is kept, and which integration it goes to."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import ClientResponse

from alertline.eventlog.memory import MemoryLog
from ingest.integrations import Integration
from ingest.receivers import ReceiverOptions
from ingest.servers.protocol import Credential
from ingest.servers.routes import PROTOCOLS
from schemas.events import AlertEvent, Change, Entry
from schemas.records import Delivery
from schemas.vocabulary import AlertStatus, Outcome
from tests.support.receiving import ALERT, Client, Full, Guest, records, serving, the_delivery

POSTED = [{"labels": {"alertname": "Down", "service": "api"}, "endsAt": "2025-05-06T07:12:09Z"}]
TRIGGER = {
    "routing_key": "r" * 32,
    "event_action": "trigger",
    "payload": {"summary": "Disk full", "source": "db-1", "severity": "critical"},
}
VICTOR = "/integrations/generic/20131114/alert/S3CRET"


async def answer(response: ClientResponse) -> tuple[int, Any]:
    """Status and JSON of a reply."""
    return response.status, await response.json()


async def the_alert(log: MemoryLog) -> AlertEvent:
    """The only event of the only delivery."""
    (event,) = (await the_delivery(log)).events
    assert isinstance(event, AlertEvent)
    return event


async def test_alertmanager_is_answered_200_and_nothing() -> None:
    """The end that is to come is kept as a lease, and its sender hears what Alertmanager would say."""
    log = MemoryLog()
    async with serving(log) as client:
        response = await client.post("/api/v2/alerts", json=POSTED)
        body = await response.read()

    alert = await the_alert(log)
    assert (response.status, body) == (200, b"")
    assert response.headers["Alertline-Delivery"] == (await the_delivery(log)).id
    assert (alert.status, alert.lease) == (AlertStatus.FIRING, 240.0)


@pytest.mark.parametrize(
    ("told", "lease"),
    [({}, 300.0), ({"endsAt": "0001-01-01T00:00:00Z"}, 300.0), ({"endsAt": "2025-05-06T07:08:09Z"}, None)],
)
async def test_the_lease_of_an_alert_without_an_end(told: dict[str, str], lease: float | None) -> None:
    """Without an end it is the protocol's five minutes; an end that has passed is no lease but a resolve."""
    log = MemoryLog()
    async with serving(log) as client:
        await client.post("/api/v2/alerts", json=[{"labels": {"alertname": "Down"}, **told}])

    alert = await the_alert(log)
    assert alert.lease == lease
    assert alert.status is (AlertStatus.RESOLVED if lease is None else AlertStatus.FIRING)


async def test_of_a_list_of_alerts_the_good_ones_count() -> None:
    """Prometheus would drop the whole list if it heard of the bad one; of a list with nothing good its author hears."""
    log = MemoryLog()
    async with serving(log) as client:
        mixed = await client.post("/api/v2/alerts", json=[*POSTED, {"labels": {}}])
        status, told = await answer(await client.post("/api/v2/alerts", data=b"{not json"))
        empty = await client.post("/api/v2/alerts", json=[])
        replies = [(each.status, await each.read()) for each in (mixed, empty)]

    assert replies == [(200, b"")] * 2
    assert status == 400
    assert "JSON" in told
    assert [each.outcome for each in await records(log) if isinstance(each, Delivery)] == [
        Outcome.PARTIAL,
        Outcome.QUARANTINED,
        Outcome.IGNORED,
    ]


async def test_pagerduty_says_by_which_key_the_alert_goes_on() -> None:
    """A key of the sender's comes back; one that is missing is made of what it sent, the same every time."""
    log = MemoryLog()
    async with serving(log) as client:
        keyed = await answer(await client.post("/v2/enqueue", json=TRIGGER | {"dedup_key": "disk/db-1"}))
        made = [await answer(await client.post("/v2/enqueue", json=TRIGGER)) for _ in range(2)]
        resolve = {"routing_key": "r" * 32, "event_action": "resolve", "dedup_key": made[0][1]["dedup_key"]}
        await client.post("/v2/enqueue", json=resolve)

    assert keyed == (202, {"status": "success", "message": "Event processed", "dedup_key": "disk/db-1"})
    assert made[0] == made[1]
    assert made[0][0] == 202
    keys = [each.events[0].dedup_key for each in await records(log) if isinstance(each, Delivery)]  # type: ignore[union-attr]
    assert keys[1] == keys[2] == keys[3] != keys[0]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/enqueue", b"{"),
        ("/v2/enqueue", b"[]"),
        ("/v2/enqueue", json.dumps(TRIGGER | {"event_action": "explode"}).encode()),
        ("/v2/enqueue", b'{"routing_key": "r", "event_action": "resolve"}'),
        ("/v2/change/enqueue", b'{"payload": {}}'),
        ("/generic/2010-04-15/create_event.json", b'{"event_type": "resolve"}'),
    ],
)
async def test_an_invalid_event_of_pagerduty_is_told_and_kept(path: str, body: bytes) -> None:
    """Its author hears 400 in the words of that API, and it waits in quarantine."""
    log = MemoryLog()
    async with serving(log) as client:
        status, told = await answer(await client.post(path, data=body))

    assert (status, told["status"], told["message"]) == (400, "invalid event", "Event object is invalid")
    assert told["errors"]
    assert (await the_delivery(log)).outcome is Outcome.QUARANTINED


async def test_changes_and_old_events_of_pagerduty() -> None:
    """A change event is a change; an event of version 1 hears of its incident key, with 200."""
    log = MemoryLog()
    old = {"service_key": "s", "event_type": "trigger", "incident_key": "k", "description": "Down"}
    async with serving(log) as client:
        change = await answer(await client.post("/v2/change/enqueue", json={"payload": {"summary": "Deployed 7"}}))
        event = await answer(await client.post("/generic/2010-04-15/create_event.json", json=old))

    assert change == (202, {"status": "success", "message": "Change event processed"})
    assert event == (200, {"status": "success", "message": "Event processed", "incident_key": "k"})
    assert isinstance((await records(log))[0].events[0], Change)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("method", "rest", "status"),
    [
        ("POST", "/disk%2Fdb-1/close?identifierType=alias", AlertStatus.RESOLVED),
        ("POST", "/disk%2Fdb-1/close", AlertStatus.RESOLVED),
        ("POST", "/disk%2Fdb-1/acknowledge?identifierType=alias", AlertStatus.ACKNOWLEDGED),
        ("POST", "/disk%2Fdb-1/notes?identifierType=alias", AlertStatus.FIRING),
        ("DELETE", "/disk%2Fdb-1?identifierType=alias", AlertStatus.RESOLVED),
    ],
)
async def test_opsgenie_says_in_the_path_what_is_done(method: str, rest: str, status: AlertStatus) -> None:
    """A slash in an alias is percent-encoded; a body is not needed. Every reply has the request's id."""
    log = MemoryLog()
    async with serving(log) as client:
        response = await client.request(method, f"/v2/alerts{rest}")
        told = await response.json()

    alert, delivery = await the_alert(log), await the_delivery(log)
    assert (alert.dedup_key, alert.status) == ("disk/db-1", status)
    assert response.status == 202
    assert (told["result"], told["requestId"]) == ("Request will be processed", delivery.id)
    assert isinstance(told["took"], float)


async def test_an_alert_of_opsgenie_and_one_that_is_none() -> None:
    """An alert without a message is 422 in the words of that API; edits of one are processed, and change nothing."""
    log = MemoryLog()
    async with serving(log) as client:
        created = await client.post("/v2/alerts", json={"message": "Disk full", "alias": "disk"})
        edited = await client.put("/v2/alerts/disk/message", json={"message": "Disk very full"})
        status, told = await answer(await client.post("/v2/alerts", json={"alias": "disk"}))
        unreadable, _ = await answer(await client.post("/v2/alerts", data=b"<xml/>"))

    assert (created.status, edited.status, status, unreadable) == (202, 202, 422, 422)
    assert "message" in told["errors"]
    assert [each.outcome for each in await records(log) if isinstance(each, Delivery)] == [
        Outcome.ACCEPTED,
        Outcome.IGNORED,
        Outcome.QUARANTINED,
        Outcome.QUARANTINED,
    ]


@pytest.mark.parametrize("path", [VICTOR, f"{VICTOR}/", f"{VICTOR}/team-a"])
async def test_victorops_hears_of_the_entity(path: str) -> None:
    """With a routing key or without; the key in the path is kept nowhere."""
    log = MemoryLog()
    async with serving(log) as client:
        body = {"message_type": "critical", "entity_id": "disk/db-1", "state_message": "Disk full"}
        done = await answer(await client.post(path, json=body))
        wrong = await answer(await client.post(path, json={"message_type": "song"}))

    assert done == (200, {"result": "success", "entity_id": "disk/db-1"})
    assert (wrong[0], wrong[1]["result"]) == (200, "failure")
    assert "S3CRET" not in repr(await records(log))


@pytest.mark.parametrize("path", ["/services/T1/B1/S3CRET", "/v1/webhooks/slack_incoming"])
async def test_slack_is_answered_ok(path: str) -> None:
    """As JSON and as a form; a text becomes a note. Any other reply would be a failure to those who send there."""
    log = MemoryLog()
    async with serving(log) as client:
        plain = await client.post(path, json={"text": "We look into it", "username": "ana"})
        form = await client.post(path, data={"payload": json.dumps({"text": "Still looking"})})
        read = [(each.status, each.content_type, await each.text()) for each in (plain, form)]

    assert read == [(200, "text/plain", "ok")] * 2
    notes = [each.events[0] for each in await records(log) if isinstance(each, Delivery)]
    assert [each.text for each in notes if isinstance(each, Entry)] == ["We look into it", "Still looking"]
    assert "S3CRET" not in repr(await records(log))


async def test_slack_hears_of_a_payload_that_is_none() -> None:
    """At its own path in its own words; at the path of an integration never: a sender there cannot mend it."""
    log = MemoryLog()
    async with serving(log) as client:
        own = await client.post("/services/T/B/x", data=b"{broken")
        general = await client.post("/v1/webhooks/slack_incoming", data=b"{broken")
        told = [(each.status, await each.text()) for each in (own, general)]

    assert told == [(400, "invalid_payload"), (200, "ok")]
    assert [each.outcome for each in await records(log) if isinstance(each, Delivery)] == [Outcome.QUARANTINED] * 2


def paths() -> list[tuple[str, str, bool]]:
    """A path of each call of each protocol, its source, and whether its refusals are JSON."""
    filled = {"{key}": "k", "{routing}": "r", "{team}": "t", "{app}": "a", "{alert:.+}": "x/close"}
    found = []
    for protocol in PROTOCOLS:
        for call in protocol.calls:
            path = call.path
            for pattern, value in filled.items():
                path = path.replace(pattern, value)
            found.append((path, protocol.source, protocol.source != "slack_incoming"))
    return sorted(set(found))


@pytest.mark.parametrize(("path", "source", "in_json"), paths())
async def test_what_is_not_taken_is_said_in_the_words_of_the_protocol(path: str, source: str, in_json: bool) -> None:
    """No credentials, a body that is too large, a log that is away: their status, and never problem+json."""
    async with serving(Full(), ReceiverOptions(body_limit=2000)) as client:
        away = await client.post(path, json={})
        large = await client.post(path, data=b"x" * 3000)
        replies = [away, large]
    async with serving(MemoryLog(), authenticator=Guest(None)) as client:
        replies.append(await client.post(path, json={}))
        statuses = [each.status for each in replies]

    assert statuses == [503, 413, 401]
    assert int(away.headers["Retry-After"]) > 0
    assert replies[2].headers["WWW-Authenticate"]
    assert {each.content_type for each in replies} == {"application/json" if in_json else "text/plain"}


NONSENSE = [
    b"",
    b" ",
    b"null",
    b"[]",
    b"[1]",
    b"[null]",
    b"[[]]",
    b'"x"',
    b"7",
    b"1e999",
    b"{}",
    b"\xff\xfe\x00",
    b"payload=",
    b"[" * 100_000,
    b'{"a":' * 5_000,
    b'[{"labels": 7}]',
    b'[{"labels": {"a": {}}}]',
    b'{"payload": [], "event_action": 7}',
    b'{"message": {}, "alias": []}',
    b'{"message_type": {}, "entity_id": []}',
    b'{"text": {}, "attachments": {"a": 1}}',
    b'{"labels": "\\ud800"}',
    b'[{"labels": {"a": "b"}, "endsAt": "9999-12-31T23:59:59.999999Z", "startsAt": "x"}]',
    b'{"message_type": "CRITICAL", "entity_id": "\\ud800"}',
    b'{"event_action": "acknowledge", "dedup_key": "\\ud800"}',
]


@pytest.mark.parametrize(("path", "source", "_in_json"), paths())
async def test_no_body_is_our_failure(path: str, source: str, _in_json: bool) -> None:
    """Whatever is posted is on the log when it is answered, and no answer says that we failed."""
    log = MemoryLog()
    async with serving(log) as client:
        statuses = [(await client.post(path, data=body)).status for body in NONSENSE]

    assert all(status < 500 for status in statuses)
    assert {each.source for each in await records(log) if isinstance(each, Delivery)} == {source}
    assert len(await records(log)) == len(NONSENSE)


@pytest.mark.parametrize(("path", "source", "_in_json"), paths())
async def test_which_integration_a_protocol_serves(path: str, source: str, _in_json: bool) -> None:
    """The configured one of its source; where there are several, the address says which, and without it nobody does."""
    one = {"prod": Integration(name="prod", source=source, stream="eu")}
    two = one | {"test": Integration(name="test", source=source)}
    kept: dict[str, list[str]] = {}
    statuses: dict[str, int] = {}

    async def posted(client: Client, at: str) -> None:
        statuses[at] = (await client.post(at + path, json=ALERT)).status

    for name, configured in (("none", None), ("one", one), ("two", two)):
        log = MemoryLog()
        async with serving(log, configured=configured) as client:
            await posted(client, "")
            if name == "two":
                assert statuses[""] == 404
                await posted(client, "/v1/webhooks/test")
                await posted(client, f"/v1/webhooks/{source}")
                await posted(client, "/v1/webhooks/generic")
                await posted(client, "/v1/webhooks/nobody")
        kept[name] = [each.integration for each in await records(log) if isinstance(each, Delivery)]

    assert kept == {"none": [source], "one": ["prod"], "two": ["test", source]}
    assert (statuses["/v1/webhooks/generic"], statuses["/v1/webhooks/nobody"]) == (404, 404)
    assert statuses["/v1/webhooks/test"] != 404


async def test_a_source_whose_name_is_taken_by_another() -> None:
    """An integration may have the name of a source that it is not of: then nobody serves that protocol."""
    taken = {"opsgenie": Integration(name="opsgenie", source="generic")}
    log = MemoryLog()
    async with serving(log, configured=taken) as client:
        statuses = [(await client.post(at + "/v2/alerts", json={})).status for at in ("", "/v1/webhooks/opsgenie")]

    assert (statuses, await records(log)) == ([404, 404], [])


@pytest.mark.parametrize(
    ("credential", "headers", "body", "shown"),
    [
        (Credential(header="Authorization", prefix="GenieKey "), {"Authorization": "geniekey k"}, b"", "k"),
        (Credential(header="Authorization", prefix="GenieKey "), {"Authorization": "Bearer k"}, b"", None),
        (Credential(header="Authorization", prefix="GenieKey "), {}, b"", None),
        (Credential(field="routing_key"), {}, b'{"routing_key": "k"}', "k"),
        (Credential(field="routing_key"), {}, b'{"routing_key": 7}', None),
        (Credential(field="routing_key"), {}, b"not json", None),
        (Credential(part="key"), {}, b"", "part"),
        (Credential(part="other"), {}, b"", None),
    ],
)
def test_where_a_credential_stands(
    credential: Credential, headers: Mapping[str, str], body: bytes, shown: str | None
) -> None:
    """In a header behind its word, in the body, or in the path; anything else shows none."""
    assert credential.shown(headers, {"key": "part"}, body) == shown
