"""The pages of the quarantine: what waits there, and forms that read it again or put it aside, without any script."""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote, urlencode

from aiohttp import web

from alertline.store.port import Held
from alertline.web.access import Permission
from alertline.web.problems import Problem, from_exception, unexpected
from alertline.web.routes import Route
from review.answers import page_answer
from review.commanding import By, Waiting, asked_by
from review.lookup import held_of, quarantine_page
from review.quarantine import Desk
from schemas.vocabulary import HeldState

__all__ = ["quarantine_pages"]

_SHOWN = 20_000  # characters of a body on the page; the whole one is a link

_Render = Callable[..., str]
_Dispose = Callable[[Held, By], Awaitable[Held]]


def quarantine_pages(desk: Desk, render: _Render) -> list[Route]:
    """The list, the page of one delivery, and its two forms."""
    one = "/quarantine/{id}"
    return [
        Route("GET", "/quarantine", Permission.READ, _list(desk, render)),
        Route("GET", one, Permission.READ, _one(desk, render)),
        Route("POST", f"{one}/replay", Permission.WRITE, _form(desk, desk.replay, render)),
        Route("POST", f"{one}/discard", Permission.WRITE, _form(desk, desk.discard, render)),
    ]


def _list(desk: Desk, render: _Render) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        rows, next_cursor = await quarantine_page(desk.reader, request)
        state = request.query.get("state") or HeldState.OPEN
        query = {"state": state} if state != HeldState.OPEN else {}
        following = f"/quarantine?{urlencode(query | {'cursor': next_cursor})}" if next_cursor else None
        unattached = await desk.reader.unattached()
        states = (*HeldState, "all")
        return page_answer(
            render("quarantine.html", rows=rows, unattached=unattached, following=following, state=state, states=states)
        )

    return handle


def _one(desk: Desk, render: _Render) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        held = await held_of(desk.reader, request)
        record = await desk.reader.kept(held.delivery)
        return page_answer(
            render(
                "delivery.html",
                held=held,
                row=held.delivery,
                record=record,
                body=None if record is None or record.body is None else record.body[:_SHOWN],
                cut=record is not None and len(record.body or "") > _SHOWN,
                given=request.query.get("given"),
            )
        )

    return handle


def _form(desk: Desk, dispose: _Dispose, render: _Render) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Do it, and lead back to the delivery; what is refused is told on a page."""

    async def handle(request: web.Request) -> web.Response:
        try:
            by, held = await asked_by(request), await held_of(desk.reader, request)
            query = {"offset": str(held.delivery.offset)}
            try:
                await dispose(held, by)
            except Waiting as waiting:
                query["given"] = waiting.command
        except Exception as error:  # noqa: BLE001 - whoever pressed a button reads a page, whatever went wrong
            return _told(request, error, render)
        return _see_other(request.match_info["id"], query)

    return handle


def _see_other(delivery: str, query: Mapping[str, str]) -> web.Response:
    return web.Response(status=303, headers={"Location": f"/quarantine/{quote(delivery, safe='')}?{urlencode(query)}"})


def _told(request: web.Request, error: Exception, render: _Render) -> web.Response:
    problem: Problem = from_exception(error) or unexpected(error, request.method, "/quarantine/…")
    told = {"title": problem.title, "detail": str(problem), "status": problem.status}
    return page_answer(render("problem.html", problem=told), status=problem.status)
