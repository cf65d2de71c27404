"""What a request asks for, looked up: the same for the API and for the pages, with the same refusals."""

from collections.abc import Sequence

from aiohttp import web

from alertline.store.evidence import Evidence
from alertline.store.port import Held, IncidentPage
from alertline.web.problems import RETRY_AFTER_S, Problem
from review.queries import held_state, incident_filter, moment, page_limit, refused, whole_number
from review.reading import Reader
from schemas.incident import Incident
from schemas.vocabulary import MilestoneName

__all__ = ["evidence_of", "held_of", "incident_of", "incident_page", "quarantine_page", "supposed_of"]


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


async def evidence_of(reader: Reader, request: web.Request) -> Evidence:
    """The delivery behind the event that the path names.

    Raises:
        Problem: 404 if the incident names no such event.
    """
    found = await reader.evidence(request.match_info["id"], request.match_info["event"])
    if found is None:
        raise Problem(404, "The incident names no such evidence")
    return found


async def supposed_of(reader: Reader, request: web.Request) -> Incident:
    """The incident as the override that the request asks about would make it.

    Raises:
        Problem: 404, there is no such incident or milestone; 400, the time is none.
    """
    name = request.match_info["name"]
    if name not in list(MilestoneName):
        raise Problem(404, "No such milestone", f"one of {', '.join(MilestoneName)}")
    incident = await reader.supposed(request.match_info["id"], MilestoneName(name), moment(request.query, "at"))
    if incident is None:
        raise Problem(404, "No such incident")
    return incident


def _cursor(request: web.Request) -> str | None:
    return request.query.get("cursor") or None


def _bad_cursor(request: web.Request, error: ValueError) -> Exception:
    """A cursor that the reader never gave; without a cursor the error is our own, and stays one."""
    return refused("cursor", "only a next_cursor of this list is one") if _cursor(request) else error
