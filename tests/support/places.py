"""The same figure read in every place that shows it: API, CSV, command, SQL views, page, Prometheus."""

import asyncio
import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import orjson
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import make_url

from alertline.cli.reporting import report
from alertline.incidents.telling.wording import METRIC_TITLES, duration
from alertline.store.reports import ReportReader
from alertline.web.health import health_routes
from alertline.wiring.server import build_app
from review.reports.prometheus import report_exposition
from review.reports.routes import report_routes
from schemas.vocabulary import MetricName
from tests.support.filled import Filled, asked_in_sql

__all__ = ["Figure", "agree", "every_place", "site"]


class Figure(NamedTuple):
    """How many values, and their median: in seconds, on the page in words."""

    n: int
    median: float | str | None


async def _ready() -> dict[str, str]:
    return {}


def site(made: Filled) -> "TestClient[Any, Any]":
    """The reports of a store, served."""
    source = ReportReader(made.engine)
    routes = [*report_routes(source), *health_routes(_ready, more=report_exposition(source))]
    return TestClient(TestServer(build_app(routes=routes, recorded_time=False, max_body=1024)))


async def every_place(url: str, made: Filled) -> Callable[[MetricName], dict[str, Figure]]:
    """Look at each place once; gives what each says of a metric, over everything that the store holds."""
    async with site(made) as client:
        texts = {}
        for place, path in _PATHS.items():
            answer = await client.get(path)
            texts[place] = await answer.text()
            assert answer.status == 200, texts[place]
    commands = _COMMANDS if url.startswith("sqlite") else {}
    texts |= {place: await _command(url, place.removeprefix("command ")) for place in commands}
    texts["sql"] = orjson.dumps(await _in_sql(url)).decode()
    return lambda metric: {place: _READERS[place](text, metric) for place, text in texts.items()}


def _of_json(text: str, metric: MetricName) -> Figure:
    said = orjson.loads(text)["total"]["metrics"][metric]
    return Figure(said["n"], said["median"])


def _of_csv(text: str, metric: MetricName) -> Figure:
    (row,) = [row for row in csv.DictReader(io.StringIO(text)) if row["row"] == "total" and row["metric"] == metric]
    return Figure(int(row["n"]), float(row["median"]) if row["median"] else None)


def _of_page(text: str, metric: MetricName) -> Figure:
    title = re.escape(METRIC_TITLES[metric])
    row = re.search(rf'<th scope="row">{title}<.*?</tr>', text, re.DOTALL)
    assert row is not None
    plain = re.sub(r"<[^>]+>", " ", row[0])
    n = re.search(r"(\d+)/\d+\s+(.+?)\s{2,}", plain, re.DOTALL)
    assert n is not None, plain
    return Figure(int(n[1]), n[2])


def _of_prometheus(text: str, metric: MetricName) -> Figure:
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]

    def value(name: str, **labels: str) -> float | None:
        wanted = {"metric": metric.value, "window": "all", **labels}.items()
        return next((each.value for each in samples if each.name == name and wanted <= each.labels.items()), None)

    n = value("alertline_report_measured")
    assert n is not None
    return Figure(int(n), value("alertline_report_duration_seconds", statistic="median"))


async def _in_sql(url: str) -> list[tuple[object, ...]]:
    return await asked_in_sql(
        url,
        "SELECT metric, seconds FROM v_incident_metrics WHERE excluded IS NULL AND seconds IS NOT NULL "
        "AND NOT (metric = 'detect_from_impact' AND basis = 'assumed')",
    )


def _of_sql(text: str, metric: MetricName) -> Figure:
    values = [seconds for name, seconds in orjson.loads(text) if name == metric]
    return Figure(len(values), median(values) if values else None)


async def _command(url: str, form: str) -> str:
    folder = Path(str(make_url(url).database)).parent
    (folder / "log.db").touch()
    arguments = ["--data", str(folder), "--format", form]
    result = await asyncio.to_thread(CliRunner().invoke, report, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def _of_table(text: str, metric: MetricName) -> Figure:
    found = re.search(rf"^  {metric} +(\d+)/\d+ +(.+?)(?:  |$)", text, re.MULTILINE)
    assert found is not None
    return Figure(int(found[1]), found[2].strip())


_PATHS = {
    "api": "/v1/reports/metrics",
    "csv": "/v1/reports/metrics?format=csv",
    "page": "/reports",
    "prometheus": "/metrics",
}
_COMMANDS = {"command json": _of_json, "command csv": _of_csv, "command table": _of_table}
_READERS: dict[str, Callable[[str, MetricName], Figure]] = {
    "api": _of_json,
    "csv": _of_csv,
    "page": _of_page,
    "prometheus": _of_prometheus,
    "sql": _of_sql,
    **_COMMANDS,
}


def agree(found: dict[str, Figure], n: int, seconds: float | None) -> None:
    """Every place says this; page and terminal in words."""
    for place, figure in found.items():
        words = "not measured" if seconds is None else duration(seconds)
        assert figure == Figure(n, words if place in ("page", "command table") else seconds), place
