"""The pages: whatever they show, the API gives too. They read and print without any script."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from typing import Final
from urllib.parse import quote, urlencode

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from jinja2 import Environment, PackageLoader, StrictUndefined

from alertline.incidents.telling import wording
from alertline.incidents.telling.draft import draft
from alertline.incidents.telling.slots import completeness, required_slots, slot_of
from alertline.incidents.telling.statements import row_detail
from alertline.incidents.words import clock_words
from alertline.store.port import Filter, IncidentPage
from alertline.web.access import Permission
from alertline.web.problems import Problem
from alertline.web.routes import Route
from review.answers import download, page_answer
from review.api import api_routes, check_style
from review.commanding import Orders, command_routes
from review.lookup import incident_of, incident_page
from review.quarantine import Desk, quarantine_routes
from review.quarantine_pages import quarantine_pages
from review.queries import MAX_LIMIT, incident_filter
from review.reading import Reader
from review.rendering import draft_html
from review.views import view_of
from schemas.incident import Incident
from schemas.vocabulary import IncidentStatus, Severity

__all__ = ["Render", "browser_errors", "no_notices", "page_routes", "renderer", "review_routes"]

_CSS: Final = "text/css; charset=utf-8"
_STATIC_TYPES: Final = {"style.css": _CSS, "reports.css": _CSS, "mark.svg": "image/svg+xml"}
_BODIES: Final = {name: files("review").joinpath("static", name).read_bytes() for name in _STATIC_TYPES}
_STAMP: Final = hashlib.sha256(b"".join(_BODIES.values())).hexdigest()[:8]

Render = Callable[..., str]
_Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


def no_notices() -> Sequence[str]:
    """There is nothing that every page must say."""
    return ()


def review_routes(
    reader: Reader,
    orders: Orders,
    *,
    recorded_time: bool = False,
    notices: Callable[[], Sequence[str]] = no_notices,
) -> list[Route]:
    """The API and the pages. With `recorded_time` every page says that receive times are taken from the sender.

    `notices`: what every page says besides, such as that the log is away.
    """
    desk = Desk(reader, orders)
    api = [*api_routes(reader), *quarantine_routes(desk), *command_routes(reader)]
    return [*api, *page_routes(reader, desk, recorded_time=recorded_time, notices=notices)]


def page_routes(
    reader: Reader,
    desk: Desk,
    *,
    recorded_time: bool = False,
    notices: Callable[[], Sequence[str]] = no_notices,
) -> list[Route]:
    """The pages, and the draft as HTML."""
    render = renderer(recorded_time, notices)
    handlers: dict[str, _Handle] = {
        "/": _incidents(reader, render),
        "/incidents/{id}": _incident(reader, render),
        "/v1/incidents/{id}/postmortem.html": _postmortem(reader, render),
    }
    routes = [Route("GET", path, Permission.READ, handler) for path, handler in handlers.items()]
    # a style sheet says nothing about anybody, and a page of refusal needs it too
    static = Route("GET", "/static/{name}", Permission.PUBLIC, _static)
    return [*routes, *quarantine_pages(desk, render), static]


def browser_errors(*, recorded_time: bool = False) -> Middleware:
    """A middleware (outermost) that shows refusals as a page to readers that ask for HTML; others get problem+json."""
    render = renderer(recorded_time)

    @web.middleware
    async def show(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        is_problem = response.status >= 400 and response.content_type == "application/problem+json"
        if not (is_problem and request.method == "GET" and "text/html" in request.headers.get("Accept", "")):
            return response
        body = response.body if isinstance(response, web.Response) else b""
        problem = msgspec.json.decode(body, type=dict[str, object]) if isinstance(body, bytes) else {}
        page = page_answer(render("problem.html", problem=problem), status=response.status)
        for name in ("Retry-After", "WWW-Authenticate", "Allow"):
            if name in response.headers:
                page.headers[name] = response.headers[name]
        return page

    return show


def renderer(recorded_time: bool, notices: Callable[[], Sequence[str]] = no_notices) -> Render:
    """What renders the templates, with the words for times and durations that they share."""
    environment = Environment(
        loader=PackageLoader("review", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "clock": clock_words,
        "day": wording.day,
        "day_and_clock": wording.day_and_clock,
        "duration": wording.duration,
        "kind_title": wording.kind_title,
        "metric_value": wording.metric_value,
        "milestone_title": wording.milestone_title,
        "row_detail": row_detail,
        "since": wording.since,
    }
    environment.globals |= {
        "recorded_time": recorded_time,
        "notices": notices,
        "stamp": _STAMP,
        "marks": {basis.value: mark for basis, mark in wording.BASIS_MARKS.items()},
        "span": wording.span,
        "statuses": tuple(IncidentStatus),
        "severities": tuple(Severity),
    }

    def render(template: str, **context: object) -> str:
        return environment.get_template(template).render(context)

    return render


def _incidents(reader: Reader, render: Render) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        page = await incident_page(reader, request)
        wanted = incident_filter(request.query)
        running = await _running(reader, wanted, request)
        shown = {summary.id for summary in running.incidents}
        query = {name: value for name, value in request.query.items() if value and name != "cursor"}
        following = f"/?{urlencode(query | {'cursor': page.next_cursor})}" if page.next_cursor else None
        return page_answer(
            render(
                "incidents.html",
                running=running.incidents,
                more_running=running.next_cursor is not None,
                recent=[summary for summary in page.incidents if summary.id not in shown],
                query=request.query,
                filtered=bool({name for name in query if name != "limit"}),
                following=following,
            )
        )

    return handle


async def _running(reader: Reader, wanted: Filter, request: web.Request) -> IncidentPage:
    """What is open stands first, on the first page of a list that may hold it."""
    if request.query.get("cursor") or wanted.status is not None:
        return IncidentPage((), None)
    return await reader.page(msgspec.structs.replace(wanted, status=IncidentStatus.OPEN), None, MAX_LIMIT)


def _incident(reader: Reader, render: Render) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        incident = await incident_of(reader, request)
        if incident.id != request.match_info["id"]:
            return web.Response(status=302, headers={"Location": f"/incidents/{quote(incident.id, safe='')}"})
        return page_answer(render("incident.html", view=view_of(incident), **_written(incident)))

    return handle


def _postmortem(reader: Reader, render: Render) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        check_style(request)
        incident = await incident_of(reader, request)
        return page_answer(render("postmortem.html", incident=incident, draft=draft_html(draft(incident), below=0)))

    return handle


def _written(incident: Incident) -> dict[str, object]:
    return {
        "draft": draft_html(draft(incident), below=2),
        "slots": [(name.replace("_", " "), slot_of(incident, name)) for name in required_slots()],
        "completeness": completeness(incident.postmortem.slots),
    }


async def _static(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in _BODIES:
        raise Problem(404, "No such file")
    response = download(_BODIES[name], _STATIC_TYPES[name])
    # the address holds a hash of the content, so a copy never gets old
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
