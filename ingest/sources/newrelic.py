"""New Relic: workflows, whose body is whatever template its user chose, and the older notification channels."""

import re
from datetime import datetime
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.forms import document_or_form, sniffed_fields
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, first_of, service_of, text_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from ingest.reading.templates import Template
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus, Severity

__all__ = ["ADAPTER"]

_VARIABLE: Final = re.compile(r"\$[A-Z][A-Z0-9_]*|\{\{[^{}]*\}\}")
# what users call issueId, annotations.title.[0] and so on, spelled alike, the plainest name first
_ISSUE: Final = ("issueid", "id", "nrissueid", "incidentid")
_TITLE: Final = ("title", "issuetitle", "name", "alertname", "summary", "subject", "annotationstitle")
_CONDITION: Final = ("conditionname", "alertconditionnames", "alertconditionname", "conditionnames", "condition")
_CONDITION_ID: Final = ("conditionid", "conditionids", "conditionfamilyid")
_POLICY: Final = ("policyname", "alertpolicynames", "alertpolicyname", "policynames", "policy")
_ENTITY: Final = ("entityname", "impactedentities", "entitynames", "impactedentity", "entitiesdatanames", "entities")
_STATE: Final = ("currentstate", "state", "issuestate", "status", "alertstatus", "eventstate")
_PRIORITY: Final = ("priority", "severity", "issuepriority", "alertseverity")
_BEGAN: Final = (
    "activatedat",
    "createdat",
    "activatedatutc",
    "createdatutc",
    "issuecreatedat",
    "openedat",
    "startedat",
)
_ENDED: Final = ("closedat", "closedatutc", "issueclosedat", "issueclosedatutc", "resolvedat")
_UPDATED: Final = ("updatedat", "updatedatutc", "issueupdatedat", "lastreceived")
_SEEN: Final = ("acknowledgedat", "acknowledgedatutc", "issueacknowledgedat", "issueacknowledgedatutc")
_LINK: Final = ("issueurl", "issuepageurl", "incidenturl", "url", "link", "violationcharturl", "violationcallbackurl")
_TEXT: Final = ("details", "description", "message", "body", "annotationsdescription", "conditiondescription")

_FIRING: Final = ("open", "opened", "created", "activated", "active", "triggered", "firing")
_OVER: Final = ("closed", "resolved", "close", "inactive", "deactivated")
_TAKEN: Final = ("acknowledged", "acknowledge")
# warning thresholds come out as HIGH
_HIGH: Final = "high"
# "… > 2.0 for at least 5 minutes on 'API latency'"; "at least once in" is no time that it held
_HELD: Final = re.compile(r"\bfor (?:at least )?(\d{1,5}) (second|minute|hour)s?\b", re.IGNORECASE | re.ASCII)
_UNITS: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0}


def _adapt(request: Request) -> Adapted:
    document = document_or_form(request)
    if not isinstance(document, dict):
        raise Unreadable("not a notification of New Relic: an object is expected")
    said = Template.read(document, _VARIABLE)
    warnings: list[str] = []
    told = Lenient(said, warnings)
    if said.unexpanded and not any(name in said.values for name in (*_ISSUE, *_STATE, *_TITLE)):
        return Adapted(events=(TestEvent(title="a body whose variables were not expanded"),))
    try:
        if (_first(told, _STATE) or "").lower() == "test":
            return Adapted(events=(TestEvent(title=_first(told, (*_TITLE, *_CONDITION, *_TEXT)) or "a test"),))
        return Adapted(events=(_event(said, told),), warnings=tuple(warnings))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))


def _event(said: Template, told: Lenient) -> AlertEvent:
    of_channel = "currentstate" in said.values
    status = _status(said, told)
    condition, policy, target = _first(told, _CONDITION), _first(told, _POLICY), _target(told)
    entity = _first(told, _ENTITY) or target.text("name")
    text = _first(told, _TEXT)
    title = condition or _first(told, _TITLE) if of_channel else _first(told, _TITLE) or condition
    labels = _labels(said, told, target)
    lowered = {name.lower(): value for name, value in labels.items()}
    word = _first(told, _PRIORITY)
    begins, ends, changed = _times(told, status)
    key = _key(told, of_channel=of_channel)
    name = title or text
    if key is None and name is None:
        raise BadField(said.pointer, "neither an issue (issueId) nor a title or a condition")
    parts = [part for part in (policy, condition or _first(told, _CONDITION_ID), entity or title) if part]
    identity = "|".join(parts) or key or name or ""
    return AlertEvent(
        status=status,
        identity=identity,
        dedup_key=key or identity,
        title=name or f"issue {key}",
        severity=Severity.WARNING if word and word.lower() == _HIGH else severity_of(word),
        severity_raw=word,
        starts_at=begins,
        ends_at=ends,
        changed_at=changed,
        pending_for=told.seconds("pendingfor") or _held(title) or _held(text),
        description=text,
        service=_first(told, ("service", "servicename")) or service_of(lowered),
        host=entity or _first(told, ("host", "hostname")),
        environment=_first(told, ("environment", "env")) or environment_of(lowered),
        labels=labels,
        source_url=_first(told, _LINK),
        runbook=_first(told, ("runbookurl", "runbook", "runbooklink")) or first_of(lowered, ("runbook_url", "runbook")),
    )


def _first(told: Lenient, names: tuple[str, ...]) -> str | None:
    """The first that there is; of a list its first item, of an object its name."""
    values = told.values
    for name in names:
        value = values.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, list):
            value = next((each for each in value if each not in (None, "")), None)
        if isinstance(value, dict):
            value = value.get("name")
        if value is not None and value != "" and not isinstance(value, (list, dict)):
            return text_of(value).strip()
    return None


def _target(told: Lenient) -> Lenient:
    """What a notification channel calls the thing that met the condition."""
    return next(iter(told.list_of("targets")), Lenient(Fields({}, "/targets"), told.warnings))


def _status(said: Template, told: Lenient) -> AlertStatus:
    name = next((name for name in _STATE if said.name_of((name,))), None)
    word = (_first(told, _STATE) or "").lower()
    if name is None or word not in (*_FIRING, *_OVER, *_TAKEN):
        allowed = ", ".join((*_FIRING, *_OVER, *_TAKEN))
        raise BadField(said.at(name or "state"), f"unknown word {word[:60]!r}; one of: {allowed}")
    if word in _OVER:
        return AlertStatus.RESOLVED
    why = (_first(told, ("trigger", "triggerevent", "eventtype")) or "").lower()
    if why.endswith("unacknowledged"):
        return AlertStatus.FIRING
    taken = word in _TAKEN or why.endswith("acknowledged") or _first(told, _SEEN) not in (None, "0")
    return AlertStatus.ACKNOWLEDGED if taken else AlertStatus.FIRING


def _times(told: Lenient, status: AlertStatus) -> tuple[datetime | None, datetime | None, datetime | None]:
    """When it began, when it ended, and when this was told. A channel states only the last."""
    moment, updated = told.time("timestamp", "timestamputcstring"), told.time(*_UPDATED)
    begins, ends, seen = told.time(*_BEGAN), told.time(*_ENDED), told.time(*_SEEN)
    match status:
        case AlertStatus.RESOLVED:
            ends = ends or updated or moment
            return begins, ends, ends
        case AlertStatus.ACKNOWLEDGED:
            return begins, None, seen or updated or moment
        case _:
            return begins or moment, None, updated or moment


def _key(told: Lenient, *, of_channel: bool) -> str | None:
    """The issue; an incident of a notification channel is one of its account."""
    if not of_channel or told.text("issueid"):
        return _first(told, _ISSUE)
    incident, account = _first(told, ("incidentid", "id")), _first(told, ("accountid",))
    return f"{account}/{incident}" if account and incident else incident


def _labels(said: Template, told: Lenient, target: Lenient) -> dict[str, str]:
    """Labels of the target and of the body; accumulated ones are lists, of which the first item counts."""
    found = target.labels("labels")
    for name in ("labels", "tags", "alerttags", "customattributes"):
        given = said.values.get(name)
        if isinstance(given, dict):
            given = {
                label: value[0] if isinstance(value, list) and value else value
                for label, value in given.items()
                if value not in (None, [], "")
            }
        found |= read_tags(given)
    team = _first(told, ("team", "owner"))
    return {"team": team} | found if team else found


def _held(text: str | None) -> float | None:
    """How long the threshold had been crossed, which New Relic writes into its own titles."""
    found = _HELD.search(text or "")
    return float(found.group(1)) * _UNITS[found.group(2).lower()] if found else None


def _detect(request: Request) -> bool:
    document = sniffed_fields(request)
    if document is None:
        return False
    if {"current_state", "condition_name"} <= document.keys():
        return True
    names = Template.read(document, _VARIABLE).values
    if any("newrelic.com" in str(names.get(name)) for name in ("issueurl", "issuepageurl", "incidenturl", "policyurl")):
        return True
    return "impactedentities" in names and not names.keys().isdisjoint(("issueurl", "issueid", "alertpolicynames"))


ADAPTER = Adapter(
    name="newrelic",
    version=1,
    about=About(
        title="New Relic",
        paste="Alerts > Workflows > Add a workflow > Notify > Webhook, destination {url}, template: the default, or "
        '{"id": {{json issueId}}, "title": {{json annotations.title.[0]}}, "state": {{json state}}, "trigger": '
        '{{json triggerEvent}}, "priority": {{json priority}}, "createdAt": {{createdAt}}, "updatedAt": '
        '{{updatedAt}}, "closedAt": {{json closedAt}}, "acknowledgedAt": {{json acknowledgedAt}}, '
        '"impactedEntities": {{json entitiesData.names}}, "alertPolicyNames": {{json accumulations.policyName}}, '
        '"alertConditionNames": {{json accumulations.conditionName}}, "issueUrl": {{json issuePageUrl}}, "labels": '
        "{{json accumulations.tag}}}",
        reads="Issue, title, state, trigger, priority, created, closed, acknowledged and updated times, policy, "
        "condition, impacted entities, labels (service, environment), link, runbook, under any usual spelling; of "
        "the older channels the incident, its state, severity, target and timestamp. The time that a threshold was "
        "crossed for is taken from the title.",
        cannot_know="Times that the template leaves out; which of several entities met the condition first. HIGH is "
        "what warning thresholds become. A channel tells no start on closing.",
    ),
    detect=_detect,
    adapt=_adapt,
    secrets=("acknowledgedBy", "acknowledged_by", "closedBy", "closed_by"),
)
