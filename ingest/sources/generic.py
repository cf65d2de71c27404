"""Alertline's own JSON for alerts: one object, a list, or `{"alerts": […]}`; unknown shapes by best effort."""

from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields, items_of
from ingest.reading.keys import made_key
from ingest.reading.labels import environment_of, host_of, service_of
from ingest.reading.severities import severity_of
from ingest.reading.statuses import status_of
from ingest.reading.unknown_shape import guess
from schemas.events import AlertEvent, Rejected
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

_TITLE: Final = ("title", "summary", "message", "name")
_KEY: Final = ("dedup_key", "dedupKey", "id", "key", "alert_uid", "alertUid", "fingerprint")
_STATUS: Final = ("status", "state")
_MARKS: Final = frozenset((*_STATUS, *_KEY, "severity", "starts_at", "startsAt", "ends_at", "endsAt"))


def _adapt(request: Request) -> Adapted:
    items = items_of(request.document)
    events: list[AlertEvent] = []
    rejected: list[Rejected] = []
    for item, (pointer, value) in enumerate(items):
        try:
            events.append(_read(item, Fields.of(value, pointer)))
        except BadField as error:
            if len(items) == 1 and (guessed := _guessed(value)) is not None:
                events.append(guessed)
            else:
                rejected.append(error.rejected(item))
    ignored = None if items else "an empty list"
    return Adapted(events=tuple(events), rejected=tuple(rejected), ignored=ignored)


def _guessed(value: object) -> AlertEvent | None:
    """Read one object that is not in our format by best effort: here a mapping by configuration will come first."""
    if not isinstance(value, dict) or any(name in value for name in _TITLE):
        return None  # meant as our format: its author is told what is wrong with it
    fields = guess(value)
    try:
        return _read(0, fields, guessed=True) if fields is not None else None
    except BadField:
        return None


def _read(item: int, fields: Fields, *, guessed: bool = False) -> AlertEvent:
    status = _status(fields)
    labels = fields.labels("labels")
    service = fields.text("service", "app") or service_of(labels)
    host = fields.text("host", "hostname", "instance") or host_of(labels)
    key = fields.text(*_KEY)
    title_name = fields.name_of(_TITLE)
    title = fields.text(*_TITLE) or key
    if not title:
        raise BadField(fields.at("title"), f"missing; one of: {', '.join(_TITLE)}")
    key = key or made_key(title, service, host)
    severity = fields.text("severity", "priority", "level") or labels.get("severity")
    starts_at = fields.time("starts_at", "startsAt", "started_at", "startedAt")
    ends_at = fields.time("ends_at", "endsAt", "ended_at", "endedAt")
    if starts_at and ends_at and ends_at < starts_at:
        raise BadField(
            fields.at(fields.name_of(("ends_at", "endsAt", "ended_at", "endedAt")) or ""), "before the start"
        )
    return AlertEvent(
        item=item,
        status=status,
        identity=fields.text("identity") or key,
        dedup_key=key,
        title=title,
        severity=severity_of(severity),
        severity_raw=severity,
        starts_at=starts_at,
        ends_at=ends_at if status is AlertStatus.RESOLVED else None,
        changed_at=fields.time("changed_at", "changedAt"),
        pending_for=fields.seconds("pending_for", "pendingFor"),
        description=fields.text("description", "details", *(("message",) if title_name != "message" else ())),
        service=service,
        host=host,
        environment=fields.text("environment", "env", "stage") or environment_of(labels),
        labels=labels,
        source_url=fields.text("url", "source_url", "sourceUrl", "link_to_upstream_details", "link"),
        runbook=fields.text("runbook", "runbook_url", "runbookUrl"),
        value=fields.number("value"),
        guessed=guessed,
    )


def _status(fields: Fields) -> AlertStatus:
    """Read the status; where there is none, the alert fires: why else would somebody send it."""
    name = fields.name_of(_STATUS)
    if name is None:
        return AlertStatus.FIRING
    text = fields.text(name) or ""
    status = status_of(text)
    if status is None:
        raise BadField(fields.at(name), f"unknown word {text[:60]!r}; one of: {', '.join(AlertStatus)}")
    return status


def _detect(request: Request) -> bool:
    items = items_of(request.sniffed)
    first = items[0][1] if items else None
    return isinstance(first, dict) and any(name in first for name in _TITLE) and not _MARKS.isdisjoint(first)


ADAPTER = Adapter(
    name="generic",
    version=1,
    about=About(
        title="Generic JSON",
        paste='curl -H "Content-Type: application/json" {url} '
        '-d \'{"status": "firing", "title": "…", "service": "…"}\'',
        reads="status (firing, resolved, acknowledged and common synonyms), title, dedup_key, identity, severity, "
        "starts_at, ends_at, changed_at, pending_for, service, host, environment, labels, description, url, runbook, "
        "value.",
        cannot_know="Whatever is left out: without starts_at the time of receipt stands in; without dedup_key a hash "
        "of title, service and host tells alerts apart, so none of them may change between firing and resolved.",
    ),
    detect=_detect,
    adapt=_adapt,
    rank=100,
    own=True,
    secrets=("token", "api_key", "password"),
)
