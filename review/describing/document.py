"""The OpenAPI document (3.1): every operation with its body, its answers and its refusals."""

from functools import cache
from typing import Any, Final

import msgspec
import orjson
from aiohttp import web

from alertline.incidents.reporting.alerts import EpisodeLine
from alertline.incidents.reporting.figures import Report
from alertline.store.port import Summary
from alertline.web.access import Permission
from alertline.web.routes import Route
from review.answers import json_answer
from review.describing.parts import ID, JSON, PROBLEMS, REF, Operation, answer, named
from review.describing.reads import READS
from review.describing.reports import REPORTS
from review.reports.making import AlertReport
from review.writing.bodies import Body, ReasonBody
from review.writing.operations import ENTRIES, ORDERS, Order
from schemas.components import components_of
from schemas.incident import TimelineRow
from schemas.published import Incident
from schemas.vocabulary import MilestoneName

__all__ = ["OPERATIONS", "document", "document_routes"]

_ALWAYS: Final = (401, 403, 503)
_WRITES: Final = (400, 404, 409, 413, 422)
_WAITING: Final = answer("Durable, and not decided within 5 s: `Location` is where the outcome will stand.", "Waiting")
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same request again has one effect.",
    "schema": {"type": "string", "maxLength": 200},
}
_REVISION: Final = {
    "name": "If-Match",
    "in": "header",
    "description": "The revision of the thing that is changed; without it the present one is meant.",
    "schema": {"type": "string", "pattern": '^("?[0-9]{1,9}"?|\\*)$'},
}
_PATH: Final = {
    "name": named("name", "The milestone.", {"type": "string", "enum": [name.value for name in MilestoneName]}),
    "entry": named("entry", "The id of the row."),
}


def _ordered(order: Order) -> Operation:
    """A command about an incident."""
    parts = tuple(part for name, part in _PATH.items() if f"{{{name}}}" in order.path)
    return Operation(
        method=order.method,
        path=order.path,
        told=order.told,
        parameters=(ID, *parts, _KEY, *((_REVISION,) if order.revised else ())),
        answers={200: answer("The incident in its new state.", "Incident"), 202: _WAITING},
        refused=(*_WRITES, 412),
        body=order.body,
    )


def _new(path: str, body: type[Body], told: str) -> Operation:
    """Something new."""
    waits = {"anyOf": [{"$ref": f"{REF}Incident"}, {"$ref": f"{REF}Unattached"}]}
    made = answer("The incident in its new state.", waits if path == "/v1/entries" else "Incident")
    return Operation(
        method="POST",
        path=path,
        told=told,
        parameters=(*((ID,) if "{id}" in path else ()), _KEY),
        answers={201: made, 202: _WAITING},
        refused=_WRITES,
        body=body,
    )


def _disposed(word: str, told: str) -> Operation:
    return Operation(
        method="POST",
        path=f"/v1/quarantine/{{id}}/{word}",
        told=told,
        parameters=(named("id", "The delivery id."), _KEY),
        answers={200: answer("How it stands then.", {"type": "object"}), 202: _WAITING},
        refused=_WRITES,
        body=ReasonBody,
    )


_TESTED: Final = Operation(
    method="POST",
    path="/v1/sources/{name}/test",
    told="Send a test to an integration, by the way that its deliveries come.",
    parameters=(named("name", "The integration."),),
    answers={202: answer("The id of the delivery.", {"type": "object"})},
    refused=(404, 503),
)

OPERATIONS: Final = (
    *READS,
    *REPORTS,
    *map(_ordered, ORDERS),
    *(_new(*each) for each in ENTRIES),
    _disposed("replay", "Read it again with today's adapter, as a new delivery with its receive time."),
    _disposed("discard", "Put it aside for good."),
    _TESTED,
)
"""Every operation of the review API."""


@cache
def document() -> dict[str, Any]:
    """The document; the same code gives the same one."""
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Alertline", "version": "1", "description": "Incidents: read, corrected, exported."},
        "paths": paths,
        "components": {"schemas": _components()},
    }


def _operation(each: Operation) -> dict[str, Any]:
    answers = {str(status): shown for status, shown in each.answers.items()}
    answers |= {str(status): PROBLEMS[status] for status in (*each.refused, *_ALWAYS)}
    found: dict[str, Any] = {"summary": each.told, "responses": dict(sorted(answers.items()))}
    if each.parameters:
        found["parameters"] = list(each.parameters)
    if each.body is not None:
        schema = {"$ref": f"{REF}{each.body.__name__}"}
        found["requestBody"] = {"content": {JSON: {"schema": schema}}}
    return found


def _components() -> dict[str, Any]:
    bodies = {each.body.__name__: each.body for each in OPERATIONS if each.body is not None}
    told = (Incident, TimelineRow, Report, AlertReport, EpisodeLine)
    shapes: list[type[msgspec.Struct]] = [*told, *(bodies[name] for name in sorted(bodies))]
    found = components_of(shapes, REF)
    line = components_of((Summary,), REF)
    found |= {name: schema for name, schema in line.items() if name != "Summary" and name not in found}
    found["Line"] = {"type": "object", "description": "One line of the list.", "required": ["id", "alert_count"]}
    found["Problem"] = {
        "type": "object",
        "description": "A refusal (RFC 9457).",
        "properties": {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}},
        "required": ["title", "status"],
    }
    found["Waiting"] = {
        "type": "object",
        "properties": {"command": {"type": "string"}, "state": {"const": "waiting"}},
        "required": ["command", "state"],
    }
    found["Unattached"] = {
        "type": "object",
        "properties": {"incident": {"type": "null"}, "unattached": {"type": ["object", "null"]}},
        "required": ["incident", "unattached"],
    }
    return dict(sorted(found.items()))


def document_routes() -> list[Route]:
    """Where the document is."""

    async def show(_request: web.Request) -> web.Response:
        return json_answer(orjson.dumps(document()))

    return [Route("GET", "/openapi.json", Permission.READ, show)]
