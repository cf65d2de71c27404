"""What a request asks for, looked up: the same for the API and for the pages, with the same refusals."""

from collections.abc import Sequence

from aiohttp import web

from alertline.store.port import Held, IncidentPage
from alertline.web.problems import RETRY_AFTER_S, Problem
from review.queries import held_state, incident_filter, page_limit, refused, whole_number
from review.reading import Reader
from schemas.incident import Incident

__all__ = ["held_of", "incident_of", "incident_page", "quarantine_page"]


async def incident_page(reader: Reader, request: web.Request) -> IncidentPage:
    """The page of incidents that the query asks for.

    Raises:
        Problem: 400, naming the parameter that is wrong.
    """
    wanted, limit = incident_filter(request.query), page_limit(request.query)
    try:
        return await reader.page(wanted, _cursor(request), limit)
    except ValueError as error:
        raise _bad_cursor(request, error) from error


async def quarantine_page(reader: Reader, request: web.Request) -> tuple[Sequence[Held], str | None]:
    """The page of the quarantine that the query asks for.

    Raises:
        Problem: 400, naming the parameter that is wrong.
    """
    limit, state = page_limit(request.query), held_state(request.query)
    try:
        return await reader.quarantine(state, _cursor(request), limit)
    except ValueError as error:
        raise _bad_cursor(request, error) from error


async def held_of(reader: Reader, request: web.Request) -> Held:
    """The delivery in quarantine that path and query name.

    Raises:
        Problem: 404 if there is none, 400 for an offset that is none.
    """
    held = await reader.held(request.match_info["id"], whole_number(request.query, "offset"))
    if held is None:
        raise Problem(404, "No such delivery is in quarantine", headers={"Retry-After": str(RETRY_AFTER_S)})
    return held


async def incident_of(reader: Reader, request: web.Request) -> Incident:
    """The incident whose id, or alias, stands in the path.

    Raises:
        Problem: 404 if there is none.
    """
    incident = await reader.incident(request.match_info["id"])
    if incident is None:
        raise Problem(404, "No such incident")
    return incident


def _cursor(request: web.Request) -> str | None:
    return request.query.get("cursor") or None


def _bad_cursor(request: web.Request, error: ValueError) -> Exception:
    """A cursor that the reader never gave; without a cursor the error is our own, and stays one."""
    return refused("cursor", "only a next_cursor of this list is one") if _cursor(request) else error
