"""What clients of other tools ask, answered from the store: Alertmanager's API (amtool, Grafana), Opsgenie's requests.

Alertmanager's alerts are those of open incidents that fire now, of whichever source. There are no silences here, and
one receiver; both are said in the shapes that those clients expect.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Final

import msgspec
from aiohttp import web

from alertline import __version__
from alertline.clock import monotonic, now
from alertline.store.port import Filter
from alertline.web.access import Permission
from alertline.web.problems import Problem
from alertline.web.routes import Route
from review.answers import json_answer
from review.matchers import BadMatcher, Matcher, matches, read_matcher
from review.queries import MAX_LIMIT
from review.reading import Reader
from schemas.events import AlertEvent
from schemas.incident import Alert, Incident
from schemas.records import Delivery
from schemas.vocabulary import AlertStatus, IncidentStatus, Outcome, Severity

__all__ = ["compatible_routes"]

_RECEIVER: Final = {"name": "alertline"}
_ZERO: Final = "0001-01-01T00:00:00.000Z"  # as Alertmanager's webhooks write the end of what fires
_MOST_PAGES: Final = 5
_OPSGENIE: Final = "opsgenie"
_PATIENCE_S: Final = 2.0
_LOOK_S: Final = 0.05
_CONFIG: Final = "# Alertline takes alerts as Alertmanager does; it is configured in its own way.\n" + (
    "route:\n  receiver: alertline\nreceivers:\n- name: alertline\n"
)
_NO_SILENCES: Final = "Alertline keeps no silences: name the time in a [[maintenance]] window of its configuration"
_ACTIONS: Final = {
    AlertStatus.FIRING: ("Create", "Created alert"),
    AlertStatus.RESOLVED: ("Close", "Closed alert"),
    AlertStatus.ACKNOWLEDGED: ("Acknowledge", "Acknowledged alert"),
}
_Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


def compatible_routes(reader: Reader) -> list[Route]:
    """The routes that other tools' clients ask."""
    handlers: dict[str, _Handle] = {
        "/api/v2/status": _status(now()),
        "/api/v2/alerts": _alerts(reader),
        "/api/v2/alerts/groups": _groups(reader),
        "/api/v2/silences": _constant([]),
        "/api/v2/receivers": _constant([_RECEIVER]),
    }
    routes = [Route("GET", path, Permission.READ, each, said=_in_a_word) for path, each in handlers.items()]
    return [
        *routes,
        Route("POST", "/api/v2/silences", Permission.WRITE, _no_silence, said=_in_a_word),
        # a sender asks what became of its own request: it need not be let in to read anything else
        Route("GET", "/v2/alerts/requests/{id}", Permission.INGEST, _request(reader), said=_message),
    ]


def _in_a_word(problem: Problem) -> web.Response:
    """A refusal as Alertmanager puts it: a JSON text."""
    return json_answer(str(problem), status=problem.status, headers=problem.headers)


def _message(problem: Problem) -> web.Response:
    told = {"message": str(problem), "took": 0.0, "requestId": ""}
    return json_answer(told, status=problem.status, headers=problem.headers)


def _constant(document: object) -> _Handle:
    async def handle(_request: web.Request) -> web.Response:
        return json_answer(document)

    return handle


async def _no_silence(_request: web.Request) -> web.Response:
    raise Problem(400, "No silences", _NO_SILENCES)


def _status(started: datetime) -> _Handle:
    return _constant(
        {
            "cluster": {"status": "disabled", "peers": []},
            "config": {"original": _CONFIG},
            "uptime": _time(started),
            "versionInfo": {
                **dict.fromkeys(("branch", "buildDate", "buildUser", "goVersion", "revision"), ""),
                "version": f"alertline {__version__}",
            },
        }
    )


def _alerts(reader: Reader) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        matchers = _matchers(request)
        found = [alert async for _, alert in _firing(reader, request) if matches(matchers, _labels(alert["labels"]))]
        return json_answer(sorted(found, key=lambda each: str(each["fingerprint"])))

    return handle


def _groups(reader: Reader) -> _Handle:
    """One group for each incident: that is what belongs together here."""

    async def handle(request: web.Request) -> web.Response:
        matchers = _matchers(request)
        groups: dict[str, list[dict[str, object]]] = {}
        async for incident, alert in _firing(reader, request):
            if matches(matchers, _labels(alert["labels"])):
                groups.setdefault(incident, []).append(alert)
        return json_answer(
            [{"labels": {"incident": one}, "receiver": _RECEIVER, "alerts": each} for one, each in groups.items()]
        )

    return handle


def _labels(value: object) -> dict[str, str]:
    return value if isinstance(value, dict) else {}


def _matchers(request: web.Request) -> list[Matcher]:
    try:
        return [read_matcher(each) for each in request.query.getall("filter", [])]
    except BadMatcher as error:
        raise Problem(400, "Bad matcher", str(error)) from error


async def _firing(reader: Reader, request: web.Request) -> AsyncIterator[tuple[str, dict[str, object]]]:
    """The alerts that fire, each with its incident's id; none for who asks for silenced or inhibited ones only."""
    if request.query.get("active", "true").lower() == "false":
        return
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await reader.page(Filter(status=IncidentStatus.OPEN), cursor, MAX_LIMIT)
        for incident in await reader.incidents([each.id for each in page.incidents]):
            for alert in incident.alerts:
                if alert.episodes and alert.episodes[-1].ended_at is None:
                    yield incident.id, _alert(incident, alert)
        if (cursor := page.next_cursor) is None:
            return


def _alert(incident: Incident, alert: Alert) -> dict[str, object]:
    """One alert as Alertmanager shows it; what its labels lack is added from what we know."""
    severity = None if alert.severity is Severity.UNKNOWN else alert.severity
    known = {"alertname": alert.title, "service": alert.service, "instance": alert.host, "severity": severity}
    labels = {name: str(value) for name, value in known.items() if value} | alert.labels
    return {
        "labels": labels,
        "annotations": {"summary": alert.title, "incident": incident.id},
        "startsAt": _time(alert.episodes[-1].started_at),
        "endsAt": _ZERO,
        "updatedAt": _time(incident.updated_at),
        "fingerprint": alert.dedup_key,
        "receivers": [_RECEIVER],
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    }


def _time(moment: datetime) -> str:
    return str(msgspec.to_builtins(moment))


def _request(reader: Reader) -> _Handle:
    """What became of a request of Opsgenie's Alert API; its alert goes by the id that names it here."""

    async def handle(request: web.Request) -> web.Response:
        identifier = request.match_info["id"]
        kept = await _applied(reader, identifier)
        if kept is None:
            told = {"message": "Request not found. It might not be processed, yet."}
            return json_answer({**told, "took": 0.0, "requestId": identifier}, status=404)
        return json_answer({"data": _became(kept), "took": 0.0, "requestId": identifier})

    return handle


async def _applied(reader: Reader, identifier: str) -> Delivery | None:
    """The request, waited for: its sender asks the moment after, and takes 404 for the end of it."""
    end = monotonic() + _PATIENCE_S
    while True:
        rows = [row for row in await reader.delivery(identifier) if row.source == _OPSGENIE]
        if rows or monotonic() > end:
            return await reader.kept(rows[0]) if rows else None
        await asyncio.sleep(_LOOK_S)


def _became(delivery: Delivery) -> dict[str, object]:
    event = next((each for each in delivery.events if isinstance(each, AlertEvent)), None)
    done = delivery.outcome in (Outcome.ACCEPTED, Outcome.IGNORED)
    action, status = _ACTIONS[event.status] if event is not None else ("Update", "Updated alert")
    if event is not None and event.action is not None:
        action, status = "Update", f"Alert {event.action}"
    return {
        "success": done,
        "isSuccess": done,
        "action": action,
        "status": status if done else delivery.reason,
        "processedAt": _time(delivery.received_at),
        "integrationId": delivery.integration,
        "alertId": event.dedup_key if event is not None else "",
        "alias": event.dedup_key if event is not None else "",
    }
