"""From a row to the bytes behind it, and times in the reader's zone, on a real store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.test_export import alert
from tests.support.reviewing import Review, reviewing


@pytest.fixture
async def review(tmp_path: Path) -> AsyncIterator[Review]:
    """A service that took two alerts in one delivery."""
    async with reviewing(tmp_path) as started:
        await started.receives("10:00:30", alert("latency", "10:00"), alert("errors", "10:00"))
        yield started


async def test_every_evidence_leads_to_its_payload(review: Review) -> None:
    """Of alerts, of what people say, of orders, also of what was detached to another incident."""
    incident = await review.the_incident()
    path = f"/v1/incidents/{incident['id']}"
    await review.asks("POST", f"{path}/entries", {"kind": "note", "text": "odd <b>traffic</b>"})
    await review.asks("POST", f"{path}/acknowledge", {})
    await review.asks("POST", f"{path}/detach", {"alerts": [incident["alerts"][0]["id"]]})
    seen = 0
    for each in await review.incidents():
        for event in {event for row in each["timeline"] for event in row["evidence"]}:
            where = f"/v1/incidents/{each['id']}/evidence/{event}"
            status, found = await review.asks("GET", where)
            raw = await (await review.client.get(f"{where}?raw=1")).read()
            page = await review.client.get(f"/incidents/{each['id']}/evidence/{event}")
            assert (status, page.status, found["delivery"]["outcome"]) == (200, 200, "accepted")
            assert raw.startswith((b"[{", b"{"))
            assert "<b>" not in (await page.text()).split("<main")[1]
            seen += 1

    assert seen >= 4
    assert (await review.asks("GET", f"{path}/evidence/ev_nothing"))[0] == 404


async def test_times_are_shown_in_the_zone_that_is_asked_for(review: Review) -> None:
    """By name, remembered for the next page; a name that is none is refused; what is exported stays UTC."""
    path = f"/incidents/{(await review.the_incident())['id']}"
    tokyo = await (await review.client.get(f"{path}?zone=Asia/Tokyo")).text()
    again = await (await review.client.get(path)).text()
    utc = await (await review.client.get(f"{path}?zone=UTC")).text()

    assert "2025-03-04 19:00" in tokyo
    assert "2025-03-04 19:00" in again
    assert "2025-03-04 10:00" in utc
    assert (await review.client.get(f"{path}?zone=Moon/Base")).status == 400
    assert "10:00" in (await review.asks("GET", f"/v1{path}/timeline.csv"))[1]


async def test_a_form_that_is_second_gets_both_texts(review: Review) -> None:
    """412 with what stands there and what was typed; sent again with the new revision it is taken."""
    path = f"/incidents/{(await review.the_incident())['id']}"
    for text in ("one", "two"):
        form = {"text": text, "status": "draft", "revision": "0", "actor": "ana"}
        response = await review.client.post(f"{path}/slots/impact", data=form, allow_redirects=False)
    page = await response.text()
    assert (response.status, "one" in page, "two" in page) == (412, True, True)
    assert 'name="revision" value="1"' in page
    form = {"text": "both", "status": "done", "revision": "1"}
    response = await review.client.post(f"{path}/slots/impact", data=form, allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (303, f"{path}#draft")
    assert (await review.the_incident())["postmortem"]["slots"]["impact"]["text"] == "both"


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/order/dance", {}, 404),
        ("/order/merge", {}, 422),
        ("/milestones/detected", {"at": "soon", "reason": "x"}, 422),
        ("/milestones/detected", {"at": "2025-03-04T09:00:00"}, 422),
        ("/entries", {"kind": "gossip", "text": "x"}, 422),
        ("/entries/nowhere", {"pinned": "yes"}, 409),
    ],
)
async def test_what_a_form_cannot_do_is_told_on_a_page(
    review: Review, path: str, form: dict[str, str], status: int
) -> None:
    """A page with the reason, and nothing is changed."""
    where = f"/incidents/{(await review.the_incident())['id']}{path}"
    response = await review.client.post(where, data=form, allow_redirects=False)

    assert (response.status, response.content_type) == (status, "text/html")


async def test_a_name_is_kept_and_signed_with(review: Review) -> None:
    """Without sign-in whoever gave a name writes under it; the way back leads nowhere else."""
    home = await review.client.post("/name", data={"name": "Mara Ö", "back": "//evil"}, allow_redirects=False)
    assert (home.status, home.headers["Location"]) == (303, "/")
    incident = (await review.the_incident())["id"]
    await review.client.post(f"/incidents/{incident}/order/acknowledge", data={}, allow_redirects=False)

    assert [each["actor"] for each in (await review.the_incident())["history"]] == ["Mara Ö"]


async def test_a_declared_incident_has_its_page(review: Review) -> None:
    """The form leads to it."""
    form = {"title": "Customers call", "severity": "error", "at": "2025-03-04T10:02:00"}
    response = await review.client.post("/incidents", data=form, allow_redirects=False)

    assert response.status == 303
    assert "Customers call" in await (await review.client.get(response.headers["Location"])).text()
