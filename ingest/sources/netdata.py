"""Netdata Cloud: the webhook integration. Alerts of charts, and nodes that cannot be reached."""

from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.batches import Told, read_each
from ingest.reading.fields import BadField, Fields, items_of
from ingest.reading.forms import first_object
from ingest.reading.json_body import Unreadable
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus, Severity

__all__ = ["ADAPTER"]

_SEVERITIES: Final = {
    "critical": AlertStatus.FIRING,
    "warning": AlertStatus.FIRING,
    "clear": AlertStatus.RESOLVED,
}
# states of a check that are no verdict
_NO_VERDICT: Final = frozenset(("undefined", "uninitialized", "removed", "error"))
_REACHABILITY: Final = {
    "true": AlertStatus.RESOLVED,
    "reachable": AlertStatus.RESOLVED,
    "live": AlertStatus.RESOLVED,
    "up": AlertStatus.RESOLVED,
    "false": AlertStatus.FIRING,
    "unreachable": AlertStatus.FIRING,
    "offline": AlertStatus.FIRING,
    "down": AlertStatus.FIRING,
}
_HOST: Final = ("host", "hostname", "node", "node_name")
_LABELS: Final = ("space", "chart", "context", "family", "class", "type", "component")


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict | list):
        raise Unreadable("not a notification of Netdata: an object is expected")
    return read_each(items_of(document), _told)


def _told(fields: Fields, warnings: list[str]) -> Told:
    mild = Lenient(fields, warnings)
    if mild.text("alert", "alarm"):
        return _alert(fields, mild)
    if fields.values.get("status") is not None:
        return _reachability(fields, mild)
    token = mild.text("token")
    if token:
        # whoever sets the integration up has to type it back
        return TestEvent(title=f"Netdata's test; the token to type back: {token}")
    raise BadField(fields.at("alert"), "missing; an alert, or the status of a node, is expected")


def _alert(fields: Fields, mild: Lenient) -> Told:
    name, severity = mild.text("alert", "alarm") or "", fields.needed("severity")
    status = _SEVERITIES.get(severity.lower())
    if status is None:
        if severity.lower() in _NO_VERDICT:
            return f"{severity}: neither raised nor clear"
        allowed = ", ".join(_SEVERITIES)
        raise BadField(fields.at("severity"), f"unknown word {severity[:60]!r}; one of: {allowed}")
    host, moment = mild.text(*_HOST), mild.time("date")
    # the documented body does not name the node, and the address of an alert may be another when it clears
    parts = (mild.text("space"), name, mild.text("chart") or mild.text("context"), host)
    key = "/".join(part for part in parts if part)
    resolved = status is AlertStatus.RESOLVED
    return AlertEvent(
        status=status,
        identity=key,
        dedup_key=key,
        title=mild.text("message") or f"{name} is {severity}",
        severity=severity_of(severity),
        severity_raw=severity,
        starts_at=None if resolved else moment,
        ends_at=moment if resolved else None,
        description=mild.text("info"),
        service=mild.text("service"),
        host=host,
        environment=mild.text("environment"),
        labels=_labels(fields, mild),
        source_url=mild.text("alert_url", "alarm_url", "url"),
        value=fields.number("value"),
    )


def _reachability(fields: Fields, mild: Lenient) -> Told:
    host = mild.text(*_HOST)
    if host is None:
        raise BadField(fields.at("host"), "missing")
    inside = fields.values["status"]
    said = mild.inner("status") if isinstance(inside, dict) else mild
    word = said.text("reachable", "text") if isinstance(inside, dict) else mild.text("status")
    status = _REACHABILITY.get((word or "").lower())
    if status is None:
        raise BadField(fields.at("status"), f"unknown word {(word or '')[:60]!r}; reachable or unreachable")
    severity, moment = mild.text("severity"), mild.time("date")
    resolved = status is AlertStatus.RESOLVED
    return AlertEvent(
        status=status,
        identity=f"{host}/reachability",
        dedup_key=f"{host}/reachability",
        title=mild.text("message") or f"{host} is {'reachable' if resolved else 'unreachable'}",
        # info says no more than that it is over
        severity=Severity.UNKNOWN if resolved else severity_of(severity),
        severity_raw=severity,
        starts_at=None if resolved else moment,
        ends_at=moment if resolved else None,
        host=host,
        labels=_labels(fields, mild),
        source_url=mild.text("url"),
    )


def _labels(fields: Fields, mild: Lenient) -> dict[str, str]:
    labels = {name: value for name in _LABELS if (value := mild.text(name))}
    rooms = fields.values.get("rooms") or fields.values.get("Rooms")
    names = [room for each in (rooms if isinstance(rooms, list) else [rooms]) for room in _rooms(each)]
    return labels | {"rooms": ", ".join(names)} if names else labels


def _rooms(room: object) -> list[str]:
    """The names in one object of rooms: name and address, or each name with its address."""
    if isinstance(room, str):
        return [room]
    if not isinstance(room, dict):
        return []
    name = room.get("name")
    return [name] if isinstance(name, str) else list(room)


def _detect(request: Request) -> bool:
    first = first_object(request)
    if first is None:
        return False
    if {"severity", "chart", "space"} <= first.keys() and not first.keys().isdisjoint(("alert", "alarm")):
        return True
    status = first.get("status")
    if isinstance(status, dict) and "reachable" in status and "host" in first:
        return True
    test = "token" in first and "message" in first and len(first) <= 4
    return test and "netdata" in f"{first.get('message')} {first.get('title')}".lower()


ADAPTER = Adapter(
    name="netdata",
    version=1,
    about=About(
        title="Netdata Cloud",
        paste="Space settings > Alerts & Notifications > Add configuration > Webhook, URL {url}. Test; then type back "
        "the token, which is in the title of the test's delivery here.",
        reads="Alert, chart, space, severity (warning, critical, clear), date, message, info, rooms; nodes that became "
        "unreachable or reachable.",
        cannot_know="The node of an alert: Netdata names it in the message alone, so the same alert of two nodes of "
        "one space is one alert here. When a node became unreachable: the time of receipt stands in.",
    ),
    detect=_detect,
    adapt=_adapt,
)
