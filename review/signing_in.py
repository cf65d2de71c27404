"""The page on which a person signs in, with the link of the start or with a token, and signs out again."""

from collections.abc import Callable

from aiohttp import web

from alertline.web.access import Permission
from alertline.web.routes import Route
from alertline.web.sessions import Sessions, take_cookie, with_cookie
from review.answers import page_answer

__all__ = ["signing_in_routes"]

_Render = Callable[..., str]


def signing_in_routes(sessions: Sessions | None, render: _Render) -> list[Route]:
    """Three routes that everybody reaches; without sessions nobody needs to sign in."""

    async def shown(request: web.Request) -> web.Response:
        link = request.query.get("token")
        if sessions is None:
            return _to_start()
        if link is None:
            return page_answer(render("sign_in.html", refused=False))
        return await signed_in(request, link, sessions)

    async def posted(request: web.Request) -> web.Response:
        said = (await request.post()).get("token")
        if sessions is None:
            return _to_start()
        return await signed_in(request, said.strip() if isinstance(said, str) else "", sessions)

    async def signed_in(request: web.Request, text: str, sessions: Sessions) -> web.Response:
        session = await sessions.open(text)
        if session is None:
            return page_answer(render("sign_in.html", refused=True), status=401)
        return with_cookie(request, _to_start(), session)

    async def signed_out(request: web.Request) -> web.Response:
        response = _to_start("/sign-in")
        session = take_cookie(request, response)
        if sessions is not None and session is not None:
            await sessions.end(session)
        return response

    return [
        Route("GET", "/sign-in", Permission.PUBLIC, shown),
        Route("POST", "/sign-in", Permission.PUBLIC, posted),
        Route("POST", "/sign-out", Permission.PUBLIC, signed_out),
    ]


def _to_start(path: str = "/") -> web.Response:
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})
