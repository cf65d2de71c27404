"""Reports over HTTP: what may be asked, what is refused, pages without scripts, tables without formulas."""

import csv
import io
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient

from tests.support.filled import Filled, filled
from tests.support.html_check import PageReader, read_page
from tests.support.places import site
from tests.support.story import Story

ATTACK = '=1+1"><script>alert(1)</script>'
Site = TestClient[Any, Any]


def days() -> Story:
    """Two outages of one day: the api's is detected after a minute and half an hour long, the other one still open."""
    story = Story()
    story.at("09:00:30").fires("Slow", start="09:00", service="api", pending_for=60.0, title=ATTACK)
    story.at("09:10:30").fires("Errors", start="09:10", service="api")
    for name, start in (("Slow", "09:00"), ("Errors", "09:10")):
        story.at("09:30:30").resolves(name, start=start, end="09:30", service="api")
    story.tick("09:50")
    story.at("15:00:30").fires("Disk", start="15:00", service="@web")
    return story


@pytest.fixture
async def made(sqlite_store: str) -> AsyncIterator[Filled]:
    """A store that holds the story."""
    async with filled(sqlite_store, days().records) as store:
        yield store


@pytest.fixture
async def client(made: Filled) -> AsyncIterator[Site]:
    """Its reports, served."""
    async with site(made) as opened:
        yield opened


async def test_the_shape_of_a_report(client: Site) -> None:
    """As the contract has it, with what one must know to read it."""
    said = await (await client.get("/v1/reports/metrics?from=2025-03-04&to=2025-03-04&group_by=service")).json()

    assert (said["from"], said["to"]) == ("2025-03-04T00:00:00Z", "2025-03-05T00:00:00Z")
    assert (said["zone"], said["definition"], said["group_by"], said["assumed"]) == ("UTC", "ttx/1", "service", "ends")
    assert said["as_of"] == "2025-03-04T15:00:30Z"
    assert [(group["key"], group["incidents"], group["excluded"]) for group in said["groups"]] == [
        ("@web", 0, {"open": 1}),
        ("api", 1, {}),
    ]
    detect = said["groups"][1]["metrics"]["detect_from_impact"]
    assert detect == {
        "n": 1, "of": 1, "mean": 60.0, "median": 60.0, "p90": 60.0, "min": 60.0, "max": 60.0,
        "basis": {"derived": 1}, "assumed_left_out": 0,
    }  # fmt: skip
    assert said["groups"][1]["metrics"]["ack_from_detect"]["median"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from=2025-03-04T09:00:00Z&to=2025-03-04T09:00:00Z", 0),
        ("from=2025-03-04T09:00:00Z&to=2025-03-04T09:00:01Z", 1),
        ("to=2025-03-03&zone=Pacific/Honolulu", 1),  # nine in the morning UTC is the evening before there
        ("to=2025-03-03", 0),
        ("service=api", 1),
        ("service=@web", 0),
        ("severity=info", 0),
    ],
)
async def test_what_is_asked_bounds_the_incidents(client: Site, query: str, found: int) -> None:
    """Bounds are of the time of detection, days are the zone's."""
    said = await (await client.get("/v1/reports/metrics", params=query)).json()

    assert said["total"]["incidents"] == found


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("from=yesterday", "from"),
        ("from=2025-03-04&to=2025-03-01", "to"),
        ("zone=Berlin", "zone"),
        ("group_by=colour", "group_by"),
        ("assumed=perhaps", "assumed"),
        ("format=xlsx", "format"),
        ("calendar=Atlantis", "calendar"),
        ("calendar=DE&hours=late", "hours"),
        ("severity=bad", "severity"),
        ("calendar=DE&hours=17:00-09:00", "hours"),
    ],
)
async def test_what_means_nothing_is_refused_by_name(client: Site, query: str, parameter: str) -> None:
    """400 with the parameter, not an empty report."""
    answer = await client.get("/v1/reports/metrics", params=query)

    assert (answer.status, (await answer.json())["parameter"]) == (400, parameter)


async def test_the_incidents_behind_a_figure(client: Site) -> None:
    """As many as the figure says, in JSON and in CSV; each with milestones, metrics, and why it does not count."""
    behind = await (await client.get("/v1/reports/incidents?metric=detect_from_impact")).json()
    (one,) = behind["incidents"]
    assert (one["excluded"], one["metrics"]["detect_from_impact"]["seconds"]) == (None, 60.0)
    assert one["milestones"]["detected"]["at"] == "2025-03-04T09:00:00Z"

    text = await (await client.get("/v1/reports/incidents?format=csv")).text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["excluded"], row["detect_from_impact_seconds"], row["ack_from_detect_seconds"]) for row in rows] == [
        ("", "60.0", ""),
        ("open", "0.0", ""),
    ]
    open_ = await (await client.get("/v1/reports/incidents?excluded=open")).json()
    assert [each["status"] for each in open_["incidents"]] == ["open"]


@pytest.mark.parametrize("path", ["metrics?group_by=service&", "incidents?", "alerts?"])
async def test_no_cell_is_a_formula(client: Site, path: str) -> None:
    """Whatever an alert is called; and numbers stay numbers."""
    answer = await client.get(f"/v1/reports/{path}format=csv")
    cells = [cell for row in csv.reader(io.StringIO(await answer.text())) for cell in row]

    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert [cell for cell in cells if cell.startswith(("=", "@", "+"))] == []
    assert any(cell.startswith(("'=", "'@")) for cell in cells)


async def page(client: Site, path: str) -> PageReader:
    """A page, read."""
    answer = await client.get(path, headers={"Accept": "text/html"})
    assert answer.status == 200
    return read_page(await answer.text())


@pytest.mark.parametrize(
    "path",
    ["/reports", "/reports?calendar=DE&zone=Europe/Berlin", "/reports?from=2030-01-01", "/reports/incidents",
     "/reports/incidents?metric=detect_from_impact", "/reports/incidents?group_by=service&key=api",
     f"/reports/incidents?rule={quote(ATTACK)}&rule_service=api&fired=first",
     f"/reports/episodes?rule={quote(ATTACK)}&rule_service=api"],
)  # fmt: skip
async def test_pages_are_well_formed_and_safe(client: Site, path: str) -> None:
    """Markup in what an alert is called is text; there is no script or style of its own, one first heading."""
    read = await page(client, path)

    assert read.problems == []
    assert read.headings[0] == 1
    assert list(read.tags).count("script") == 1  # the one of all pages
    assert not {"iframe", "object"} & set(read.tags)
    assert not [name for _, name, _ in read.attributes if name.startswith("on") or name == "style"]
    if "2030" not in path and path.startswith(("/reports/incidents", "/reports/episodes")):
        assert "<script>alert(1)</script>" in read.text


async def test_every_figure_opens_the_incidents_behind_it(client: Site) -> None:
    """Each link of the page leads to a page that lists as many incidents as the figure is made of."""
    read = await page(client, "/reports?from=2025-03-04")
    links = {value for _, name, value in read.attributes if name == "href" and re.match("/reports/[ie]", value)}
    assert len(links) > 15

    for link in links:
        listed = await page(client, link)
        assert "from=2025-03-04" in link
        assert re.search(r"[1-9]\d* (incident|episode)", listed.text), link


async def test_what_is_behind_the_figures_of_alerts(client: Site) -> None:
    """As many incidents as a rule fired first in, or later; as many episodes as it is said to have."""
    said = await (await client.get("/v1/reports/alerts")).json()
    assert [(each["rule"], each["first"], each["later"]) for each in said["rules"]] == [
        (ATTACK, 1, 0),
        ("Errors on api", 0, 1),
    ]
    assert {(each["rule"], each["episodes"], each["in_incident"]) for each in said["noise"]} == {
        ("Disk on api", 1, 0), (ATTACK, 1, 1), ("Errors on api", 1, 1)
    }  # fmt: skip

    async def behind(path: str, **asked: str) -> list[Any]:
        answer = await (await client.get(f"/v1/reports/{path}", params=asked)).json()
        return list(answer[path])

    for each in said["rules"]:
        of = {"rule": each["rule"], "rule_service": each["service"]}
        for fired in ("first", "later"):
            assert len(await behind("incidents", **of, fired=fired)) == each[fired]
    for each in said["noise"]:
        of = {"rule": each["rule"], "rule_service": each["service"]}
        assert len(await behind("episodes", **of)) == each["episodes"]
        assert len(await behind("episodes", **of, counted="1")) == each["in_incident"]
    assert await behind("episodes", rule=ATTACK, rule_service="shop") == []
    (disk,) = await behind("episodes", rule="Disk on api", rule_service="@web")
    assert (disk["started_at"], disk["ended_at"], disk["excluded"]) == ("2025-03-04T15:00:00Z", None, "open")
    assert disk["incident"] is not None


async def test_an_episode_of_an_incident_of_the_day_before_is_no_noise(client: Site) -> None:
    """Episodes are counted by their start, incidents by their detection: the bound of one is not that of the other."""
    said = await (await client.get("/v1/reports/alerts?from=2025-03-04T09:05:00Z")).json()

    assert said["rules"] == []
    assert ("Errors on api", 1, 1) in {(each["rule"], each["episodes"], each["in_incident"]) for each in said["noise"]}


async def test_what_a_picture_says_stands_in_a_table(client: Site) -> None:
    """Pictures are hidden from readers that cannot see them; every week of a picture is a row."""
    read = await page(client, "/reports")
    pictures = read.tags.count("svg")

    assert pictures >= 15
    assert [value for tag, name, value in read.attributes if (tag, name) == ("svg", "aria-hidden")] == [
        "true"
    ] * pictures
    assert read.text.count("2025-W10") >= 2
    assert read.tags.count("details") == 2
