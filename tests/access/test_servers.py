"""Servers of other tools' protocols let in by the secrets of integrations, where those tools put theirs."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alertline.eventlog.memory import MemoryLog
from alertline.web.access import LocalOperator
from alertline.web.routes import add_routes
from ingest.integrations import Integration, Integrations
from ingest.proof.admission import Keys
from ingest.proof.scheme import Terms
from ingest.proof.schemes import checks, schemes, ways_of
from ingest.receivers import Receiver
from ingest.servers.routes import server_routes
from schemas.records import Delivery
from tests.support.receiving import Hands, records

SECRETS = {"first": "0123456789abcdef0123456789abcdef", "second": "fedcba9876543210fedcba9876543210"}
EVENT = {"event_action": "trigger", "payload": {"summary": "x", "source": "s", "severity": "error"}}


def keyed(name: str, source: str) -> Integration:
    """An integration with its secret, known in every way of its source."""
    terms = Terms(secrets=(SECRETS[name],))
    made = checks(ways_of(source, terms), terms, schemes())
    return Integration(name=name, source=source, keys=Keys(checks=made, secrets=(SECRETS[name].encode(),)))


VICTOROPS = "/integrations/generic/20131114/alert/SECRET/team"


@pytest.mark.parametrize(
    ("source", "path", "headers", "body"),
    [
        ("pagerduty_events_v2", "/v2/enqueue", {}, {**EVENT, "routing_key": "SECRET"}),
        ("opsgenie", "/v2/alerts", {"Authorization": "GenieKey SECRET"}, {"message": "x"}),
        ("victorops", VICTOROPS, {}, {"message_type": "CRITICAL", "entity_id": "e"}),
        ("alertmanager_api_v2", "/api/v2/alerts", {"Authorization": "Bearer SECRET"}, [{"labels": {"alertname": "A"}}]),
    ],
)
async def test_the_secret_says_who_it_is(
    source: str, path: str, headers: dict[str, str], body: dict[str, object] | list[object]
) -> None:
    """Of two integrations the one whose secret is shown takes it; another secret, or none, is refused; none is kept."""
    log = MemoryLog()
    receiver = Receiver(log, Integrations({name: keyed(name, source) for name in SECRETS}), Hands())
    app = web.Application()
    add_routes(app, server_routes(receiver), LocalOperator())
    statuses = []
    async with TestClient(TestServer(app)) as client:
        for secret in ("fedcba9876543210fedcba9876543210", "another"):
            shown = {name: value.replace("SECRET", secret) for name, value in headers.items()}
            said = {**body, "routing_key": secret} if isinstance(body, dict) and "routing_key" in body else body
            answer = await client.post(path.replace("SECRET", secret), json=said, headers=shown)
            statuses.append(answer.status)
    kept = await records(log)

    assert statuses[0] < 300
    assert statuses[1] in (401, 404)
    assert [each.integration for each in kept if isinstance(each, Delivery)] == ["second"]
    if source != "pagerduty_events_v2":  # there it is a part of the dedup key: docs/authentication.md
        assert not [each for each in kept if SECRETS["second"] in repr(each)]
