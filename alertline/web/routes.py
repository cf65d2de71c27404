"""Routes as data: method, path, permission, handler. What a route needs is checked here, for every route alike."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from alertline.web.access import LOCAL_OPERATOR, PRINCIPAL, Authenticator, LocalOperator, Permission, Principal
from alertline.web.hosts import Hosts
from alertline.web.problems import Problem, from_exception, problem_response, unexpected

__all__ = ["Route", "add_routes", "add_unknown_routes", "route_table"]

_READING: Final = frozenset(("GET", "HEAD"))

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Route(msgspec.Struct, frozen=True):
    """One route: who needs what permission to reach which handler.

    Attributes:
        shortcuts: paths that the route's pattern matches, each with a handler that knows what the pattern would tell.
            They are found by one look into a dictionary, not by trying patterns.
        said: how a refusal is put, for senders who expect another form than problem+json.
    """

    method: str
    path: str
    permission: Permission
    handler: Handle
    shortcuts: Mapping[str, Handle] = {}
    said: Callable[[Problem], web.Response] = problem_response

    @property
    def address(self) -> str:
        """The path without what its variables must look like, for people and for comparing."""
        return re.sub(r":[^{}]+}", "}", self.path)


ROUTES: web.AppKey[list[Route]] = web.AppKey("routes", list)


def add_routes(
    app: web.Application,
    routes: Iterable[Route],
    authenticator: Authenticator,
    *,
    hosts: Hosts | None = None,
    shown: Middleware | None = None,
) -> None:
    """Register routes, each behind its permission; `shown` is put around those that people read (GET).

    Nothing that changes something is taken from a page of another site, nor anything under a name that is not ours.

    It is no middleware of the application, because that would be called for every webhook too.
    """
    for route in routes:
        # a GET may be a delivery too: nobody reads its answer on a page
        around = shown if route.method == "GET" and route.permission is not Permission.INGEST else None
        for path, handler in (*route.shortcuts.items(), (route.path, route.handler)):
            guarded = _guarded(route, handler, authenticator, hosts or Hosts())
            app.router.add_route(route.method, path, _around(around, guarded))
        app.setdefault(ROUTES, []).append(route)


def add_unknown_routes(app: web.Application, *, shown: Middleware | None = None) -> None:
    """Answer whatever no route takes with problem+json: 405 where another method is, else 404. Call it last."""

    async def unknown(request: web.Request) -> web.StreamResponse:
        allowed: set[str] = set()
        for resource in others:
            allowed |= (await resource.resolve(request))[1]
        error = web.HTTPMethodNotAllowed(request.method, allowed) if allowed else web.HTTPNotFound()
        return _refusal(request, error)

    others = list(app.router.resources())
    app.router.add_route("*", "/{unknown:.*}", _around(shown, unknown))


def _around(shown: Middleware | None, handler: Handler) -> Handler:
    if shown is None:
        return handler
    return partial(shown, handler=handler)


def route_table(app: web.Application) -> list[Route]:
    """Every registered route with its permission: what the tests of access walk."""
    return list(app.get(ROUTES, ()))


def _guarded(route: Route, handler: Handle, authenticator: Authenticator, hosts: Hosts) -> Handler:
    permission, reading = route.permission, route.method in _READING
    local = isinstance(authenticator, LocalOperator)

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            headers = request.headers
            if permission is not Permission.PUBLIC:  # probes ask by addresses, and are told nothing that matters
                hosts.check(headers.get("Host"))
            if not reading and "Origin" in headers:
                hosts.check_origin(headers["Origin"], headers.get("Host"))
            if local and permission is not Permission.PUBLIC:
                request[PRINCIPAL] = LOCAL_OPERATOR
            elif permission is not Permission.PUBLIC:
                principal = await authenticator.authenticate(headers, _token_of(request))
                _require(permission, principal)
                if principal is not None:
                    request[PRINCIPAL] = principal
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - the last line of defence: logged, answered 500, never a lost connection
            return _refusal(request, error, route.said)

    return guarded


def _token_of(request: web.Request) -> str | None:
    """The part of the path where a token may stand."""
    parts = request.match_info
    return parts.get("token") or parts.get("key")


def _require(permission: Permission, principal: Principal | None) -> None:
    """Refuse who may not. Who may deliver, the receiver says: it knows the integration, its secret, and the body."""
    if permission is Permission.INGEST:
        return
    if principal is None:
        raise Problem(401, "Credentials are missing or wrong", headers={"WWW-Authenticate": 'Bearer realm="Alertline"'})
    if not principal.may(permission):
        raise Problem(403, "Not allowed", f"this needs the permission {permission}")


def _refusal(
    request: web.Request, error: Exception, said: Callable[[Problem], web.Response] = problem_response
) -> web.Response:
    problem = from_exception(error)
    if problem is None and isinstance(error, ConnectionError) and _is_cut(request):
        problem = Problem(400, "The connection was cut", "before the whole request had come")  # heard by nobody
    if problem is None:
        # the path only: a query string may hold a token
        problem = unexpected(error, request.method, _safe_path(request))
    return said(problem)


def _is_cut(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _safe_path(request: web.Request) -> str:
    """The path without a token: the route's pattern where there is one."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else re.sub(r"[^/]{16,}", "…", request.path)
