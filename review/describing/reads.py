"""The operations that only read."""

from typing import Final

from review.describing.parts import ID, REF, Operation, answer, listed, named, query, text, words
from schemas.vocabulary import HeldState, IncidentStatus, Severity

__all__ = ["READS"]

_INCIDENT: Final = "/v1/incidents/{id}"
_OBJECT: Final = {"type": "object"}
_LIMIT: Final = query("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 200})
_CURSOR: Final = query("cursor", "`next_cursor` of the page before.")
_STYLE: Final = query("style", "How the draft is laid out.", {"type": "string", "enum": ["seed"]})
_RAW: Final = query("raw", "1: the body as it came in.", {"type": "string", "enum": ["0", "1"]})
_BYTES: Final = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_SAME: Final = {304: answer("The reader has this state already (`If-None-Match`).")}


def _either(name: str) -> dict[str, object]:
    return {"$ref": f"{REF}{name}"}


def _raw(told: str) -> dict[str, object]:
    found = answer(told, _OBJECT)
    return {**found, "content": {**found["content"], **_BYTES}}


def _form(path: str, told: str, media: str, *, style: bool = False) -> Operation:
    shown = answer(told, _OBJECT) if media == "application/json" else text(told, media)
    parameters = (ID, _STYLE) if style else (ID,)
    refused = (400, 404) if style else (404,)
    return Operation(
        method="GET",
        path=f"{_INCIDENT}/{path}",
        told=told,
        parameters=parameters,
        answers={200: shown, **_SAME},
        refused=refused,
    )


READS: Final = (
    Operation(
        method="GET",
        path="/v1/incidents",
        told="Incidents, newest first; those that were merged away are left out.",
        parameters=(
            query("status", "Only in this state.", words(IncidentStatus)),
            query("service", "Only those that have this service."),
            query("severity", "Only of this severity.", words(Severity)),
            query("from", "Begun then or later: a day, or a time with its zone."),
            query("to", "Begun before then; a day means all of it."),
            query("q", "Text in title, service or id, in any case.", {"type": "string", "maxLength": 200}),
            _CURSOR,
            _LIMIT,
            query("view", "The whole incident, or one line of it.", {"type": "string", "enum": ["full", "summary"]}),
        ),
        answers={200: answer("A page.", listed("incidents", {"anyOf": [_either("Incident"), _either("Line")]}))},
        refused=(400,),
    ),
    Operation(
        method="GET",
        path=_INCIDENT,
        told="One incident; under an id that was merged away the survivor, and `Content-Location` says so.",
        parameters=(ID,),
        answers={200: answer("The incident.", "Incident"), **_SAME},
        refused=(404,),
    ),
    Operation(
        method="GET",
        path=f"{_INCIDENT}/entries/{{entry}}",
        told="One row of the timeline; its ETag is the revision that `If-Match` names.",
        parameters=(ID, named("entry", "The id of the row.")),
        answers={200: answer("The row.", "TimelineRow")},
        refused=(404,),
    ),
    Operation(
        method="GET",
        path=f"{_INCIDENT}/milestones/{{name}}/effect",
        told="What an override would change, without saying it.",
        parameters=(
            ID,
            named("name", "The milestone."),
            query("at", "The time that would be set; left out: none."),
        ),
        answers={200: answer("Milestones and metrics as they would be.", _OBJECT)},
        refused=(400, 404),
    ),
    _form("timeline.md", "The visible rows for people.", "text/markdown"),
    _form("timeline.csv", "All rows for spreadsheets; what they would take for a formula is quoted.", "text/csv"),
    _form("timeline.json", "All rows for programs.", "application/json"),
    _form("postmortem.md", "The draft as Markdown.", "text/markdown", style=True),
    _form("postmortem.html", "The draft as HTML.", "text/html", style=True),
    _form("postmortem.json", "The draft, its slots, and how complete it is.", "application/json", style=True),
    Operation(
        method="GET",
        path="/v1/deliveries/{id}",
        told="What became of a delivery; 404 with `Retry-After` until it is applied.",
        parameters=(named("id", "The delivery id that its sender was told."), _RAW),
        answers={200: _raw("What became of it; with `raw` its body.")},
        refused=(400, 404),
    ),
    Operation(
        method="GET",
        path=f"{_INCIDENT}/evidence/{{event}}",
        told="The delivery behind an id of evidence that the incident names; with `raw` its body.",
        parameters=(ID, named("event", "The id of the event."), _RAW),
        answers={200: _raw("Where it came from.")},
        refused=(400, 404),
    ),
    Operation(
        method="GET",
        path="/v1/commands/{id}",
        told="What was decided about a command; 404 with `Retry-After` until it is.",
        parameters=(named("id", "The id that the 202 named."),),
        answers={200: answer("The outcome.", _OBJECT)},
        refused=(404,),
    ),
    Operation(
        method="GET",
        path="/v1/unattached",
        told="What was said and belongs to no incident yet.",
        answers={200: answer("All of it.", _OBJECT)},
    ),
    Operation(
        method="GET",
        path="/v1/quarantine",
        told="Deliveries that could not be read, or in part only, newest first.",
        parameters=(
            query("state", "Only what became of them; else what waits.", words(HeldState, more=("all",))),
            _CURSOR,
            _LIMIT,
        ),
        answers={200: answer("A page.", listed("quarantine", _OBJECT))},
        refused=(400,),
    ),
    Operation(
        method="GET",
        path="/v1/quarantine/{id}",
        told="One of them, whole.",
        parameters=(
            named("id", "The delivery id."),
            query("offset", "Which copy.", {"type": "integer", "minimum": 0}),
            _RAW,
        ),
        answers={200: _raw("The delivery; with `raw` its body.")},
        refused=(400, 404),
    ),
    Operation(
        method="GET",
        path="/v1/sources",
        told="The integrations: when each was heard last, how often, what could not be read, what to paste into it.",
        answers={200: answer("All of them.", _OBJECT)},
    ),
    Operation(
        method="GET",
        path="/v1/stream",
        told="What changes, as server-sent events; `Last-Event-ID` goes on where a reader was.",
        parameters=(query("last_event_id", "The same, for readers that can set no header."),),
        answers={200: text("Events `begin`, `reset`, `incident`.", "text/event-stream")},
        refused=(400,),
    ),
    Operation(
        method="GET", path="/openapi.json", told="This document.", answers={200: answer("The document.", _OBJECT)}
    ),
)
