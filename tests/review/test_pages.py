"""The pages: well formed, safe, complete without any script."""

import msgspec
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from alertline.web.access import LocalOperator
from alertline.web.routes import add_routes
from alertline.wiring.server import build_app
from review.answers import PAGE_HEADERS
from review.pages import review_routes
from schemas.events import Rejected
from schemas.incident import Incident
from schemas.records import Delivery
from schemas.vocabulary import MilestoneName, Outcome
from tests.support.html_check import PageReader, read_page
from tests.support.memory_reader import MemoryOrders, MemoryReader, delivery, waiting
from tests.support.sample_incident import outage, running, titled

ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(1)> --> {{ 7 * 7 }} [a](javascript:alert(1)) \u202e'
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def fetch(path: str, reader: MemoryReader, *, status: int = 200, recorded_time: bool = False) -> PageReader:
    """Get a page as a browser does, and read it."""
    app = build_app(
        routes=review_routes(reader, MemoryOrders(reader), recorded_time=recorded_time),
        recorded_time=recorded_time,
        max_body=1024,
    )
    async with TestClient(TestServer(app)) as client:
        response = await client.get(path, headers=BROWSER)
        assert (status, "text/html") == (response.status, response.content_type)
        assert response.headers["Content-Security-Policy"].startswith(
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src"
        )
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        return read_page(await response.text())


@pytest.mark.parametrize(
    "path",
    ["/", "/?status=resolved", "/incidents/inc_6f21c03e", "/v1/incidents/inc_6f21c03e/postmortem.html", "/quarantine"],
)
async def test_no_text_of_a_sender_becomes_markup(path: str) -> None:
    """Markup in titles, labels, actors and reasons is shown, never obeyed; nothing is loaded from elsewhere."""
    refused = delivery(ATTACK, outcome=Outcome.QUARANTINED, reason=ATTACK, integration=ATTACK)
    page = await fetch(path, MemoryReader(titled(ATTACK), deliveries=[refused], unattached=[waiting(ATTACK)]))

    assert not {"iframe", "object", "base"} & set(page.tags)
    assert page.tags.count("script") == 1  # our own
    assert "<script>alert(1)</script>" in page.text
    assert "49" not in page.text.replace("2024", "")
    for _, name, value in page.attributes:
        assert not name.startswith("on")
        assert name != "style"
        if name in {"href", "src", "action"}:
            assert value.startswith(("/", "#", "?"))


@pytest.mark.parametrize("incident", [outage(), running()], ids=["outage", "running"])
async def test_the_incident_page_shows_what_the_api_gives(incident: Incident) -> None:
    """Lead, key times, durations, rows, alerts, changes, conflicts, gaps and draft are all on the page."""
    page = await fetch(f"/incidents/{incident.id}", MemoryReader(incident))

    for row in incident.timeline:
        assert row.text in page.text
    for alert in incident.alerts:
        assert alert.dedup_key in page.text
        assert all(reason.text in page.text for reason in alert.why)
    for change in incident.changes:
        assert change.text in page.text
    assert all(gap.what in page.text for gap in incident.gaps)
    assert "candidates, never causes" in page.text
    assert "To fill: " in page.text
    assert "<!--" not in page.text


async def test_absence_is_written_out() -> None:
    """A milestone that nobody recorded and a duration that nobody measured say so."""
    page = await fetch("/incidents/inc_6f21c03e", MemoryReader(outage()))

    missing = sum(stamp is None for stamp in outage().milestones.values())
    assert missing <= page.text.count("not recorded")
    assert "nobody acknowledged" in page.text
    assert "Gap, 15:00 to 15:20: nothing recorded for 20 min" in page.text


async def test_headings_are_in_order() -> None:
    """One heading of the first level, and no level is skipped on the way down."""
    page = await fetch("/incidents/inc_6f21c03e", MemoryReader(outage()))

    assert page.headings.count(1) == 1
    assert page.headings[0] == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))


async def test_basis_is_a_mark_with_its_word() -> None:
    """How a time is known is never told by a shape or a colour alone."""
    page = await fetch("/incidents/inc_6f21c03e", MemoryReader(outage()))

    for mark, word in (("◐", "derived"), ("●", "reported"), ("◆", "manual")):
        assert f"{mark} {word}" in page.text


async def test_an_incident_without_anything_has_a_page() -> None:
    """No alert, no stamp, no row: the page says so."""
    empty = msgspec.structs.replace(
        running(),
        title="",
        services=(),
        milestones=dict.fromkeys(MilestoneName),
        metrics={},
        alerts=(),
        timeline=(),
    )
    page = await fetch("/incidents/inc_running", MemoryReader(empty))

    assert "(no title)" in page.text
    assert "No rows are recorded." in page.text
    assert "svg" not in page.tags


async def test_open_incidents_stand_first() -> None:
    """The list shows what is open before what is over, each incident once."""
    page = await fetch("/", MemoryReader(outage(), running()))
    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href") and "/incidents/" in value]

    assert [link for link in links if link.startswith("/inc")] == ["/incidents/inc_running", "/incidents/inc_6f21c03e"]
    assert "≥ 0 (assumed)" in page.text
    assert "running" in page.text


async def test_the_list_goes_on() -> None:
    """A long list has a link to its older part that keeps the filter."""
    page = await fetch("/?limit=1&q=success&status=resolved", MemoryReader(outage(), outage()))

    assert "/?limit=1&q=success&status=resolved&cursor=1" in [
        value for _, name, value in page.attributes if name == "href"
    ]


@pytest.mark.parametrize(("path", "words"), [("/", "No incident is recorded yet"), ("/?q=x", "No incident matches")])
async def test_an_empty_list_says_why(path: str, words: str) -> None:
    """Nothing recorded and nothing found are told apart."""
    assert words in (await fetch(path, MemoryReader())).text


async def test_an_alias_leads_to_the_survivor() -> None:
    """The page of a merged incident sends its reader on."""
    app = web.Application()
    add_routes(app, review_routes(MemoryReader(outage()), MemoryOrders(MemoryReader())), LocalOperator())
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/incidents/inc_old", allow_redirects=False)

        assert (response.status, response.headers["Location"]) == (302, "/incidents/inc_6f21c03e")


@pytest.mark.parametrize("path", ["/incidents/nope", "/nowhere", "/?status=broken", "/static/../pages.py", "/static/x"])
async def test_browsers_get_refusals_as_a_page(path: str) -> None:
    """A reader that asks for HTML gets it, with the status and the reason."""
    page = await fetch(path, MemoryReader(), status=400 if "status" in path else 404)

    assert "Back to the incidents" in page.text


@pytest.mark.parametrize("path", ["/", "/incidents/inc_6f21c03e", "/quarantine", "/nowhere"])
async def test_recorded_time_is_announced_everywhere(path: str) -> None:
    """With --recorded-time every page says so; without it none does."""
    status = 404 if path == "/nowhere" else 200

    assert "Recorded time." in (await fetch(path, MemoryReader(outage()), status=status, recorded_time=True)).text
    assert "Recorded time." not in (await fetch(path, MemoryReader(outage()), status=status)).text


@pytest.mark.parametrize(("name", "kind"), [("style.css", "text/css"), ("mark.svg", "image/svg+xml")])
async def test_static_files_are_our_own(name: str, kind: str) -> None:
    """The style sheet loads nothing from elsewhere."""
    app = web.Application()
    add_routes(app, review_routes(MemoryReader(), MemoryOrders(MemoryReader())), LocalOperator())
    async with TestClient(TestServer(app)) as client:
        response = await client.get(f"/static/{name}")

        assert (200, kind) == (response.status, response.content_type)
        assert "url(" not in await response.text()


LOST = delivery("d ü", outcome=Outcome.PARTIAL, reason=ATTACK, rejected=1, unread=(Rejected(1, "/1", "odd"),))


def kept(**fields: object) -> Delivery:
    """The record of a delivery that could not be read."""
    row = Delivery(
        id=LOST.id, stream="default", integration="generic", source="generic", received_at=LOST.received_at,
        outcome=Outcome.PARTIAL, headers={"x-kind": ATTACK}, body=ATTACK, rejected=(Rejected(1, "/1", "odd"),),
    )  # fmt: skip
    return msgspec.structs.replace(row, **fields)


@pytest.mark.parametrize("body", [ATTACK, None, "", "x" * 30_000])
async def test_the_page_of_a_delivery_in_quarantine(body: str | None) -> None:
    """Body, headers, what could not be read, and two forms; nothing of a stranger's becomes markup."""
    record = kept(body=body, body_base64=b"\xff" if body is None else None)
    page = await fetch("/quarantine/d%20%C3%BC", MemoryReader(deliveries=[LOST], record=record))
    forms = [value for tag, name, value in page.attributes if (tag, name) == ("form", "action")]

    assert forms == [f"/quarantine/d%20%C3%BC/{order}?offset=7" for order in ("replay", "discard")]
    assert ("form", "method", "post") in page.attributes
    assert page.tags.count("script") == 1  # our own
    assert ATTACK in page.text
    assert "/1" in page.text
    expected = {None: "It is no text: 1 bytes", "": "It is empty", ATTACK: ATTACK}.get(body, "Only its beginning")
    assert expected in page.text


async def test_the_page_of_a_delivery_without_its_body() -> None:
    """It says so."""
    page = await fetch("/quarantine/d%20%C3%BC?given=d_1", MemoryReader(deliveries=[LOST]))

    assert "The body is not kept." in page.text
    assert "That is ordered, and not carried out yet" in page.text


async def test_the_list_links_to_each_delivery() -> None:
    """With what could not be read of it."""
    page = await fetch("/quarantine", MemoryReader(deliveries=[LOST]))

    assert ("a", "href", "/quarantine/d%20%C3%BC?offset=7") in page.attributes
    assert "item 1, /1: odd" in page.text


async def send(order: str, reader: MemoryReader, orders: MemoryOrders, **fields: str) -> ClientResponse:
    """Press a button of the page."""
    app = build_app(routes=review_routes(reader, orders), recorded_time=False, max_body=1024)
    async with TestClient(TestServer(app)) as client:
        path = f"/quarantine/d%20%C3%BC/{order}?offset=7"
        response = await client.post(path, data=fields, allow_redirects=False, headers=BROWSER)
        await response.read()
        return response


@pytest.mark.parametrize("order", ["replay", "discard"])
async def test_a_button_leads_back_to_the_delivery(order: str) -> None:
    """With what was made of it on its page."""
    reader = MemoryReader(deliveries=[LOST], record=kept())
    response = await send(order, reader, MemoryOrders(reader), actor="Zoë", reason=ATTACK)
    page = await fetch("/quarantine/d%20%C3%BC", reader)

    assert (response.status, response.headers["Location"]) == (303, "/quarantine/d%20%C3%BC?offset=7")
    assert f"{order.capitalize().removesuffix('d')}" in page.text
    assert "by Zoë" in page.text
    assert ATTACK in page.text
    assert "form" not in page.tags


async def test_a_button_that_nobody_heard_yet() -> None:
    """The page says that it is ordered."""
    reader = MemoryReader(deliveries=[LOST])
    response = await send("discard", reader, MemoryOrders(reader, decided=False), reason="noise")

    assert response.headers["Location"].startswith("/quarantine/d%20%C3%BC?offset=7&given=d_discarded")


@pytest.mark.parametrize(
    ("order", "fields", "status", "words"),
    [("replay", {}, 422, "Still unreadable"), ("discard", {}, 422, "A field is missing")],
)
async def test_a_refused_button_is_a_page(order: str, fields: dict[str, str], status: int, words: str) -> None:
    """Not JSON, whoever reads it."""
    reader = MemoryReader(deliveries=[LOST])
    response = await send(order, reader, MemoryOrders(reader, readable=False), **fields)

    assert (response.status, response.content_type) == (status, "text/html")
    assert words in read_page(await response.text()).text


def test_our_own_forms_may_be_sent() -> None:
    """A page without a referrer would send its forms from the origin `null`, which is refused."""
    assert PAGE_HEADERS["Referrer-Policy"] == "same-origin"
