"""docs/reports.md and the dashboards: their queries run, and their columns and metrics are those that are there."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.docs.documents import ROOT, blocks
from tests.support.filled import Filled, asked_in_sql, filled
from tests.support.places import site
from tests.support.story import Story

PAGE = ROOT / "docs" / "reports.md"
DASHBOARDS = ROOT / "deploy" / "dashboards"
VIEWS = ("v_incident_metrics", "v_incident_milestones", "v_timeline", "v_incident_services")


def months() -> Story:
    """Three outages of the api on one day, each detected after another pending window, and one of the shop."""
    story = Story()
    outages = (("09:00", "api", 60.0), ("12:00", "api", 300.0), ("15:00", "api", 120.0), ("18:00", "shop", 600.0))
    for start, service, pending in outages:
        hour = start[:3]
        story.at(f"{hour}00:30").fires(f"Down{hour[:2]}", start=start, service=service, pending_for=pending)
        story.at(f"{hour}20:30").resolves(f"Down{hour[:2]}", start=start, end=f"{hour}20", service=service)
        story.tick(f"{hour}40")
    return story


@pytest.fixture
async def made(url: str) -> AsyncIterator[Filled]:
    """A store that holds the story."""
    async with filled(url, months().records) as store:
        yield store


async def test_a_stranger_finds_the_monthly_median(url: str, made: Filled) -> None:
    """The query of the page, as it stands there: of 60, 120 and 300 s it is 120."""
    (query,) = blocks(PAGE, "sqlite" if url.startswith("sqlite") else "sql")

    assert await asked_in_sql(url, query.rstrip().rstrip(";")) == [
        ("2025-03", "api", 3, 120.0),
        ("2025-03", "shop", 1, 600.0),
    ]


def documented(view: str) -> set[str]:
    """The columns that the page names under the heading of a view."""
    section = PAGE.read_text(encoding="utf-8").partition(f"### {view}\n")[2].partition("\n### ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows or [section] for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize("view", VIEWS)
async def test_the_columns_of_the_views_are_documented(url: str, made: Filled, view: str) -> None:
    """Each column, and no other."""
    if url.startswith("sqlite"):
        found = {row[1] for row in await asked_in_sql(url, f"PRAGMA table_info({view})")}
    else:
        columns = await asked_in_sql(url, "SELECT table_name, column_name FROM information_schema.columns")
        found = {column for table, column in columns if table == view}

    assert found == documented(view)


def queries(panel: dict[str, Any]) -> list[str]:
    """What a panel asks its database; a time filter is all of time."""
    whole = r"\1 > timestamptz '2000-01-01'"
    return [re.sub(r"\$__timeFilter\(([\w.]+)\)", whole, each["rawSql"]) for each in panel["targets"]]


async def test_the_queries_of_the_dashboard_run(url: str, made: Filled) -> None:
    """Each on PostgreSQL, and each finds something where there is something to find."""
    if url.startswith("sqlite"):
        return  # Grafana's own functions and quantiles are PostgreSQL's
    panels = json.loads((DASHBOARDS / "postgresql.json").read_text(encoding="utf-8"))["panels"]
    found = {panel["title"]: await asked_in_sql(url, queries(panel)[0]) for panel in panels}

    assert found["Detect, median"] == [(210.0, 4)]  # between 120 and 300
    assert [row[0] for row in found["By service"]] == ["api", "shop"]
    assert found["Corrected by people"] == []
    assert found["Detect, by week"] == [(datetime(2025, 3, 3, tzinfo=UTC), 210.0, pytest.approx(510.0))]


async def test_metrics_for_prometheus_are_documented_and_drawn(made: Filled) -> None:
    """The page names each with its labels; the dashboard asks for no other, and for labels that are there."""
    async with site(made) as client:
        text = await (await client.get("/metrics")).text()
    families = [each for each in text_string_to_metric_families(text) if each.name.startswith("alertline_report_")]
    labels = {each.name: {name for sample in each.samples for name in sample.labels} for each in families}
    page = PAGE.read_text(encoding="utf-8")
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `alertline_report_")]
    said = {row[1].strip(" `"): set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", row[2]))) for row in rows}
    asked = (DASHBOARDS / "prometheus.json").read_text(encoding="utf-8")

    assert said == labels
    assert set(re.findall(r"alertline_\w+", asked)) == set(labels)
    assert set(re.findall(r"[{,](\w+)=", asked)) <= {name for each in labels.values() for name in each}
