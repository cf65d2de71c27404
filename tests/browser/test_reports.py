"""The reports page in a real browser: read without scripts, followed to what is behind a figure, judged by axe-core."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.browser import MISSING, browser, served_demo
from tests.support.server import Server

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the demo's outage: detected after 5 min, resolved after 100 more."""
    with served_demo(tmp_path_factory.mktemp("reports")) as started:
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for all tests."""
    with browser() as started:
        yield started


def opened(context: Any) -> Any:
    """A page that waits no longer than it must."""
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page


def test_figures_are_read_and_followed_without_scripts(server: Server, chromium: Any) -> None:
    """Figure, incident behind it, incident; the alert that came first; a filter is a form; a table for each picture."""
    context = chromium.new_context(java_script_enabled=False)
    page = opened(context)
    page.goto(f"{server.address}/reports")
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Detect (TTD)"))
    assert "1/1" in row.inner_text()
    row.get_by_role("link", name="5 min", exact=True).first.click()
    page.get_by_role("heading", name="Incidents behind a figure").wait_for()
    page.locator("table.list td.main a").click()
    page.wait_for_url("**/incidents/inc_*")
    page.goto(f"{server.address}/reports")
    first = page.locator("section", has_text="Which alert came first").locator("tbody tr").first
    first.get_by_role("link", name="1", exact=True).first.click()
    assert "fired first" in page.locator("p.lead").inner_text()
    page.goto(f"{server.address}/reports")
    page.locator("section", has=page.get_by_role("heading", name="Noise")).locator("td a").first.click()
    page.get_by_role("heading", name="Episodes behind a figure").wait_for()
    page.goto(f"{server.address}/reports")
    page.get_by_text("Show as a table").first.click()
    assert page.locator("details table").first.is_visible()
    page.get_by_label("Working hours of").fill("DE")
    page.get_by_label("Zone").fill("Europe/Berlin")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("working hours of DE, 09:00-17:00, Europe/Berlin").wait_for()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_reports(server: Server, chromium: Any, scheme: str) -> None:
    """axe-core finds nothing on any of the pages, in either colour scheme; nothing is wider than a phone."""
    from axe_playwright_python.sync_playwright import Axe

    context = chromium.new_context(color_scheme=scheme)
    page = opened(context)
    page.goto(f"{server.address}/reports")
    links = page.locator("a.figure").evaluate_all("all => all.map(each => each.getAttribute('href'))")
    behind = [next(each for each in links if each.startswith(f"/reports/{what}")) for what in ("incidents", "episodes")]
    for each in ("/reports", "/reports?calendar=DE&from=2030-01-01", *behind):
        page.goto(server.address + each)
        page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true })")
        results = Axe().run(page)
        assert results.violations_count == 0, f"{each}: {results.generate_report()}"
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, each
        page.set_viewport_size({"width": 1280, "height": 900})
    context.close()
