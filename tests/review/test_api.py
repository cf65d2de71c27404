"""The reading API over a real server."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alertline.store.port import Held
from alertline.web.access import Permission
from alertline.web.routes import route_table
from alertline.wiring.server import build_app
from review.pages import review_routes
from schemas.public import to_json_bytes
from schemas.vocabulary import HeldState, Outcome
from tests.support.memory_reader import MemoryOrders, MemoryReader, delivery, waiting
from tests.support.sample_incident import outage, running

Client = TestClient[web.Request, web.Application]


def application(reader: MemoryReader, *, recorded_time: bool = False) -> web.Application:
    """The review routes as the server wires them."""
    routes = review_routes(reader, MemoryOrders(reader), recorded_time=recorded_time)
    return build_app(routes=routes, recorded_time=recorded_time, max_body=1024)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client of a server with two incidents, three deliveries and one waiting statement."""
    reader = MemoryReader(
        outage(),
        running(),
        deliveries=[
            delivery("d1", incidents=("inc_6f21c03e",)),
            delivery("d1", offset=9, duplicate_of=7),
            delivery("q1", outcome=Outcome.QUARANTINED, reason="not JSON"),
            delivery("q2", outcome=Outcome.QUARANTINED, reason="not JSON either"),
        ],
        unattached=[waiting("hello")],
        raw=b"<script>",
    )
    async with TestClient(TestServer(application(reader))) as started:
        yield started


async def test_the_list_holds_whole_incidents(client: Client) -> None:
    """An incident of the list is the incident, in the shape that it has everywhere (contract §5)."""
    answer = await (await client.get("/v1/incidents")).json()
    one = await (await client.get("/v1/incidents/inc_6f21c03e")).json()

    assert [each["id"] for each in answer["incidents"]] == ["inc_6f21c03e", "inc_running"]
    assert answer["next_cursor"] is None
    assert answer["incidents"][0] == one


async def test_the_summary_has_the_incidents_own_fields(client: Client) -> None:
    """A line of the summary uses the names of the incident's fields; alerts are only counted."""
    answer = await (await client.get("/v1/incidents?view=summary")).json()

    line = answer["incidents"][0]
    assert (line["alert_count"], line["metrics"]["definition"]) == (2, "ttx/1")
    assert line["milestones"]["impact_started"]["at"] == "2024-08-20T14:00:00Z"
    assert "timeline" not in line


async def test_the_list_goes_on_at_its_cursor(client: Client) -> None:
    """Following next_cursor gives every incident once."""
    first = await (await client.get("/v1/incidents?limit=1")).json()
    second = await (await client.get("/v1/incidents", params={"limit": "1", "cursor": first["next_cursor"]})).json()

    assert [line["id"] for line in first["incidents"]] == ["inc_6f21c03e"]
    assert [line["id"] for line in second["incidents"]] == ["inc_running"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=open", ["inc_running"]),
        ("severity=info", []),
        ("q=SUCCESS&service=api&status=", ["inc_6f21c03e", "inc_running"]),
        ("from=2024-08-20&to=2024-08-20T14:05:00%2B02:00&limit=200", ["inc_6f21c03e", "inc_running"]),
    ],
)
async def test_the_list_is_filtered(client: Client, query: str, expected: list[str]) -> None:
    """Filters combine, and an empty one is none."""
    answer = await (await client.get(f"/v1/incidents?{query}")).json()

    assert expected == [line["id"] for line in answer["incidents"]]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("status=broken", "status"),
        ("severity=high", "severity"),
        ("from=yesterday", "from"),
        ("from=2024-08-20T14:05:00", "from"),
        ("to=2024-13-01", "to"),
        ("to=9999-12-31", "to"),
        ("from=2024-08-21&to=2024-08-20T00:00:00Z", "to"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=²", "limit"),
        ("limit=-1", "limit"),
        ("cursor=nonsense", "cursor"),
        ("q=%00", "q"),
        (f"q={'x' * 201}", "q"),
    ],
)
async def test_a_wrong_parameter_is_named(client: Client, query: str, parameter: str) -> None:
    """A value that means nothing is answered 400 with the parameter's name."""
    response = await client.get(f"/v1/incidents?{query}")

    assert (response.status, response.content_type) == (400, "application/problem+json")
    assert parameter == (await response.json())["parameter"]


async def test_an_incident_is_its_public_json(client: Client) -> None:
    """The API gives exactly the bytes of the public form."""
    response = await client.get("/v1/incidents/inc_6f21c03e")

    assert to_json_bytes(outage()) == await response.read()
    assert "Content-Location" not in response.headers


async def test_a_known_state_is_not_sent_again(client: Client) -> None:
    """If-None-Match with the present validator is answered 304 without a body, another one with the incident."""
    tag = (await client.get("/v1/incidents/inc_6f21c03e")).headers["ETag"]
    same = await client.get("/v1/incidents/inc_6f21c03e", headers={"If-None-Match": f'"other", W/{tag}'})
    other = await client.get("/v1/incidents/inc_6f21c03e", headers={"If-None-Match": '"other"'})

    assert tag.startswith('"41-')
    assert (304, b"", tag) == (same.status, await same.read(), same.headers["ETag"])
    assert other.status == 200


async def test_an_alias_is_answered_with_the_survivor(client: Client) -> None:
    """The id of a merged incident gives the survivor, and Content-Location says where that lives."""
    response = await client.get("/v1/incidents/inc_old/timeline.md?x=1")

    assert response.headers["Content-Location"] == "/v1/incidents/inc_6f21c03e/timeline.md?x=1"


@pytest.mark.parametrize("path", ["", "/timeline.md", "/timeline.csv", "/timeline.json", "/postmortem.md"])
async def test_an_unknown_incident_is_404(client: Client, path: str) -> None:
    """Nothing is made up for an id that nobody has."""
    response = await client.get(f"/v1/incidents/nope{path}")

    assert (response.status, response.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("timeline.md", "text/markdown"),
        ("timeline.csv", "text/csv"),
        ("timeline.json", "application/json"),
        ("postmortem.md", "text/markdown"),
        ("postmortem.json?style=seed", "application/json"),
        ("postmortem.html", "text/html"),
    ],
)
async def test_every_export_has_its_type(client: Client, path: str, kind: str) -> None:
    """Each form is sent with its media type, and no browser may guess another."""
    response = await client.get(f"/v1/incidents/inc_6f21c03e/{path}")

    assert (200, kind) == (response.status, response.content_type)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "14:05" in await response.text()


async def test_the_postmortem_tells_how_complete_it_is(client: Client) -> None:
    """The JSON form has the slots, which of them are required, and the Markdown."""
    answer = await (await client.get("/v1/incidents/inc_6f21c03e/postmortem.json")).json()

    assert answer["completeness"] == 0
    assert answer["slots"]["root_cause"]["status"] == "draft"
    assert "root_cause" in answer["required_slots"]
    assert "# Incident Report" in answer["markdown"]


@pytest.mark.parametrize("form", ["md", "json", "html"])
async def test_an_unknown_style_is_refused(client: Client, form: str) -> None:
    """A style that we do not have is named, in every form."""
    response = await client.get(f"/v1/incidents/inc_6f21c03e/postmortem.{form}?style=novel")

    assert (response.status, (await response.json())["parameter"]) == (400, "style")


async def test_a_delivery_tells_what_became_of_it(client: Client) -> None:
    """An applied delivery has its outcome, its place, its copies and its incidents."""
    answer = await (await client.get("/v1/deliveries/d1")).json()

    assert (answer["delivery"], answer["outcome"], answer["offset"], answer["duplicates"]) == ("d1", "accepted", 7, 1)
    assert answer["incidents"] == ["inc_6f21c03e"]
    assert [each["offset"] for each in answer["occurrences"]] == [7, 9]
    assert answer["received_at"] == "2024-08-20T14:05:30Z"


async def test_a_delivery_that_is_not_applied_yet(client: Client) -> None:
    """404 with Retry-After: it may be applied in a moment."""
    response = await client.get("/v1/deliveries/unknown")

    assert response.status == 404
    assert int(response.headers["Retry-After"]) > 0


async def test_the_raw_body_is_never_shown_as_a_page(client: Client) -> None:
    """A stranger's bytes are downloaded, whatever they hold."""
    response = await client.get("/v1/deliveries/d1?raw=1")

    assert await response.read() == b"<script>"
    assert response.content_type == "application/octet-stream"
    assert "attachment" in response.headers["Content-Disposition"]


async def test_a_raw_body_that_is_gone() -> None:
    """A body that is no longer kept is a 404, not an empty one."""
    async with TestClient(TestServer(application(MemoryReader(deliveries=[delivery("d1")])))) as client:
        assert (await client.get("/v1/deliveries/d1?raw=1")).status == 404
        assert (await client.get("/v1/deliveries/d1?raw=maybe")).status == 400


async def test_the_quarantine_is_listed(client: Client) -> None:
    """What could not be read is shown with its reason, a page at a time."""
    first = await (await client.get("/v1/quarantine?limit=1")).json()
    second = await (await client.get(f"/v1/quarantine?cursor={first['next_cursor']}")).json()

    assert [row["reason"] for row in first["quarantine"]] == ["not JSON"]
    assert [row["reason"] for row in second["quarantine"]] == ["not JSON either"]
    assert (await client.get("/v1/quarantine?cursor=x")).status == 400


async def test_what_waits_for_its_incident_is_listed(client: Client) -> None:
    """Nothing that somebody said is lost from sight."""
    answer = await (await client.get("/v1/unattached")).json()

    assert [item["text"] for item in answer["unattached"]] == ["hello"]


def test_every_route_needs_a_permission() -> None:
    """What reads needs the one to read, what writes that to write; only the way in and the style sheet neither.

    A sender may ask what became of its own request.
    """
    table = route_table(application(MemoryReader()))

    assert {route.path for route in table if route.permission is Permission.PUBLIC} == {
        "/static/{name}",
        "/sign-in",
        "/sign-out",
    }
    ours = {route.path for route in table if route.permission is Permission.INGEST}
    assert ours == {"/v2/alerts/requests/{id}"}
    others = [route for route in table if route.path not in ("/sign-in", "/sign-out", *ours)]
    needed = {("GET", Permission.READ), ("GET", Permission.PUBLIC)}
    writing = {(method, Permission.WRITE) for method in ("POST", "PUT", "PATCH", "DELETE")}
    assert {(route.method, route.permission) for route in others} == needed | writing


async def test_a_failure_without_a_cursor_is_our_own() -> None:
    """Only a cursor is blamed for what a reader refuses."""

    class Broken(MemoryReader):
        async def quarantine(
            self, state: HeldState | None, cursor: str | None, limit: int
        ) -> tuple[list[Held], str | None]:
            raise ValueError("broken")

    async with TestClient(TestServer(application(Broken()))) as client:
        assert (await client.get("/v1/quarantine")).status == 500
