"""The list of incidents as a page: open ones first, each with its length as a bar on one scale."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from alertline.clock import now
from alertline.incidents.telling.wording import duration
from alertline.store.port import Filter, IncidentPage, Summary
from review.answers import page_answer
from review.lookup import incident_page
from review.queries import MAX_LIMIT, incident_filter
from review.reading import Reader
from review.signing import who
from review.templating import Render
from review.zones import remember_zone, zone_in
from schemas.vocabulary import IncidentStatus, MilestoneName

__all__ = ["Line", "incident_list"]

_WIDTH: Final = 200.0


class Line(msgspec.Struct, frozen=True):
    """One incident of the list.

    Attributes:
        running: how long it has run by now, while it is open; None: it is over, or nobody knows since when.
        length, detected, cause: places on the scale of the list, from the start of the impact.
    """

    incident: Summary
    running: str | None
    length: float | None
    detected: float | None
    cause: float | None


def incident_list(
    reader: Reader, render: Render, *, recorded_time: bool
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler of the list."""

    async def handle(request: web.Request) -> web.Response:
        page = await incident_page(reader, request)
        running = await _running(reader, incident_filter(request.query), request)
        shown = {summary.id for summary in running.incidents}
        recent = [summary for summary in page.incidents if summary.id not in shown]
        query = {name: value for name, value in request.query.items() if value and name not in ("cursor", "zone")}
        # on recorded time nobody knows what time it is in the recording
        at = None if recorded_time else now()
        lines = _lines([*running.incidents, *recent], at)
        answer = page_answer(
            render(
                "incidents.html",
                running=lines[: len(running.incidents)],
                recent=lines[len(running.incidents) :],
                more_running=running.next_cursor is not None,
                unacknowledged=sum(_unacknowledged(each) for each in running.incidents),
                query=request.query,
                filtered=bool({name for name in query if name != "limit"}),
                following=f"/?{urlencode(query | {'cursor': page.next_cursor})}" if page.next_cursor else None,
                zone=zone_in(request),
                who=who(request),
            )
        )
        remember_zone(request, answer)
        return answer

    return handle


async def _running(reader: Reader, wanted: Filter, request: web.Request) -> IncidentPage:
    """What is open stands first, on the first page of a list that may hold it."""
    if request.query.get("cursor") or wanted.status is not None:
        return IncidentPage((), None)
    return await reader.page(msgspec.structs.replace(wanted, status=IncidentStatus.OPEN), None, MAX_LIMIT)


def _unacknowledged(summary: Summary) -> bool:
    critical = summary.severity == "critical"
    return critical and summary.milestones.get(MilestoneName.ACKNOWLEDGED) is None


def _lines(summaries: Iterable[Summary], at: datetime | None) -> list[Line]:
    found = [(each, _seconds(each, at)) for each in summaries]
    longest = max((seconds for _, seconds in found if seconds is not None), default=0.0) or 1.0
    return [_line(each, seconds, longest) for each, seconds in found]


def _line(summary: Summary, seconds: float | None, longest: float) -> Line:
    opened = summary.status is IncidentStatus.OPEN
    return Line(
        incident=summary,
        running=duration(round(seconds)) if opened and seconds is not None else None,
        length=None if seconds is None else max(round(seconds / longest * _WIDTH, 1), 2.0),
        detected=_place(summary, MilestoneName.DETECTED, longest),
        cause=_place(summary, MilestoneName.CAUSE_IDENTIFIED, longest),
    )


def _start(summary: Summary) -> datetime | None:
    impact = summary.milestones.get(MilestoneName.IMPACT_STARTED)
    return None if impact is None else impact.at


def _seconds(summary: Summary, at: datetime | None) -> float | None:
    """How long it lasted from the start of the impact, or has lasted by now."""
    start, resolved = _start(summary), summary.milestones.get(MilestoneName.RESOLVED)
    over = resolved.at if resolved is not None else None
    end = at if summary.status is IncidentStatus.OPEN else over
    return None if start is None or end is None or end < start else (end - start).total_seconds()


def _place(summary: Summary, name: MilestoneName, longest: float) -> float | None:
    start, stamp = _start(summary), summary.milestones.get(name)
    if start is None or stamp is None:
        return None
    place = (stamp.at - start).total_seconds() / longest * _WIDTH
    return round(place, 1) if 0 <= place <= _WIDTH else None
