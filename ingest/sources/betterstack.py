"""Better Stack (Uptime): outgoing webhooks about incidents, by the usual template or one's own, and incident logs."""

import re
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, pointer_of
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, host_of, service_of, text_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.templates import Template
from ingest.reading.urls import host_of_url
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

_VARIABLE: Final = re.compile(r"\$[A-Z][A-Z0-9_]*")
# its own words first, then what people write into bodies of their own
_WORDS: Final = {
    AlertStatus.FIRING: "started reopened unacknowledged new open triggered firing down",
    AlertStatus.ACKNOWLEDGED: "acknowledged",
    AlertStatus.RESOLVED: "resolved closed recovered up",
}
_STATUSES: Final = {word: status for status, words in _WORDS.items() for word in words.split()}
# checked again from other places before it begins; checked for a while before it ends
_NEITHER: Final = ("unconfirmed", "validating")
_STATE: Final = ("status", "state", "event", "eventtype")
_ID: Final = ("incidentid", "id", "alertid", "xs4externalid")
_NAME: Final = ("name", "title", "incidentname", "monitorname", "summary")
_CAUSE: Final = ("cause", "description", "message", "reason")
_URL: Final = ("url", "monitorurl", "incidenturl")
_OF_LOGS: Final = re.compile(r"[a-z_]+\.[a-z_]+")  # monitor.checked and the like
# what an incident belongs to; each kind counts its own ids
_OWNERS: Final = ("monitor", "heartbeat")


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict):
        raise Unreadable("not a notification of Better Stack: an object is expected")
    data = document.get("data")
    kind = data.get("type") if isinstance(data, dict) else None
    if kind not in (None, "incident"):
        return Adapted(ignored=f"about a {str(kind)[:60]}, not about an incident")
    said, warnings = _flat(document), list[str]()
    if not said.values.keys() & {*_ID, *_NAME} and said.unexpanded:
        return Adapted(events=(TestEvent(title="a body whose variables were not expanded"),))
    try:
        word = _word(said, _incident(document)[1])
        if word not in _STATUSES:
            return Adapted(ignored=f"the incident's state is {word[:60]}: neither firing nor resolved")
        mild, labels = Lenient(said, warnings), _metadata(document)
        event = _event(_STATUSES[word], mild, labels, _owner(data, mild))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),), warnings=tuple(warnings))
    return Adapted(events=(event,), warnings=tuple(warnings))


def _incident(document: dict[str, object]) -> tuple[dict[str, object], str]:
    """The fields of the incident, and where they stand."""
    data = document.get("data")
    attributes = data.get("attributes") if isinstance(data, dict) else None
    return (attributes, "/data/attributes") if isinstance(attributes, dict) else (document, "")


def _flat(document: dict[str, object]) -> Template:
    """The fields of the incident on one level with what is told beside them."""
    incident, within = _incident(document)
    data = document.get("data")
    beside = {"incident_id": data.get("id"), "event": document.get("event")} if isinstance(data, dict) else {}
    return Template.read(_without_metadata(incident) | (beside if within else {}), _VARIABLE)


def _without_metadata(document: dict[str, object]) -> dict[str, object]:
    """People name what they add as they like, `status` too."""
    return {name: value for name, value in document.items() if name != "metadata"}


def _word(said: Template, within: str) -> str:
    """The state in a word: as stated, else as the event is called, else by which times there are."""
    name = said.name_of(_STATE) or "status"
    told = said.text(name)
    if told is None:
        by_times = (("resolvedat", "resolved"), ("acknowledgedat", "acknowledged"))
        return next((word for name, word in by_times if said.name_of((name,))), "started")
    word = told.lower().removeprefix("incident.").removeprefix("incident_")
    if word in _STATUSES or word in _NEITHER or _OF_LOGS.fullmatch(word):
        return word
    pointer = said.at(name) if name == "event" else within + said.at(name)
    raise BadField(pointer, f"unknown word {word[:60]!r}; one of: {', '.join((*_STATUSES, *_NEITHER))}")


def _owner(data: object, said: Lenient) -> str | None:
    """The monitor or heartbeat that the incident belongs to."""
    related = data.get("relationships") if isinstance(data, dict) else None
    for kind in _OWNERS:
        link = related.get(kind) if isinstance(related, dict) else None
        inner = link.get("data") if isinstance(link, dict) else None
        owner = text_of(inner.get("id")) if isinstance(inner, dict) else said.text(f"{kind}id")
        if owner:
            return f"{kind}/{owner}"
    return None


def _event(status: AlertStatus, said: Lenient, labels: dict[str, str], owner: str | None) -> AlertEvent:
    key, title, url = said.text(*_ID), said.text(*_NAME), said.text(*_URL)
    identity = owner or url or title or key
    if identity is None:
        raise BadField(pointer_of("incident_id"), "missing, and so is all that could stand in for it")
    severity = labels.get("severity") or said.text("severity")
    # logs have one time only: that of what they tell
    logged = said.time("dt")
    acknowledged, resolved = status is AlertStatus.ACKNOWLEDGED, status is AlertStatus.RESOLVED
    actor = said.text("acknowledgedby") if acknowledged else said.text("resolvedby") if resolved else None
    return AlertEvent(
        status=status,
        identity=identity,
        dedup_key=key or identity,
        title=title or f"incident {key or identity}",
        severity=severity_of(severity),
        severity_raw=severity or said.text("status", "event"),
        starts_at=said.time("startedat") or (logged if status is AlertStatus.FIRING else None),
        ends_at=(said.time("resolvedat") or logged) if resolved else None,
        changed_at=(said.time("acknowledgedat") or logged) if acknowledged else None,
        description=said.text(*_CAUSE),
        service=service_of(labels),
        host=host_of_url(url) or host_of(labels),
        environment=environment_of(labels),
        labels=labels,
        source_url=url if host_of_url(url) else None,
        actor=actor,
        note=f"Acknowledged by {actor}" if acknowledged and actor else None,
    )


def _metadata(document: dict[str, object]) -> dict[str, str]:
    """What people add to incidents: a text, or a list of values with their kinds, for each name."""
    incident, _ = _incident(document)
    given = incident.get("metadata")
    labels: dict[str, str] = {}
    for name, value in given.items() if isinstance(given, dict) else ():
        each = value if isinstance(value, list) else [value]
        texts = [text_of(one.get("value") if isinstance(one, dict) else one) for one in each]
        labels[text_of(name)] = ", ".join(text for text in texts if text)
    return {name: text for name, text in labels.items() if text}


def _detect(request: Request) -> bool:
    document = request.sniffed
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict) or data.get("type") != "incident":
        return False
    attributes = data.get("attributes")
    return isinstance(attributes, dict) and not attributes.keys().isdisjoint(("started_at", "cause"))


ADAPTER = Adapter(
    name="betterstack",
    version=1,
    about=About(
        title="Better Stack",
        paste="Integrations > Exporting data > Outgoing webhooks > Incident: URL {url}, on started, acknowledged and "
        "resolved, with the default body.",
        reads="The incident's id, name, cause, address, metadata (service, environment, severity), its monitor or "
        "heartbeat; started_at, acknowledged_at and by whom, resolved_at; bodies of one's own under any usual "
        "spelling ($INCIDENT_ID, $NAME, $CAUSE, $URL, $STARTED_AT, …); incident logs.",
        cannot_know="A severity, unless metadata states one; how long a monitor had failed before it was confirmed. "
        "Unconfirmed and Validating incidents are ignored, and so is news of monitors and on-call changes.",
    ),
    detect=_detect,
    adapt=_adapt,
)
