"""PagerDuty: the Events API, version 2, as monitoring tools post into it: alerts and changes; version 1 too."""

import re
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable
from ingest.reading.keys import made_key
from ingest.reading.labels import environment_of, first_of, host_of, service_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from schemas.events import AlertEvent, Change, TestEvent
from schemas.vocabulary import AlertStatus, ChangeKind

__all__ = ["ADAPTER"]

_ACTIONS: Final = {
    "trigger": AlertStatus.FIRING,
    "acknowledge": AlertStatus.ACKNOWLEDGED,
    "resolve": AlertStatus.RESOLVED,
}
_KUMAS_TEST: Final = "Uptime Kuma/undefined"
_CHANGE_PATH: Final = "/change/"
# what a payload says beside its details, under our names of labels
_PARTS: Final = ("component", "group", "class")
_RUNBOOK: Final = ("runbook_url", "runbook")
_ROLLED_BACK: Final = re.compile(r"\b(?:roll(?:ed|ing)?[ -]?back|revert(?:s|ed|ing)?)\b", re.IGNORECASE)
_FLAG: Final = re.compile(r"\b(?:feature|flag)[ -](?:flag|toggle)s?\b", re.IGNORECASE)


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict):
        raise Unreadable("not an event of PagerDuty: an object is expected")
    fields, warnings = Fields(document), list[str]()
    try:
        if _is_change(document, request.path):
            return Adapted(events=(_change(fields, warnings),), warnings=tuple(warnings))
        event = _old_event(fields, warnings) if "event_action" not in document else _event(fields, warnings)
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),), warnings=tuple(warnings))
    return Adapted(events=(event,), warnings=tuple(warnings))


def _is_change(document: dict[str, object], path: str | None) -> bool:
    if "event_action" in document or "event_type" in document:
        return False
    return _CHANGE_PATH in (path or "") or isinstance(document.get("payload"), dict)


def _status(fields: Fields, name: str) -> AlertStatus:
    word = fields.needed(name).lower()
    status = _ACTIONS.get(word)
    if status is None:
        raise BadField(fields.at(name), f"unknown word {word[:60]!r}; one of: {', '.join(_ACTIONS)}")
    return status


def _event(fields: Fields, warnings: list[str]) -> AlertEvent | TestEvent:
    """One event of version 2. Only a trigger needs a payload; senders leave it out of everything else."""
    status, said = _status(fields, "event_action"), Lenient(fields, warnings)
    payload = said.inner("payload")
    details, description = _details(fields.values.get("payload"), "custom_details")
    title, source, key = payload.text("summary"), payload.text("source"), said.text("dedup_key")
    if key == _KUMAS_TEST:
        return TestEvent(title=title or key)
    parts = {name: text for name in _PARTS if (text := payload.text(name))}
    labels = parts | details
    severity, moment = payload.text("severity"), payload.time("timestamp")
    told = key or _key_without(fields, "dedup_key", status, title, source, *parts.values())
    return AlertEvent(
        status=status,
        # pagers know their incidents by it, without the routing key
        identity=told,
        dedup_key=_scoped(said.text("routing_key"), told),
        title=title or told,
        severity=severity_of(severity),
        severity_raw=severity,
        starts_at=moment if status is AlertStatus.FIRING else None,
        ends_at=moment if status is AlertStatus.RESOLVED else None,
        changed_at=moment if status is AlertStatus.ACKNOWLEDGED else None,
        pending_for=_window(details, warnings),
        description=description or details.get("description"),
        service=service_of(details) or parts.get("group") or parts.get("component"),
        host=source or host_of(details),
        environment=environment_of(details),
        labels=labels,
        source_url=said.text("client_url") or _link(said),
        runbook=first_of(details, _RUNBOOK),
        point=key is None,
    )


def _old_event(fields: Fields, warnings: list[str]) -> AlertEvent:
    """One event of version 1: no severity, no time, no payload."""
    status, said = _status(fields, "event_type"), Lenient(fields, warnings)
    details, description = _details(fields.values, "details")
    title, key = said.text("description"), said.text("incident_key")
    told = key or _key_without(fields, "incident_key", status, title)
    severity = details.get("severity")
    return AlertEvent(
        status=status,
        identity=told,
        dedup_key=_scoped(said.text("service_key"), told),
        title=title or told,
        severity=severity_of(severity),
        severity_raw=severity,
        pending_for=_window(details, warnings),
        description=description or details.get("description"),
        service=service_of(details),
        host=host_of(details),
        environment=environment_of(details),
        labels=details,
        source_url=said.text("client_url") or _link(said),
        runbook=first_of(details, _RUNBOOK),
        point=key is None,
    )


def _key_without(fields: Fields, name: str, status: AlertStatus, *parts: str | None) -> str:
    """A key for a trigger that has none: nothing can ever resolve it, so it is a point."""
    if status is not AlertStatus.FIRING:
        raise BadField(fields.at(name), "missing: without it nobody knows what this is about")
    if not parts or not parts[0]:
        raise BadField(fields.at("payload" if name == "dedup_key" else "description"), "missing, and so is any key")
    return made_key(*parts)


def _scoped(routing: str | None, key: str) -> str:
    return f"{routing}/{key}" if routing else key


def _details(payload: object, name: str) -> tuple[dict[str, str], str | None]:
    """The details as labels; as a text where the sender wrote no more than one."""
    given = payload.get(name) if isinstance(payload, dict) else None
    if isinstance(given, str) and not given.lstrip().startswith(("{", "[")):
        return {}, given.strip() or None
    return read_tags(given), None


def _window(details: dict[str, str], warnings: list[str]) -> float | None:
    return Lenient(Fields(dict(details), "/details"), warnings).seconds("pending_for") if details else None


def _link(said: Lenient) -> str | None:
    links = (*said.list_of("links"), *said.list_of("contexts"))
    return next((href for each in links if (href := each.text("href"))), None)


def _change(fields: Fields, warnings: list[str]) -> Change:
    said = Lenient(fields, warnings)
    inside = Fields.of(fields.values.get("payload"), fields.at("payload"))
    payload, text = Lenient(inside, warnings), inside.needed("summary")
    details, _ = _details(inside.values, "custom_details")
    source = payload.text("source")
    kind = ChangeKind.ROLLBACK if _ROLLED_BACK.search(text) else ChangeKind.DEPLOY
    return Change(
        kind=ChangeKind.FLAG if kind is ChangeKind.DEPLOY and _FLAG.search(text) else kind,
        text=text,
        at=payload.time("timestamp"),
        service=service_of(details),
        scope=environment_of(details),
        labels=({"source": source} if source else {}) | details,
        source_url=_link(said),
    )


def _detect(request: Request) -> bool:
    document = request.sniffed
    if not isinstance(document, dict):
        return False
    if "event_action" in document:
        return not document.keys().isdisjoint(("routing_key", "dedup_key", "payload"))
    if "service_key" in document:
        return "event_type" in document
    payload = document.get("payload")
    return "routing_key" in document and isinstance(payload, dict) and "summary" in payload


ADAPTER = Adapter(
    name="pagerduty_events_v2",
    version=1,
    about=About(
        title="PagerDuty Events API",
        paste="Whatever lets you set the address of PagerDuty's Events API: {url}/v2/enqueue in place of "
        "https://events.pagerduty.com/v2/enqueue. Alertmanager: pagerduty_configs: [{routing_key: …, url: "
        "'{url}/v2/enqueue'}].",
        reads="trigger, acknowledge, resolve by dedup_key: summary, source (the host), severity, timestamp, component, "
        "group (the service), class, custom_details (service, environment, pending_for), client_url, links; change "
        "events; bodies of version 1 (service_key, incident_key, description, details).",
        cannot_know="The start and the end where the sender leaves out timestamp, which most do; who acknowledged. A "
        "trigger without dedup_key counts as a moment, unless it is resolved by the key that the reply told.",
    ),
    detect=_detect,
    adapt=_adapt,
)
