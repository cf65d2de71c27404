"""What a request asks for, looked up: the same for the API and for the pages, with the same refusals."""

from collections.abc import Sequence

from aiohttp import web

from alertline.store.port import DeliveryRow, IncidentPage
from alertline.web.problems import Problem
from review.queries import incident_filter, page_limit, refused
from review.reading import Reader
from schemas.incident import Incident

__all__ = ["incident_of", "incident_page", "quarantine_page"]


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


async def quarantine_page(reader: Reader, request: web.Request) -> tuple[Sequence[DeliveryRow], str | None]:
    """The page of the quarantine that the query asks for.

    Raises:
        Problem: 400, naming the parameter that is wrong.
    """
    limit = page_limit(request.query)
    try:
        return await reader.quarantine(_cursor(request), limit)
    except ValueError as error:
        raise _bad_cursor(request, error) from error


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
