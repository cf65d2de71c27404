"""Dynatrace: problem notifications, whose body is whatever template its user wrote; mostly the one of the manual."""

import re
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField
from ingest.reading.json_body import Unreadable, read_json
from ingest.reading.labels import environment_of, host_of, service_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from ingest.reading.templates import Template
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus, Severity

__all__ = ["ADAPTER"]

_PLACEHOLDER: Final = re.compile(r"\{[A-Za-z]\w*(?:\[[^\]]*\])?\}")
_TEST_TITLE: Final = "dynatrace problem notification test run"
_TEST_KEYS: Final = ("99999", "999999")
_STATES: Final = {
    "open": AlertStatus.FIRING,
    "active": AlertStatus.FIRING,
    # another event became part of a problem that goes on
    "merged": AlertStatus.FIRING,
    "resolved": AlertStatus.RESOLVED,
    "closed": AlertStatus.RESOLVED,
}
_LEVELS: Final = {
    "availability": Severity.CRITICAL,
    "error": Severity.ERROR,
    "performance": Severity.WARNING,
    "slowdown": Severity.WARNING,
    "resource_contention": Severity.WARNING,
}
# the placeholders spelled alike; the problem inside, as Dynatrace's API writes it, is found under both its names
_KEY: Final = ("pid", "problemdetailsjsonv2problemid", "problemdetailsjsonid", "eventid", "problemid", "displayid")
_TITLE: Final = ("problemtitle", "title", "eventname", "name")
_STATE: Final = ("state", "problemstate", "status", "eventstatus")
_LEVEL: Final = ("problemseverity", "severitylevel", "severity", "eventcategory")
_BEGAN: Final = ("starttime", "problemstarttime", "eventstart")
_ENDED: Final = ("endtime", "problemendtime", "eventend")
_TEXT: Final = ("problemdetailstext", "problemdetails", "problemdetailsmarkdown", "eventdescription", "impactedentity")
_LINK: Final = ("problemurl", "url", "link")
_ENTITIES: Final = ("impactedentities", "affectedentities", "rankedimpacts")
_NAMES: Final = ("impactedentitynames", "namesofimpactedentities")
_SERVICES: Final = (
    "service",
    "application",
    "mobile_application",
    "custom_application",
    "synthetic_test",
    "http_check",
)
_HOSTS: Final = ("host", "infrastructure", "virtualmachine", "ec2_instance", "azure_vm", "kubernetes_node")


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict):
        raise Unreadable("not a notification of Dynatrace: an object is expected")
    said = Template.read({name: _parsed(value) for name, value in document.items()}, _PLACEHOLDER)
    warnings: list[str] = []
    told = Lenient(said, warnings)
    title = told.text(*_TITLE)
    if (title is None and said.unexpanded) or (title or "").lower() == _TEST_TITLE or told.text("pid") in _TEST_KEYS:
        return Adapted(events=(TestEvent(title=title or "a body whose placeholders were not expanded"),))
    try:
        return Adapted(events=(_event(said, told, title),), warnings=tuple(warnings))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))


def _parsed(value: object) -> object:
    """A value, or what its text holds where that is JSON: users put quotes around what comes without."""
    if isinstance(value, str) and value.startswith(("{", "[")) and value.endswith(("}", "]")):
        try:
            return read_json(value.encode(errors="replace"))
        except Unreadable:
            return value
    return value


def _event(said: Template, told: Lenient, title: str | None) -> AlertEvent:
    status, key = _status(said, told), told.text(*_KEY)
    if key is None and title is None:
        raise BadField(said.pointer, "neither the key of a problem ({PID}) nor a title")
    entities = _entities(told)
    labels = read_tags(said.values.get("tags", said.values.get("entitytags")))
    lowered = {name.lower(): value for name, value in labels.items()}
    word = told.text(*_LEVEL)
    names = sorted(dict.fromkeys(name for _, name in entities))
    return AlertEvent(
        status=status,
        # a problem is new every time: what it is called and what it hits stay
        identity="|".join([title, *names]) if title else key or "",
        dedup_key=key or title or "",
        title=title or f"problem {key}",
        severity=_LEVELS.get((word or "").lower()) or severity_of(word),
        severity_raw=word,
        starts_at=told.time(*_BEGAN),
        ends_at=told.time(*_ENDED) if status is AlertStatus.RESOLVED else None,
        description=_text(told),
        service=_named(entities, _SERVICES) or service_of(lowered),
        host=_named(entities, _HOSTS) or host_of(lowered),
        environment=environment_of(lowered),
        labels=labels,
        source_url=told.text(*_LINK),
    )


def _status(said: Template, told: Lenient) -> AlertStatus:
    name = said.name_of(_STATE)
    word = (said.text(name) or "").lower() if name else ""
    status = _STATES.get(word)
    if status is None:
        reason = f"unknown word {word[:60]!r}; one of: {', '.join(_STATES)}" if word else "missing"
        raise BadField(said.at(name or "State"), reason)
    # what was merged away has ended as a problem of its own
    inside = (told.text("status") or "").lower()
    return AlertStatus.RESOLVED if word == "merged" and inside in ("closed", "resolved") else status


def _entities(told: Lenient) -> list[tuple[str, str]]:
    """What the problem hits: kind and name of each, whichever of Dynatrace's notations the template has."""
    for name in _ENTITIES:
        found = [_entity(each) for each in told.list_of(name)]
        if found:
            return [(kind, named) for kind, named in found if named]
    kind = (told.text("problemimpact", "impactlevel") or "").lower().removesuffix("s")
    names = next((text for name in _NAMES if (text := told.text(name))), "")
    return [(kind, each.strip()) for each in names.split(",") if each.strip()]


def _entity(told: Lenient) -> tuple[str, str]:
    inside = told.inner("entityId")
    given = told.values.get("entityId")
    known = inside.text("id") or told.text("entity") or (given if isinstance(given, str) else None)
    # HOST-0123456789ABCDEF
    kind = told.text("type") or inside.text("type") or (known or "").rsplit("-", 1)[0]
    return kind.lower(), told.text("name", "entityName") or known or ""


def _named(entities: list[tuple[str, str]], kinds: tuple[str, ...]) -> str | None:
    return next((name for kind, name in entities if kind in kinds), None)


def _text(told: Lenient) -> str | None:
    """The first description that is a text; the details may be an object."""
    given = (told.values.get(name) for name in _TEXT)
    return next((text for text in given if isinstance(text, str) and text), None)


def _detect(request: Request) -> bool:
    document = request.sniffed
    return isinstance(document, dict) and (
        {"ProblemID", "State"} <= document.keys() or {"PID", "ProblemTitle"} <= document.keys()
    )


ADAPTER = Adapter(
    name="dynatrace",
    version=1,
    about=About(
        title="Dynatrace",
        paste="Settings > Integration > Problem notifications > Add > Custom integration: {url}, switch on `Call "
        'webhook if problem is closed`, payload: {"State": "{State}", "PID": "{PID}", "ProblemID": "{ProblemID}", '
        '"ProblemTitle": "{ProblemTitle}", "ProblemSeverity": "{ProblemSeverity}", "ProblemImpact": '
        '"{ProblemImpact}", "ProblemURL": "{ProblemURL}", "ImpactedEntities": {ImpactedEntities}, "Tags": "{Tags}", '
        '"ProblemDetailsJSONv2": {ProblemDetailsJSONv2}}',
        reads="State, PID, title, severity, impacted entities (services and hosts), tags (service, environment), "
        "link, and from the details in JSON, of either version, when the problem began and ended.",
        cannot_know="When a problem began and ended, from a template without the details in JSON. The text and HTML "
        "of the details can make the body unreadable: leave them out. A merged event keeps its problem open.",
    ),
    detect=_detect,
    adapt=_adapt,
)
