"""The OpenAPI document: it has every route, and the server does what it says."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from alertline.web.routes import route_table
from review.describing.document import OPERATIONS, document
from review.reports.routes import report_routes
from tests.review.test_api import application
from tests.story.test_people import two_incidents
from tests.support.memory_reader import MemoryReader
from tests.support.reviewing import reviewing

if TYPE_CHECKING:
    from review.reports.making import ReportSource

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDLESS = {"/v1/stream"}
ROUTES = [each for each in OPERATIONS if each.path not in ENDLESS]


def test_every_route_is_described() -> None:
    """No route of the API is missing from the document, and none is made up."""
    routes = [*route_table(application(MemoryReader())), *report_routes(cast("ReportSource", None))]
    served = {(route.method, route.path) for route in routes}
    api = {(method, path) for method, path in served if path.startswith(("/v1/", "/openapi"))}

    assert {(each.method, each.path) for each in OPERATIONS} == api


class Live:
    """The service in a thread of its own, so that a client that blocks can ask it."""

    def __init__(self, folder: Path) -> None:
        self._ready, self._done = threading.Event(), asyncio.Event()
        self._folder, self.url, self.incident, self.loop = folder, "", "", asyncio.new_event_loop()
        self._thread = threading.Thread(target=lambda: self.loop.run_until_complete(self._serve()))
        self._thread.start()
        assert self._ready.wait(20)

    async def _serve(self) -> None:
        async with reviewing(self._folder) as review:
            await review.happens(two_incidents())
            self.url = str(review.client.make_url(""))
            self.incident = str((await review.incidents())[0]["id"])
            self._ready.set()
            await self._done.wait()

    def stop(self) -> None:
        """End it."""
        self.loop.call_soon_threadsafe(self._done.set)
        self._thread.join(20)
        self.loop.close()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One service for all operations."""
    started = Live(tmp_path_factory.mktemp("openapi"))
    yield started
    started.stop()


@pytest.mark.parametrize("each", ROUTES, ids=[f"{each.method} {each.path}" for each in ROUTES])
def test_the_server_does_what_the_document_says(live: Live, each: object) -> None:
    """Whatever is asked: no 5xx, no status, type or shape that is not described; on a real incident too."""
    assert each in OPERATIONS
    operation = schemathesis.openapi.from_dict(document())[each.path][each.method]

    @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case[Any]) -> None:
        for known in (False, True):
            if known and "id" in case.path_parameters and "/incidents/" in each.path:
                case.path_parameters["id"] = live.incident
            case.call_and_validate(base_url=live.url.rstrip("/"), checks=CHECKS)

    ask()
