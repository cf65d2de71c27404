"""Routes as data: method, path, permission, handler. What a route needs is checked here, for every route alike."""

import re
from collections.abc import Awaitable, Callable, Iterable

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from alertline.web.access import PRINCIPAL, Authenticator, Permission
from alertline.web.problems import Problem, from_exception, problem_response

__all__ = ["Route", "add_routes", "answer_unknown_routes", "route_table"]

log = structlog.get_logger(__name__)


class Route(msgspec.Struct, frozen=True):
    """One route: who needs what permission to reach which handler."""

    method: str
    path: str
    permission: Permission
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]


ROUTES: web.AppKey[list[Route]] = web.AppKey("routes", list)


def add_routes(app: web.Application, routes: Iterable[Route], authenticator: Authenticator) -> None:
    """Register routes, each behind its permission."""
    for route in routes:
        app.router.add_route(route.method, route.path, _guarded(route, authenticator))
        app.setdefault(ROUTES, []).append(route)


def route_table(app: web.Application) -> list[Route]:
    """Every registered route with its permission: what the tests of access walk."""
    return list(app[ROUTES]) if ROUTES in app else []


def _guarded(route: Route, authenticator: Authenticator) -> Handler:
    handler, permission = route.handler, route.permission

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            if permission is not Permission.PUBLIC:
                principal = await authenticator.authenticate(request)
                if principal is None:
                    raise Problem(401, "Credentials are missing or wrong", headers={"WWW-Authenticate": "Bearer"})
                if not principal.may(permission):
                    raise Problem(403, "Not allowed", f"this needs the permission {permission}")
                request[PRINCIPAL] = principal
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - the last line of defence: logged, answered 500, never a lost connection
            return _refusal(request, error)

    return guarded


def _refusal(request: web.Request, error: Exception) -> web.Response:
    problem = from_exception(error)
    if problem is None:
        # the path only: a query string may hold a token
        log.error("request.failed", method=request.method, path=_safe_path(request), exc_info=error)
        problem = Problem(500, "Alertline failed on this request", "it is in the server's log")
    return problem_response(problem)


def _safe_path(request: web.Request) -> str:
    """The path without a token: the route's pattern where there is one."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else re.sub(r"[^/]{16,}", "…", request.path)


@web.middleware
async def answer_unknown_routes(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn aiohttp's own 404 and 405 into problem+json."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _refusal(request, error)
