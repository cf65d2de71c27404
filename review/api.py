"""The reading half of the API (contract §6): incidents, exports, deliveries, quarantine, unattached statements."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
from aiohttp import web

from alertline.incidents.telling.draft import draft
from alertline.incidents.telling.export import public_item, timeline_csv, timeline_json, timeline_markdown
from alertline.incidents.telling.slots import completeness, required_slots
from alertline.store.lines import public_summary
from alertline.store.port import DeliveryRow
from alertline.web.access import Permission
from alertline.web.problems import RETRY_AFTER_S, Problem
from alertline.web.routes import Route
from review.answers import cached, download, etag_of, json_answer
from review.lookup import evidence_of, incident_of, incident_page, supposed_of
from review.queries import View, refused, view_of, wants
from review.reading import Reader
from schemas.incident import Incident
from schemas.public import as_public, metrics_as_public, milestones_as_public, to_json_bytes

__all__ = ["STYLES", "api_routes", "check_style", "public_delivery", "public_summary"]

STYLES: Final = ("seed",)

_Answer = Callable[[web.Request, Incident], web.Response]


def api_routes(reader: Reader) -> list[Route]:
    """Every JSON, CSV and Markdown route that only reads."""
    incident = "/v1/incidents/{id}"
    handlers: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
        "/v1/incidents": _list(reader),
        incident: _of_incident(reader, _whole),
        f"{incident}/entries/{{entry}}": _entry(reader),
        f"{incident}/evidence/{{event}}": _evidence(reader),
        f"{incident}/milestones/{{name}}/effect": _effect(reader),
        f"{incident}/timeline.md": _of_incident(reader, _timeline_md),
        f"{incident}/timeline.csv": _of_incident(reader, _timeline_csv),
        f"{incident}/timeline.json": _of_incident(reader, _timeline_json),
        f"{incident}/postmortem.md": _of_incident(reader, _postmortem_md),
        f"{incident}/postmortem.json": _of_incident(reader, _postmortem_json),
        "/v1/deliveries/{id}": _delivery(reader),
        "/v1/unattached": _unattached(reader),
    }
    return [Route("GET", path, Permission.READ, handler) for path, handler in handlers.items()]


def public_delivery(row: DeliveryRow) -> dict[str, object]:
    """One occurrence of a delivery."""
    public: dict[str, object] = msgspec.to_builtins(row)
    return public


def check_style(request: web.Request) -> None:
    """Refuse a style of the draft that we do not have."""
    style = request.query.get("style", "")
    if style and style not in STYLES:
        raise refused("style", f"one of {', '.join(STYLES)} is needed")


def _list(reader: Reader) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        page = await incident_page(reader, request)
        if view_of(request.query) is View.SUMMARY:
            found = [public_summary(summary) for summary in page.incidents]
        else:
            found = [as_public(each) for each in await reader.incidents([each.id for each in page.incidents])]
        return json_answer({"incidents": found, "next_cursor": page.next_cursor})

    return handle


def _of_incident(reader: Reader, answer: _Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler about one incident. An alias is answered with the survivor, and `Content-Location` says so."""

    async def handle(request: web.Request) -> web.Response:
        incident = await incident_of(reader, request)
        response = answer(request, incident)
        if incident.id != request.match_info["id"]:
            response.headers["Content-Location"] = str(request.rel_url).replace(
                request.match_info["id"], incident.id, 1
            )
        body = response.body
        return cached(request, response, etag_of(incident.version, body if isinstance(body, bytes) else b""))

    return handle


def _entry(reader: Reader) -> Callable[[web.Request], Awaitable[web.Response]]:
    """One row of the timeline, with its revision as the validator: what `If-Match` names when it is edited."""

    async def handle(request: web.Request) -> web.Response:
        incident = await incident_of(reader, request)
        row = next((each for each in incident.timeline if each.id == request.match_info["entry"]), None)
        if row is None:
            raise Problem(404, "The incident has no such row")
        response = json_answer(msgspec.json.encode(row))
        response.etag = str(row.revision)
        return response

    return handle


def _evidence(reader: Reader) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        found = await evidence_of(reader, request)
        if wants(request.query, "raw"):
            return await _raw(reader, found.delivery)
        return json_answer({"delivery": public_delivery(found.delivery), "item": found.item})

    return handle


def _effect(reader: Reader) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        supposed = await supposed_of(reader, request)
        milestones = milestones_as_public(supposed.milestones)
        return json_answer(
            {"milestones": milestones, "metrics": metrics_as_public(supposed.metrics, supposed.definition)}
        )

    return handle


def _whole(_request: web.Request, incident: Incident) -> web.Response:
    return json_answer(to_json_bytes(incident))


def _timeline_md(_request: web.Request, incident: Incident) -> web.Response:
    return download(timeline_markdown(incident), "text/markdown; charset=utf-8")


def _timeline_csv(_request: web.Request, incident: Incident) -> web.Response:
    name = (
        f"timeline-{''.join(char for char in incident.id if char.isascii() and (char.isalnum() or char in '-_'))}.csv"
    )
    return download(timeline_csv(incident), "text/csv; charset=utf-8; header=present", name)


def _timeline_json(_request: web.Request, incident: Incident) -> web.Response:
    return json_answer({"incident": incident.id, "timeline": timeline_json(incident)})


def _postmortem_md(request: web.Request, incident: Incident) -> web.Response:
    check_style(request)
    return download(draft(incident), "text/markdown; charset=utf-8")


def _postmortem_json(request: web.Request, incident: Incident) -> web.Response:
    check_style(request)
    slots = incident.postmortem.slots
    return json_answer(
        {
            "incident": incident.id,
            "version": incident.version,
            "definition": incident.definition,
            "style": STYLES[0],
            "required_slots": list(required_slots()),
            "slots": msgspec.to_builtins(slots, order="deterministic"),
            "completeness": completeness(slots),
            "markdown": draft(incident),
        }
    )


def _delivery(reader: Reader) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        delivery_id = request.match_info["id"]
        rows = await reader.delivery(delivery_id)
        if not rows:
            raise Problem(
                404,
                "No such delivery has been applied",
                "one that was accepted a moment ago is applied soon: ask again",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        if wants(request.query, "raw"):
            return await _raw(reader, rows[0])
        return json_answer(_applied(delivery_id, rows))

    return handle


def _applied(delivery_id: str, rows: Sequence[DeliveryRow]) -> dict[str, object]:
    """What became of a delivery: of its first copy, with the later ones counted."""
    first = next((row for row in rows if row.duplicate_of is None), rows[0])
    public = {name: value for name, value in public_delivery(first).items() if name not in {"id", "duplicate_of"}}
    incidents = dict.fromkeys(incident for row in rows for incident in row.incidents)
    return {
        "delivery": delivery_id,
        **public,
        "duplicates": sum(1 for row in rows if row.duplicate_of is not None),
        "incidents": list(incidents),
        "occurrences": [public_delivery(row) for row in rows],
    }


async def _raw(reader: Reader, row: DeliveryRow) -> web.Response:
    body = await reader.raw(row)
    if body is None:
        raise Problem(404, "The raw body is not kept", "it was pruned or redacted, or this reader has no log")
    # never shown by the browser: it is a stranger's bytes
    return download(body, "application/octet-stream", "delivery.bin")


def _unattached(reader: Reader) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(_request: web.Request) -> web.Response:
        return json_answer({"unattached": [public_item(item) for item in await reader.unattached()]})

    return handle
