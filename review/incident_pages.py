"""The pages of one incident: the whole of it, and those on which something is changed. All work without a script."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from urllib.parse import quote

from aiohttp import web

from alertline.web.access import Permission
from alertline.web.problems import Problem
from alertline.web.routes import Route
from review.answers import page_answer
from review.lookup import evidence_of, incident_of
from review.reading import Reader
from review.signing import who
from review.views import effects_of, view_of
from review.zones import Zone, remember_zone, zone_in
from schemas.incident import Incident, TimelineRow
from schemas.records import Delivery
from schemas.vocabulary import Classification, EntryKind, MilestoneName, Severity, SlotStatus

__all__ = ["Render", "incident_pages"]

Render = Callable[..., str]
_Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SHOWN = 20_000  # characters of a body on the page; the whole one is a link


def incident_pages(reader: Reader, render: Render) -> list[Route]:
    """The pages that show an incident, or a part of it that can be changed."""
    one = "/incidents/{id}"
    pages: dict[str, _Handle] = {
        one: _whole(reader, render),
        f"{one}/milestones/{{name}}": _milestone(reader, render),
        f"{one}/entries/{{entry}}": _entry(reader, render),
        f"{one}/evidence/{{event}}": _evidence(reader, render),
    }
    return [Route("GET", path, Permission.READ, handler) for path, handler in pages.items()]


def _whole(reader: Reader, render: Render) -> _Handle:
    async def handle(request: web.Request) -> web.StreamResponse:
        incident = await incident_of(reader, request)
        if incident.id != request.match_info["id"]:
            return web.Response(status=302, headers={"Location": f"/incidents/{quote(incident.id, safe='')}"})
        zone = zone_in(request)
        page = page_answer(
            render(
                "incident.html",
                view=view_of(incident, request.query, zone),
                zone=zone,
                who=who(request),
                waiting=request.query.get("given"),
                kinds=tuple(EntryKind),
                classifications=tuple(Classification),
                severity_words=tuple(Severity),
                slot_statuses=tuple(SlotStatus),
            )
        )
        remember_zone(request, page)
        return page

    return handle


def _milestone(reader: Reader, render: Render) -> _Handle:
    async def handle(request: web.Request) -> web.StreamResponse:
        incident, zone = await incident_of(reader, request), zone_in(request)
        name = request.match_info["name"]
        if name not in list(MilestoneName):
            raise Problem(404, "No such milestone")
        return page_answer(await milestone_page(reader, render, request, incident, MilestoneName(name), zone))

    return handle


async def milestone_page(
    reader: Reader, render: Render, request: web.Request, incident: Incident, name: MilestoneName, zone: Zone
) -> str:
    """The form of an override, with what the time that it holds would change."""
    asked = request.query.get("at", "")
    at, wrong = _asked(asked, zone)
    supposed = await reader.supposed(incident.id, name, at) if asked and not wrong else None
    changed, same = effects_of(incident, supposed) if supposed is not None else ((), ())
    return render(
        "milestone.html",
        incident=incident,
        name=name,
        now=incident.milestones.get(name),
        revision=incident.revisions.get(name.value, 0),
        asked=asked,
        wrong=wrong,
        supposed=supposed,
        conflicts=[each for each in supposed.conflicts if each not in incident.conflicts] if supposed else [],
        changed=changed,
        same=same,
        reason=request.query.get("reason", "")[:500],
        zone=zone,
        who=who(request),
    )


def _asked(words: str, zone: Zone) -> tuple[datetime | None, bool]:
    """The time in a form's field, and whether there is something in it that is none."""
    if not words:
        return None, False
    try:
        return zone.read(words), False
    except (ValueError, OverflowError):
        return None, True


def _entry(reader: Reader, render: Render) -> _Handle:
    async def handle(request: web.Request) -> web.StreamResponse:
        incident = await incident_of(reader, request)
        row = row_of(incident, request.match_info["entry"])
        return page_answer(
            render(
                "entry.html",
                incident=incident,
                row=row,
                zone=zone_in(request),
                who=who(request),
                kinds=tuple(EntryKind),
                lost=None,
            )
        )

    return handle


def row_of(incident: Incident, entry: str) -> TimelineRow:
    """One row of the timeline.

    Raises:
        Problem: 404 if the incident has none of this id.
    """
    row = next((each for each in incident.timeline if each.id == entry), None)
    if row is None:
        raise Problem(404, "The incident has no such row")
    return row


def _evidence(reader: Reader, render: Render) -> _Handle:
    async def handle(request: web.Request) -> web.StreamResponse:
        found = await evidence_of(reader, request)
        record: Delivery | None = await reader.kept(found.delivery)
        body = None if record is None or record.body is None else record.body
        return page_answer(
            render(
                "evidence.html",
                incident=request.match_info["id"],
                event=request.match_info["event"],
                row=found.delivery,
                item=found.item,
                record=record,
                body=None if body is None else body[:_SHOWN],
                cut=len(body or "") > _SHOWN,
                zone=zone_in(request),
                who=who(request),
            )
        )

    return handle
