"""The judged story in a real browser: an incident read, corrected, taken apart and put together again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.test_export import alert
from tests.support.browser import MISSING, browser, served_demo
from tests.support.server import Server

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the demo's outage and an unrelated one."""
    with served_demo(tmp_path_factory.mktemp("browser")) as started:
        body = alert("disk", "10:00") | {"service": "billing", "starts_at": "2024-08-21T10:00:00Z"}
        _, answer = started.post("/v1/webhooks/generic", body, Alertline_Received_At="2024-08-21T10:00:30Z")
        started.applied(answer["delivery"])
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for all tests."""
    with browser() as started:
        yield started


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page of a new visitor; whatever its scripts complain of is an error."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    opened, wrong = context.new_page(), list[str]()
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.set_default_timeout(10_000)
    yield opened
    context.close()
    assert wrong == []


def demo_of(server: Server) -> Any:
    """The demo's incident as the API has it."""
    return max((each for each in server.incidents() if "api" in each["services"]), key=lambda each: len(each["alerts"]))


def of_billing(server: Server) -> Any:
    """The other incident."""
    (found,) = [each for each in server.incidents() if each["services"] == ["billing"]]
    return found


def test_a_responder_mends_the_incident(server: Server, page: Any) -> None:
    """Opened, a wrong time corrected, a path marked, an alert detached and attached, merged and unmerged, written."""
    incident = demo_of(server)
    before = {each["id"] for each in incident["history"]}
    page.goto(f"{server.address}/")
    page.get_by_label("Acting as").fill("Mara")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("link", name=incident["title"]).click()
    assert "1 h 4" in page.locator("p.lead").inner_text()
    correct_detection(page)
    assert demo_of(server)["milestones"]["detected"]["at"] == "2024-08-20T14:03:00Z"
    mark_a_misleading_path(page)
    detach_and_attach(server, page, incident)
    merge_and_take_it_back(server, page, incident)
    write_the_cause(page)
    with page.expect_download() as download:
        page.locator("#draft p.links").get_by_role("link", name="Markdown").click()
    text = Path(download.value.path()).read_text()
    assert "The pool of edge-lb held **one** backend." in text
    assert "14:03" in text
    assert {each["actor"] for each in demo_of(server)["history"] if each["id"] not in before} == {"Mara"}


def correct_detection(page: Any) -> None:
    """With a reason, and the effect seen before."""
    page.get_by_role("link", name="Change detected", exact=True).click()
    sheet = page.locator("dialog.sheet")
    sheet.get_by_label("New time").fill("2024-08-20T14:03:00")
    sheet.get_by_text("−2 min").wait_for()
    sheet.get_by_label("Reason").fill("A customer called at 14:03.")
    sheet.get_by_role("button", name="Save", exact=True).click()
    page.locator("tr", has_text="Detected").get_by_text("manual").first.wait_for()


def mark_a_misleading_path(page: Any) -> None:
    """A hypothesis that led nowhere."""
    page.locator("#add select").select_option("hypothesis")
    page.locator("#add input[name=at]").fill("2024-08-20T14:52:00")
    page.locator("#add textarea").fill("The switch drops packets")
    page.get_by_role("button", name="Add entry").click()
    page.locator("tr", has_text="The switch drops packets").get_by_role("link", name="Edit row").click()
    sheet = page.locator("dialog.sheet")
    sheet.get_by_label("When it was given up").fill("2024-08-20T14:58:00")
    sheet.get_by_role("button", name="Mark as a misleading path").click()
    page.get_by_text("misleading path, rejected 14:58", exact=True).wait_for()


def detach_and_attach(server: Server, page: Any, incident: Any) -> None:
    """One alert goes, and comes back with all that it had."""
    name = "Errors on /orders above 5 %"
    article = page.locator("article.alert", has_text=name)
    article.get_by_text("Detach or move").click()
    article.get_by_label("Why it does not belong here").fill("another cause")
    article.get_by_role("button", name="Detach").click()
    page.wait_for_url("**#alerts")
    page.locator(".history tr", has_text="Detached").get_by_text("another cause").wait_for()
    (apart,) = [each for each in server.incidents() if each["title"] == name]
    page.goto(f"{server.address}/incidents/{apart['id']}")
    page.get_by_text("Detach or move").click()
    page.get_by_label("Id of the incident that it belongs to").fill(incident["id"])
    page.get_by_role("button", name="Move").click()
    page.locator("article.alert", has_text=name).wait_for()
    assert len(demo_of(server)["alerts"]) == len(incident["alerts"])


def merge_and_take_it_back(server: Server, page: Any, incident: Any) -> None:
    """Two incidents are one, and two again."""
    other = of_billing(server)
    page.goto(f"{server.address}/incidents/{other['id']}")
    page.get_by_text("Merge this incident into another one").click()
    page.get_by_label("Id of the incident that stays").fill(incident["id"])
    page.get_by_role("button", name="Merge").click()
    page.wait_for_url(f"**/incidents/{incident['id']}*")
    assert other["id"] in demo_of(server)["aliases"]
    page.get_by_role("button", name="Undo: Merged").click()
    page.wait_for_url("**#history")
    assert of_billing(server)["id"] == other["id"]


def write_the_cause(page: Any) -> None:
    """A slot is filled in its place."""
    slot = page.locator("#slot-root_cause")
    slot.get_by_text("Write").click()
    slot.locator("textarea").fill("The pool of edge-lb held **one** backend.")
    slot.locator("select").select_option("done")
    slot.get_by_role("button", name="Save").click()
    slot.get_by_text("The pool of edge-lb held").first.wait_for()


def test_two_browsers_edit_at_once(server: Server, chromium: Any) -> None:
    """Whoever is second sees both texts, and loses neither; different things do not meet; news come by themselves."""
    path = f"{server.address}/incidents/{demo_of(server)['id']}"
    contexts = [chromium.new_context() for _ in range(2)]
    one, two = (context.new_page() for context in contexts)
    for opened in (one, two):
        opened.set_default_timeout(10_000)
        opened.goto(path)
        opened.locator("#slot-impact summary").click()
    one.locator("#slot-impact textarea").fill("80 % of users")
    two.locator("#slot-impact textarea").fill("all users in the EU")
    one.locator("#slot-impact").get_by_role("button", name="Save").click()
    one.locator("#slot-impact .prose").get_by_text("80 % of users").wait_for()
    two.locator(".news").get_by_text("Something changed").wait_for()
    two.locator("#slot-impact").get_by_role("button", name="Save").click()
    two.get_by_role("heading", name="Somebody was first").wait_for()
    assert "80 % of users" in two.locator("main").inner_text()
    assert two.get_by_label("Text").input_value() == "all users in the EU"
    two.get_by_label("Text").fill("80 % of users, all of them in the EU")
    two.get_by_role("button", name="Save mine over it").click()
    two.locator("#slot-impact .prose").get_by_text("all of them").wait_for()
    one.locator("#slot-impact .prose").get_by_text("all of them").wait_for()
    for context in contexts:
        context.close()


def test_it_reads_and_writes_without_scripts(server: Server, chromium: Any) -> None:
    """Every form is a form: the effect is a page, the change a redirect; times in the zone that was asked for."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(f"{server.address}/incidents/{of_billing(server)['id']}?zone=Europe/Berlin")
    page.get_by_role("link", name="Record mitigated").click()
    page.get_by_label("New time, in Europe/Berlin").fill("2024-08-21T12:30:00")
    page.get_by_role("button", name="Show the effect").click()
    assert "30 min" in page.locator(".effect").inner_text()
    page.get_by_label("Reason").fill("disk replaced")
    page.get_by_role("button", name="Save", exact=True).click()
    assert of_billing(server)["milestones"]["mitigated"]["at"] == "2024-08-21T10:30:00Z"
    page.emulate_media(media="print")
    assert not page.get_by_role("button", name="Resolve").is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(server: Server, chromium: Any, scheme: str) -> None:
    """axe-core finds nothing on any page, in either colour scheme, nor on a phone."""
    from axe_playwright_python.sync_playwright import Axe

    incident = demo_of(server)
    row, event = incident["timeline"][3]["id"], incident["timeline"][3]["evidence"][0]
    path = f"/incidents/{incident['id']}"
    context = chromium.new_context(color_scheme=scheme)
    page = context.new_page()
    pages = ["/", path, f"{path}/milestones/detected?at=2024-08-20T14:03:00", f"{path}/entries/{row}"]
    for each in (*pages, f"{path}/evidence/{event}", "/quarantine", "/incidents/nowhere"):
        page.goto(server.address + each)
        results = Axe().run(page)
        assert results.violations_count == 0, f"{each}: {results.generate_report()}"
    context.close()
