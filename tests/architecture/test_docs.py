"""Pages that cannot lie: routes, settings and metrics are documented as they are."""

import re
from pathlib import Path
from typing import cast

import pytest
from aiohttp import web

from alertline import telemetry
from alertline.clock import now
from alertline.config import Settings, load_settings
from alertline.eventlog.memory import MemoryLog
from alertline.web.access import Permission
from alertline.web.health import health_routes
from alertline.web.routes import route_table
from alertline.wiring.integrations import integrations_of
from alertline.wiring.server import build_app, routes_of
from docs.generate import EXAMPLE, differing, main, pages, routes, variables
from ingest.receivers import Receiver
from review.pages import review_routes
from review.reports.making import ReportSource
from review.reports.routes import report_routes
from tests.architecture.sources import ROOT
from tests.support.memory_reader import MemoryOrders, MemoryReader

DOCS = ROOT / "docs"


def application() -> web.Application:
    """The server's application over a log in memory and a reader without incidents."""

    async def nothing_missing() -> dict[str, str]:
        return {}

    receiver = Receiver(MemoryLog(), integrations_of(Settings()), now)
    shown = [*review_routes(MemoryReader(), MemoryOrders(MemoryReader())), *report_routes(cast("ReportSource", None))]
    every = routes_of(receiver, shown, health_routes(nothing_missing))
    return build_app(routes=every, recorded_time=False, max_body=1024)


def test_generated_pages_are_up_to_date() -> None:
    """`make docs` would change nothing."""
    assert differing(pages()) == []
    assert main(["--check"]) == 0


def test_a_page_that_differs_is_named(tmp_path: Path) -> None:
    """So that a failing check says what to look at."""
    assert differing({DOCS / "missing.md": "text"}) == ["docs/missing.md"]


def test_every_route_names_a_permission() -> None:
    """What the application answers is in the route table, with a permission; only the catch-all is not.

    A shortcut stands behind its route's permission, and is a path of that route.
    """
    app = application()
    table = route_table(app)
    listed = {(route.method, path) for route in table for path in (route.address, *route.shortcuts)}
    answered = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None}

    assert all(isinstance(route.permission, Permission) for route in table)
    assert answered - listed <= {("*", "/{unknown}")}
    for route in table:
        pattern = re.sub(r"\{\w+\}", "[^/]+", route.path)
        assert all(re.fullmatch(pattern, path) for path in route.shortcuts)


def test_the_routes_page_lists_the_routes_of_the_server() -> None:
    """Method, path and permission of each, and nothing else."""
    page = (DOCS / "routes.md").read_text(encoding="utf-8")
    rows = {f"| {route.method} | `{route.address}` | {route.permission} |" for route in route_table(application())}

    assert {line for line in page.splitlines() if line.startswith("| ") and "| `" in line} == rows
    assert len(rows) == len(routes())


def test_only_what_tells_nothing_is_public() -> None:
    """Without credentials there are only health, styles, the way in, and the refusal of a GET at a receiver."""
    public = {route.path for route in route_table(application()) if route.permission is Permission.PUBLIC}
    receivers = {"/v1/webhooks", "/v1/webhooks/{integration}", "/v1/webhooks/{integration}/{token}"}

    probes = {"/healthz", "/-/healthy", "/readyz", "/-/ready", "/metrics"}

    assert public <= {*probes, "/static/{name}", "/sign-in", "/sign-out", *receivers}


@pytest.mark.parametrize(("variable", "dotted"), variables().items())
def test_documented_variables_are_read(variable: str, dotted: str) -> None:
    """Each variable of docs/settings.md sets the setting beside which it stands."""
    samples = {"host": "::1", "port": "9000", "max_body": "2048", "log_format": "json", "auth": "required"}
    kafka = {"servers": "a:9092,b:9092", "partitions": "7", "replication": "3", "compression": "zstd", "tls": "on"}
    kafka |= {"sasl": "PLAIN", "spool_bytes": "9000000"}
    samples |= {f"kafka.{name}": value for name, value in kafka.items()}
    sample = samples.get(dotted, "7" if dotted.startswith("thresholds.") else "7m")
    value: object = load_settings(None, {variable: sample})
    for name in dotted.split("."):
        value = getattr(value, name)

    assert value == (sample,) if isinstance(value, tuple) else str(value) == sample


def test_the_example_of_the_settings_is_a_working_file(tmp_path: Path) -> None:
    """It can be copied as it stands."""
    file = tmp_path / "alertline.toml"
    file.write_text(EXAMPLE, encoding="utf-8")
    settings = load_settings(file, {})

    assert integrations_of(settings).find("grafana-eu") is not None
    assert settings.topology.depends_on == {"api": ("db", "cache")}


def test_every_metric_is_documented() -> None:
    """docs/operations.md has a row for each of our metrics, by the name under which it is scraped, and no other."""
    kinds = {
        family.name: family.type for family in telemetry.REGISTRY.collect() if family.name.startswith("alertline_")
    }
    scraped = {f"{name}_total" if kind == "counter" else name for name, kind in kinds.items()}
    page = (DOCS / "operations.md").read_text(encoding="utf-8")

    assert {line.split("`")[1] for line in page.splitlines() if line.startswith("| `alertline_")} == scraped
