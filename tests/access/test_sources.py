"""The senders as people see them: last delivery, errors, clock, secret, what to paste, and a test."""

from datetime import timedelta
from pathlib import Path

import pytest

from alertline.eventlog.memory import MemoryLog
from alertline.store.tokens import TokenStore
from alertline.wiring.senders import since_when
from ingest.intake import Posted, receive
from ingest.integrations import Integration, Integrations
from ingest.proof.admission import Keys
from ingest.proof.scheme import Terms
from ingest.proof.schemes import checks, schemes
from ingest.receivers import Receiver
from ingest.recording import line_of
from review.sources import source_routes
from review.watching import seen_in
from schemas.records import Delivery, Record, decode
from schemas.vocabulary import Outcome
from tests.access.test_routes import house, opened
from tests.support.html_check import read_page
from tests.support.receiving import NOW, Hands, serving, the_delivery
from tests.support.signing import SENDERS

KNOWN = Integrations({"mail": Integration(name="mail", source="generic")})


def delivered(body: bytes, minutes: float = 0, name: str = "mail") -> Record:
    """A delivery so many minutes after now."""
    integration, adapter = KNOWN.nearest(name, "generic", None)
    return receive(
        Posted(integration=name, body=body, received_at=NOW + timedelta(minutes=minutes)), integration, adapter
    )


def test_what_was_seen() -> None:
    """Counts, rate, the newest error; nothing is made up where nothing is known."""
    found = seen_in([delivered(b'{"title": "x"}', minute) for minute in (0, 30, 60)] + [delivered(b"<xml>", 120)])
    mail = found["mail"]

    assert (mail.deliveries, mail.quarantined, mail.partial, mail.tests) == (4, 1, 0, 0)
    assert (mail.first_at, mail.last_at, mail.per_hour) == (NOW, NOW + timedelta(hours=2), 1.5)
    assert mail.last_error
    assert (mail.lag_s, mail.ahead_s) == (None, None)
    assert seen_in([delivered(b'{"title": "x"}')])["mail"].per_hour is None


@pytest.mark.parametrize(
    ("states", "lag", "ahead"), [(-30, 30.0, None), (0, 0.0, None), (90, -90.0, 90.0), (1, -1.0, None)]
)
def test_clocks(states: int, lag: float, ahead: float | None) -> None:
    """A sender that tells of what is still to come has a clock ahead of ours; one that is late may just be slow."""
    stated = (NOW + timedelta(seconds=states)).isoformat()
    body = f'{{"title": "x", "starts_at": "{stated}"}}'.encode()
    seen = seen_in([delivered(body)])["mail"]

    assert (seen.lag_s, seen.ahead_s) == (lag, ahead)


async def test_a_test_is_a_delivery_that_tells_of_nothing() -> None:
    """It goes the receiver's way, under the name of who asked; a recording keeps the mark."""
    log = MemoryLog()
    receiver = Receiver(log, Integrations(), Hands())
    delivery = await receiver.test("github", "ana")
    record = await the_delivery(log)

    assert (record.id, record.outcome, record.principal) == (delivery, Outcome.ACCEPTED, "ana")
    assert [event.__struct_config__.tag for event in record.events] == ["test"]
    assert '"alertline-test":"1"' in line_of(record).decode().replace(" ", "")
    assert await receiver.test("nobody", "ana") is None


async def test_no_sender_makes_a_test() -> None:
    """A header of the name is dropped at the edge: an alert that came with it is one."""
    log = MemoryLog()
    async with serving(log) as client:
        await client.post("/v1/webhooks/generic", json={"title": "x"}, headers={"Alertline-Test": "1"})
    record = await the_delivery(log)

    assert "alertline-test" not in record.headers
    assert [event.__struct_config__.tag for event in record.events] == ["alert"]


async def test_on_the_page_and_as_json(tmp_path: Path) -> None:
    """Both tell the same: the refusal, the secret's ways, the address; the test comes back as a link."""
    keys = Keys(checks=checks(("github",), Terms(secrets=("s" * 20,)), schemes()), ways=("github",))
    async with house(tmp_path, local=True, keys=keys) as made:
        for headers in ({}, dict(SENDERS["github"]("wrong", b"{}", NOW).headers)):
            await made.client.post("/v1/webhooks/keyed", data=b"{}", headers=headers)
        tested = await made.client.post("/sources/keyed/test", allow_redirects=False)
        [told] = (await (await made.client.get("/v1/sources")).json())["sources"]
        page = await (await made.client.get(tested.headers["Location"])).text()
        unknown = await made.client.post("/v1/sources/nobody/test")
        sent = await made.client.post("/v1/sources/keyed/test")
        [first, *_] = [decode(each.payload) for each in await made.log.read(0, 0, 10)]

    assert (tested.status, unknown.status, sent.status) == (303, 404, 202)
    assert told["name"] == "keyed"
    assert told["address"].endswith("/v1/webhooks/keyed")
    assert told["address"] in told["paste"]
    assert (told["refused"], told["last_refusal"]) == (2, "the signature does not fit the body")
    assert (told["seen"]["tests"], told["seen"]["ahead_s"], told["ways"]) == (1, None, ["github"])
    assert isinstance(first, Delivery)
    assert first.id in page
    assert "the signature does not fit the body" in page
    assert read_page(page).problems == []
    assert read_page(page).headings == [1, 2]


async def test_age_of_a_secret(tmp_path: Path) -> None:
    """It is known from the first start that saw it; a rotation begins anew; what is gone is forgotten."""
    engine, clock = await opened(tmp_path), Hands()
    store = TokenStore(engine)

    async def since(*secrets: bytes) -> object:
        return (await since_when(store, {"it": Keys(checks=(), secrets=secrets)}, clock)).get("it")

    first = await since(b"old")
    clock.now = NOW + timedelta(days=30)
    same, rotated, alone = await since(b"old"), await since(b"new", b"old"), await since(b"new")
    kept = await store.all()
    none = await since()
    await engine.dispose()

    assert (first, same, rotated, alone, none) == (NOW, NOW, clock.now, clock.now, None)
    assert [row.kind for row in kept] == ["secret"]
    assert "new" not in repr(kept)


def test_without_a_receiver() -> None:
    """Where nothing is received the routes are there all the same."""
    assert [route.path for route in source_routes(None, str)][:2] == ["/v1/sources", "/v1/sources/{name}/test"]
