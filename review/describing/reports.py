"""The operations of reports."""

from typing import Any, Final

from review.describing.parts import JSON, REF, Operation, query, words
from review.reports.asking import Fired
from schemas.vocabulary import Assumed, Excluded, GroupBy, MetricName, Severity

__all__ = ["REPORTS"]

Schema = dict[str, Any]

_TIME: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
_FORMAT: Final = query("format", "How it is written.", {"type": "string", "enum": ["json", "csv"]})
_ASKED: Final = (
    query("from", "Detected then or later: a day of the zone, or a time with its zone."),
    query("to", "Detected before then; a day means all of it."),
    query("zone", "IANA name of the zone in which days, weeks and months begin; UTC unless given."),
    query("group_by", "What divides them; an incident of several services or sources counts in each.", words(GroupBy)),
    query("assumed", "Which assumed values count: `ends` leaves out those of `detect_from_impact`.", words(Assumed)),
    query("service", "Only incidents that have this service."),
    query("severity", "Only of this severity.", words(Severity)),
    query("calendar", "Also in working hours: a country (DE), a part of one (DE-BE), or weekdays."),
    query("hours", "The working hours, 09:00-17:00 unless given."),
)
_RULE: Final = query("rule", "The alert rule.")
_RULE_SERVICE: Final = query("rule_service", "The service of its alerts; left out: they name none.")
_COUNTED: Final = query("counted", "1: only what counts.", {"type": "string", "enum": ["0", "1"]})


def _report(name: str, told: str, shown: str, schema: Schema, *more: Schema) -> Operation:
    """A report: JSON, or a table of the same."""
    content = {JSON: {"schema": schema}, "text/csv": {"schema": {"type": "string"}}}
    return Operation(
        method="GET",
        path=f"/v1/reports/{name}",
        told=told,
        parameters=(*_ASKED, *more, _FORMAT),
        answers={200: {"description": shown, "content": content}},
        refused=(400,),
    )


def _listed(name: str, items: Schema) -> Schema:
    """What was asked, and all that it comes to."""
    properties = {"from": _TIME, "to": _TIME, "zone": {"type": "string"}, name: {"type": "array", "items": items}}
    return {"type": "object", "properties": properties, "required": list(properties)}


_INCIDENT: Final[Schema] = {
    "allOf": [
        {"$ref": f"{REF}Line"},
        {
            "type": "object",
            "properties": {"excluded": {"enum": [*(each.value for each in Excluded), None]}},
            "required": ["excluded", "milestones", "metrics"],
        },
    ]
}

REPORTS: Final = (
    _report(
        "metrics",
        "How long detection and recovery took: n, mean, median, p90, least and most of each metric.",
        "All together, and by group.",
        {"$ref": f"{REF}Report"},
    ),
    _report(
        "incidents",
        "The incidents behind a report, or behind one of its figures, by time of detection.",
        "Each with milestones, metrics, and why it does not count (null: it does).",
        _listed("incidents", _INCIDENT),
        query("metric", "Only those in which it was measured and counts.", words(MetricName)),
        query("excluded", "Only those that do not count for this reason.", words(Excluded)),
        _COUNTED,
        query("key", "Only of this group; an empty one: of those that have none."),
        query("rule", "Only those that count and in which this alert rule fired."),
        _RULE_SERVICE,
        query("fired", "And fired when the incident was detected, or later.", words(Fired)),
    ),
    _report(
        "alerts",
        "Which alert rule fired first, which came too late, and which led to no incident.",
        "Rules in incidents that count, and how many episodes of each rule are in none.",
        {"$ref": f"{REF}AlertReport"},
    ),
    _report(
        "episodes",
        "The episodes of one alert rule that began in the time that is asked for, pages left out.",
        "Each with its incident, and why that does not count.",
        _listed("episodes", {"$ref": f"{REF}EpisodeLine"}),
        {**_RULE, "required": True},
        _RULE_SERVICE,
        _COUNTED,
    ),
)
