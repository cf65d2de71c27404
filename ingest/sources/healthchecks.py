"""Healthchecks: the webhook, whose body (or query) is whatever template its user wrote."""

import re
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField
from ingest.reading.forms import document_or_form
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, first_of, host_of
from ingest.reading.lenient import Lenient
from ingest.reading.secrets import REDACTED
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from ingest.reading.templates import Template
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

_VARIABLE: Final = re.compile(r"\$[A-Z][A-Z0-9_]*")
_STATUSES: Final = {"down": AlertStatus.FIRING, "up": AlertStatus.RESOLVED}
# the API's other words: late but not yet down, never pinged, stopped, running
_NEITHER: Final = ("grace", "new", "paused", "started")
# what users call $CODE, $NAME and so on, spelled alike; $JSON has its own names, and stands alone or below another
_CODE: Final = ("uuid", "code", "checkuuid", "checkcode", "uniquekey", "checkuniquekey", "checkid", "id", "key")
_NAME: Final = ("name", "checkname", "check", "title", "subject")
_STATUS: Final = ("status", "checkstatus", "state", "newstatus", "event")
_NOW: Final = ("now", "time", "timestamp", "datetime", "date", "at", "when")
_DESCRIPTION: Final = ("desc", "description", "checkdesc", "body", "message", "msg", "text", "details")
_SENTENCES: Final = ("message", "msg", "text", "title", "subject", "body", "value1")
# "$NAME is $STATUS", "$NAME: $STATUS"
_WRITTEN: Final = re.compile(
    r"(?P<name>.{1,300}?)(?: is(?: now)?|:| -)? {0,3}\[?(?P<word>up|down)\]?[.!]?", re.IGNORECASE
)
_TAG_PART: Final = re.compile(r"[:=]")
_RUNBOOK: Final = ("runbook_url", "runbook")
_TEST_NAME: Final = "TEST"
_OWN: Final = frozenset(("n_pings", "last_ping", "status"))  # of $JSON


def _adapt(request: Request) -> Adapted:
    said = Template.read(_document(request), _VARIABLE)
    tags = _tags(said)
    # `check` is a name in one body and an object in the next
    texts = {name: value for name, value in said.values.items() if not isinstance(value, dict | list)}
    said, warnings = msgspec.structs.replace(said, values=texts), list[str]()
    if not texts and said.unexpanded:
        return Adapted(events=(TestEvent(title="a body whose variables were not expanded"),))
    mild = Lenient(said, warnings)
    try:
        name, word = _name_and_word(said, mild)
        if name == _TEST_NAME:
            return Adapted(events=(TestEvent(title=f"{name} is {word}"),))
        if word in _NEITHER:
            return Adapted(ignored=f"the check is {word}: neither up nor down")
        event = _event(_STATUSES[word], name, mild, tags)
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),), warnings=tuple(warnings))
    return Adapted(events=(event,), warnings=tuple(warnings))


def _document(request: Request) -> dict[str, object]:
    """The fields of the body, and of the query, where either says something."""
    query: dict[str, object] = dict(parse_qsl(request.query or "", max_num_fields=100))
    query = {name: value for name, value in query.items() if value != REDACTED}
    if not request.body.strip():
        return query
    try:
        document = document_or_form(request)
    except Unreadable:
        if query:
            return query
        raise
    if not isinstance(document, dict):
        raise Unreadable("not a notification of Healthchecks: an object or a form is expected")
    return document | {name: value for name, value in query.items() if name not in document}


def _tags(said: Template) -> dict[str, str]:
    """Tags stand between spaces; some are a name and a value."""
    given = said.values.get("tags", said.values.get("checktags"))
    if not isinstance(given, str):
        return read_tags(given)
    return read_tags([_TAG_PART.sub(":", tag, count=1) for tag in given.replace(",", " ").split()])


def _name_and_word(said: Template, mild: Lenient) -> tuple[str | None, str]:
    """The check's name and the word for its state; a sentence may be all there is."""
    name, told = mild.text(*_NAME), mild.text(*_STATUS)
    if told is not None:
        written = _WRITTEN.fullmatch(name or "")
        if written is not None and mild.text("name", "checkname") is None:
            name = written.group("name").strip()  # a title that changes with the state
        word = told.lower()
        if word not in _STATUSES and word not in _NEITHER:
            at = said.at(said.name_of(_STATUS) or "status")
            raise BadField(at, f"unknown word {word[:60]!r}; one of: {', '.join((*_STATUSES, *_NEITHER))}")
        return name, word
    for sentence in _SENTENCES:
        written = _WRITTEN.fullmatch((mild.text(sentence) or "").strip())
        if written is not None:
            return mild.text("name", "checkname") or written.group("name").strip(), written.group("word").lower()
    raise BadField(said.at("status"), "missing: $STATUS tells whether the check is up or down")


def _event(status: AlertStatus, name: str | None, said: Lenient, tags: dict[str, str]) -> AlertEvent:
    slug = said.text("slug", "checkslug")
    key = said.text(*_CODE) or slug or name
    if key is None:
        raise BadField("/code", "missing, and so is any name of the check")
    moment, severity = said.time(*_NOW), tags.get("severity")
    return AlertEvent(
        status=status,
        identity=key,
        dedup_key=key,
        title=name or slug or f"check {key}",
        severity=severity_of(severity),
        severity_raw=severity,
        starts_at=moment if status is AlertStatus.FIRING else None,
        ends_at=moment if status is AlertStatus.RESOLVED else None,
        description=said.text(*_DESCRIPTION),
        service=first_of(tags, ("service", "app")) or slug or name,
        host=host_of(tags),
        environment=environment_of(tags),
        labels=tags,
        source_url=said.text("url", "detailsurl", "checkurl", "link"),
        runbook=first_of(tags, _RUNBOOK),
    )


def _detect(request: Request) -> bool:
    if "healthchecks" in request.headers.get("user-agent", "").lower():
        return True
    document = request.sniffed
    if not isinstance(document, dict):
        return False
    return any(isinstance(each, dict) and each.keys() >= _OWN for each in (document, *document.values()))


ADAPTER = Adapter(
    name="healthchecks",
    version=1,
    about=About(
        title="Healthchecks",
        paste="Integrations > Webhook, for both `goes down` and `goes up`: POST, URL {url}, body: "
        '{"now": "$NOW", "check": $JSON}, header Content-Type: application/json.',
        reads="$STATUS, $NOW, $CODE, $NAME, $SLUG, $TAGS (service:…, env:…), $JSON and $BODY, under any usual "
        "spelling: in JSON, a form or the query, or a sentence such as `$NAME is $STATUS`.",
        cannot_know="A severity, unless a tag states one. Without $NOW the time of receipt stands in. Since when a "
        "late job had been missed: the grace time is a tolerance, no proof. Call the code `uuid` in a query: values "
        "of `code` and `key` are redacted there.",
    ),
    detect=_detect,
    gets=True,
    adapt=_adapt,
    # whoever knows one can ping, pause or resume the check
    secrets=("ping_url", "update_url", "pause_url", "resume_url", "badge_url"),
)
