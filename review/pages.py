"""The pages: whatever they show, the API gives too. They read, print and write without any script."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from alertline.incidents.telling.draft import draft
from alertline.web.access import Permission
from alertline.web.problems import Problem
from alertline.web.routes import Route
from alertline.web.sessions import Sessions
from review.answers import download, page_answer
from review.api import api_routes, check_style
from review.commanding import Orders, command_routes
from review.compatible import compatible_routes
from review.describing.document import document_routes
from review.incident_forms import form_routes
from review.incident_pages import incident_pages
from review.list_page import incident_list
from review.lookup import incident_of
from review.quarantine import Desk, quarantine_routes
from review.quarantine_pages import quarantine_pages
from review.reading import Reader
from review.rendering import draft_html
from review.signing_in import signing_in_routes
from review.sources import Senders, source_routes
from review.streaming import stream_routes
from review.templating import STATIC, STATIC_TYPES, Render, no_notices, renderer
from review.writing.amendments import Amendments
from review.writing.routes import write_routes

__all__ = ["browser_errors", "page_routes", "review_routes"]

_Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


def review_routes(
    reader: Reader,
    orders: Orders,
    *,
    senders: Senders | None = None,
    recorded_time: bool = False,
    sessions: Sessions | None = None,
    notices: Callable[[], Sequence[str]] = no_notices,
) -> list[Route]:
    """The API and the pages. With `recorded_time` every page says that receive times are taken from the sender.

    `notices`: what every page says besides, such as that the log is away.
    """
    desk, amendments = Desk(reader, orders), Amendments(reader, orders)
    api = [
        *api_routes(reader),
        *write_routes(amendments),
        *quarantine_routes(desk),
        *command_routes(reader),
        *compatible_routes(reader),
        *stream_routes(reader),
        *document_routes(),
    ]
    render = renderer(recorded_time, notices)
    others = [*source_routes(senders, render), *signing_in_routes(sessions, render)]
    return [*api, *page_routes(desk, amendments, render, recorded_time=recorded_time), *others]


def page_routes(desk: Desk, amendments: Amendments, render: Render, *, recorded_time: bool) -> list[Route]:
    """The pages, their forms, and the draft as HTML."""
    reader = desk.reader
    handlers: dict[str, _Handle] = {
        "/": incident_list(reader, render, recorded_time=recorded_time),
        "/v1/incidents/{id}/postmortem.html": _postmortem(reader, render),
    }
    routes = [Route("GET", path, Permission.READ, handler) for path, handler in handlers.items()]
    # a style sheet says nothing about anybody, and a page of refusal needs it too
    static = Route("GET", "/static/{name}", Permission.PUBLIC, _static)
    pages = [*routes, *incident_pages(reader, render), *form_routes(amendments, render)]
    return [*pages, *quarantine_pages(desk, render), static]


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


def _postmortem(reader: Reader, render: Render) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        check_style(request)
        incident = await incident_of(reader, request)
        return page_answer(render("postmortem.html", incident=incident, draft=draft_html(draft(incident), below=0)))

    return handle


async def _static(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in STATIC:
        raise Problem(404, "No such file")
    response = download(STATIC[name], STATIC_TYPES[name])
    if "v" in request.query:
        # the address holds a hash of the content, so a copy never gets old
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
