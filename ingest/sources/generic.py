"""Alertline's own JSON for alerts: one object, a list, or `{"alerts": […]}`; unknown shapes by best effort.

What has only our names is meant as our format, and its author is told what is wrong with it. All else is guessed.
"""

import re
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields, items_of
from ingest.reading.forms import document_form_or_query
from ingest.reading.guessed_status import headline_status
from ingest.reading.json_body import Unreadable, printable
from ingest.reading.keys import made_key
from ingest.reading.labels import environment_of, host_of, service_of
from ingest.reading.leaves import Leaf
from ingest.reading.severities import severity_of
from ingest.reading.statuses import status_of
from ingest.reading.unknown_shape import MOST_ITEMS, Guess, Neither, guess, parts_of
from schemas.events import AlertEvent, Event, Rejected
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

_TITLE: Final = ("title", "summary", "message", "name")
_KEY: Final = ("dedup_key", "dedupKey", "id", "key", "alert_uid", "alertUid", "fingerprint")
_STATUS: Final = ("status", "state")
_SEVERITY: Final = ("severity", "priority", "level")
_START: Final = ("starts_at", "startsAt", "started_at", "startedAt")
_END: Final = ("ends_at", "endsAt", "ended_at", "endedAt")
_CHANGE: Final = ("changed_at", "changedAt")
_PENDING: Final = ("pending_for", "pendingFor")
_SERVICE: Final = ("service", "app")
_HOST: Final = ("host", "hostname", "instance")
_ENVIRONMENT: Final = ("environment", "env", "stage")
_URL: Final = ("url", "source_url", "sourceUrl", "link_to_upstream_details", "link")
_RUNBOOK: Final = ("runbook", "runbook_url", "runbookUrl")
_MARKS: Final = frozenset((*_STATUS, *_KEY, "severity", *_START[:2], *_END[:2]))
# an object with no other names is meant as our format
_GROUPS: Final = (_TITLE, _KEY, _STATUS, _SEVERITY, _START, _END, _CHANGE, _PENDING, _SERVICE, _HOST, _ENVIRONMENT)
_OWN: Final = frozenset(name for names in (*_GROUPS, _URL, _RUNBOOK) for name in names).union(
    ("identity", "description", "details", "labels", "value")
)
_TOLD: Final = frozenset(
    ("title", "status", "identity", "dedup_key", "severity", "starts_at", "ends_at", "changed_at", "service", "host")
)
_MOST_REJECTED: Final = 5000
_LONGEST_HEADLINE: Final = 200
_MEANT: Final = re.compile(r"[{<\"']|\[(?![A-Za-z][\w -]*\])")  # as JSON, XML or the like


def _adapt(request: Request) -> Adapted:
    document = _document(request)
    if isinstance(document, str):
        return _text(document)
    around: list[Leaf] = []
    items = items_of(document)
    if isinstance(document, dict) and not _OWN.issuperset(document) and document.keys() != {"alerts"}:
        items, around = parts_of(document)
    reading = _Reading(around)
    for item, (pointer, value) in enumerate(items):
        reading.take(item, pointer, value)
        if len(reading.rejected) > _MOST_REJECTED:
            raise Unreadable(f"more than {_MOST_REJECTED} items could not be read")
    return reading.adapted("an empty list" if not items else None)


def _document(request: Request) -> object:
    """The body as JSON; a form or a query string as its fields; else what it says as a plain text.

    Raises:
        Unreadable: it seems to be meant as JSON or XML, or is no text.
    """
    try:
        return document_form_or_query(request)
    except Unreadable as error:
        try:
            text = request.body.decode().strip()
        except UnicodeDecodeError:
            raise error from None
        if not text or _MEANT.match(text) or headline_status(text.splitlines()[0]) is None:
            raise
        return text


class _Reading:
    """The items of one body as they are read."""

    def __init__(self, around: list[Leaf]) -> None:
        self.around = around
        self.events: list[Event] = []
        self.paths: list[dict[str, str]] = []
        self.rejected: list[Rejected] = []
        self.warnings: list[str] = []
        self.neither: list[Neither] = []
        self.guesses = 0

    def take(self, item: int, pointer: str, value: object) -> None:
        """Read one item: in our format if it can be meant so, else by guessing."""
        if isinstance(value, dict) and not _OWN.issuperset(value):
            if self.guesses >= MOST_ITEMS:
                self.rejected.append(Rejected(item, pointer, f"more than {MOST_ITEMS} items in an unknown shape"))
                return
            self.guesses += 1
            found = guess(value, pointer, self.around, item)
            if found is not None:
                self._guessed(found, value, pointer, item)
                return
            if not any(value.get(name) for name in _TITLE):
                self.rejected.append(Rejected(item, f"{pointer}/title", "missing, and nothing else tells of an alert"))
                return
        try:
            fields = Fields.of(value, pointer)
            self.events.append(_read(item, fields))
            self.paths.append({})
        except BadField as error:
            self.rejected.append(error.rejected(item))

    def _guessed(self, found: Guess | Neither, value: dict[str, object], pointer: str, item: int) -> None:
        if isinstance(found, Neither):
            self.neither.append(found)
            self.rejected.append(Rejected(item, found.pointer, f"{found.word[:60]!r} is neither firing nor resolved"))
            return
        ours = _in_our_names(found, value, pointer)
        if ours is not None:
            self.events.append(ours)
            self.paths.append({})
            return
        self.events.append(found.event)
        self.paths.append(found.paths)
        self.warnings.extend(found.warnings[: max(0, 20 - len(self.warnings))])

    def adapted(self, ignored: str | None) -> Adapted:
        """What it all comes to; where nothing but pauses and the like was told, nothing concerns us."""
        if self.neither and len(self.neither) == len(self.rejected) and not self.events:
            first = self.neither[0]
            return Adapted(ignored=f"{first.pointer}: {first.word[:60]!r} is neither firing nor resolved")
        return Adapted(
            events=tuple(self.events),
            rejected=tuple(self.rejected),
            warnings=tuple(self.warnings),
            ignored=ignored,
            paths=tuple(self.paths),
        )


def _in_our_names(found: Guess, value: dict[str, object], pointer: str) -> AlertEvent | None:
    """The event as our format has it, where all that was found stands under our names, beside other things."""
    stated = {path for part, path in found.paths.items() if part in _TOLD and path.startswith("/")}
    if not isinstance(found.event, AlertEvent) or any(path.removeprefix(f"{pointer}/") not in _OWN for path in stated):
        return None
    try:
        event = _read(found.event.item, Fields(value, pointer))
    except BadField:
        return None
    computed = not found.paths["identity"].startswith("/")
    return event if computed or event.identity == found.event.identity else None


def _text(text: str) -> Adapted:
    """A plain text whose first line says that something is down, or well again."""
    title = printable(text.strip().splitlines()[0].strip()) if text.strip() else ""
    status = headline_status(title)
    if status is None or len(title) > _LONGEST_HEADLINE:
        raise Unreadable("a text, and its first line does not say what it is about")
    found = guess({"title": title, "description": printable(text)})
    if not isinstance(found, Guess):
        raise Unreadable("a text, and its first line does not say what it is about")
    paths = dict.fromkeys(found.paths, "the text")
    return Adapted(events=(found.event,), paths=(paths,))


def _read(item: int, fields: Fields) -> AlertEvent:
    status = _status(fields)
    labels = fields.labels("labels")
    service = fields.text(*_SERVICE) or service_of(labels)
    host = fields.text(*_HOST) or host_of(labels)
    key = fields.text(*_KEY)
    title_name = fields.name_of(_TITLE)
    title = fields.text(*_TITLE) or key
    if not title:
        raise BadField(fields.at("title"), f"missing; one of: {', '.join(_TITLE)}")
    key = key or made_key(title, service, host)
    severity = fields.text(*_SEVERITY) or labels.get("severity")
    starts_at, ends_at = fields.time(*_START), fields.time(*_END)
    if starts_at and ends_at and ends_at < starts_at:
        raise BadField(fields.at(fields.name_of(_END) or ""), "before the start")
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
        changed_at=fields.time(*_CHANGE),
        pending_for=fields.seconds(*_PENDING),
        description=fields.text("description", "details", *(("message",) if title_name != "message" else ())),
        service=service,
        host=host,
        environment=fields.text(*_ENVIRONMENT) or environment_of(labels),
        labels=labels,
        source_url=fields.text(*_URL),
        runbook=fields.text(*_RUNBOOK),
        value=fields.number("value"),
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
    version=2,
    about=About(
        title="Generic JSON",
        paste='curl -H "Content-Type: application/json" {url} '
        '-d \'{"status": "firing", "title": "…", "service": "…"}\'',
        reads="status (firing, resolved, acknowledged and common synonyms), title, dedup_key, identity, severity, "
        "starts_at, ends_at, changed_at, pending_for, service, host, environment, labels, description, url, runbook, "
        "value. Of other shapes (JSON, forms, query strings, a line of text) what a mapping says, else the best guess.",
        cannot_know="Whatever is left out: without starts_at the time of receipt stands in; without dedup_key a hash "
        "of title, service and host tells alerts apart, so none of them may change between firing and resolved.",
    ),
    detect=_detect,
    adapt=_adapt,
    rank=100,
    own=True,
    secrets=("token", "api_key", "password"),
)
