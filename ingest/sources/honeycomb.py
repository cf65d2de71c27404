"""Honeycomb: triggers and burn alerts, in the default payload or in a template of its user."""

import re
from datetime import datetime
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, host_of, service_of, text_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from ingest.reading.templates import Template
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

_VARIABLE: Final = re.compile(r"\{\{[^{}]*\}\}")
_STATES: Final = {
    "triggered": AlertStatus.FIRING,
    "firing": AlertStatus.FIRING,
    "ok": AlertStatus.RESOLVED,
    "resolved": AlertStatus.RESOLVED,
}
# what users call .ID, .Alert.Status and so on, spelled alike, the plainest name first
_KEY: Final = ("id", "triggerid", "burnalertid", "alertid", "sloid")
_INSTANCE: Final = ("alertinstanceid", "instanceid", "deduplicationkey", "dedupkey")
_NAME: Final = ("name", "triggername", "sloname", "burnalertname", "title", "alertsummary", "summary")
_STATE: Final = ("status", "alertstatus", "state")
_TIME: Final = ("timestamp", "alerttimestamp", "triggeredat")
_TEXT: Final = ("description", "alertdescription", "summary", "alertsummary", "triggerdescription")
_LINK: Final = ("resulturl", "triggerurl", "slourl", "sourceurl", "url", "linksurl", "link")
_GROUPS: Final = ("resultgroupstriggered", "groupstriggered")
_TEST: Final = ("istest", "alertistest")
# as Go prints a time: 2025-03-04 10:00:00.25 +0000 UTC
_GO_ZONE: Final = re.compile(r"(?<=\d) ([+-]\d{4}) \w+(?: m=\S+)?$", re.ASCII)


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict):
        raise Unreadable("not an alert of Honeycomb: an object is expected")
    said = Template.read(document, _VARIABLE)
    warnings: list[str] = []
    told = Lenient(said, warnings)
    name = told.text(*_NAME)
    if (told.text(*_TEST) or "").lower() == "true" or (name is None and said.unexpanded):
        return Adapted(events=(TestEvent(title=name or "a body whose variables were not expanded"),))
    try:
        return Adapted(events=(_event(said, told, name),), warnings=tuple(warnings))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))


def _event(said: Template, told: Lenient, name: str | None) -> AlertEvent:
    status = _status(said, told)
    key, instance = told.text(*_KEY), told.text(*_INSTANCE)
    # a trigger keeps its id; an instance is new every time
    identity, dedup_key = key or name or instance, instance or key or name
    if identity is None or dedup_key is None:
        raise BadField(said.pointer, "neither an id nor a name of a trigger")
    group, value = _group(told)
    labels = group | read_tags(said.values.get("tags"))
    moment, word = _moment(told), told.text("severity", "alertseverity")
    return AlertEvent(
        status=status,
        identity=identity,
        dedup_key=dedup_key,
        title=name or f"trigger {key or instance}",
        severity=severity_of(word),
        severity_raw=word,
        starts_at=moment if status is AlertStatus.FIRING else None,
        ends_at=moment if status is AlertStatus.RESOLVED else None,
        changed_at=moment,
        description=told.text(*_TEXT),
        service=told.text("service", "servicename") or service_of(labels),
        host=told.text("host", "hostname") or host_of(labels) or labels.get("host.name"),
        environment=told.text("environment", "environmentname") or environment_of(labels),
        labels=labels,
        source_url=told.text(*_LINK),
        runbook=told.text("runbook", "runbookurl"),
        value=value,
    )


def _status(said: Template, told: Lenient) -> AlertStatus:
    name = said.name_of(_STATE)
    word = (told.text(name) or "").lower() if name else ""
    status = _STATES.get(word)
    if status is None:
        reason = f"unknown word {word[:60]!r}; one of: {', '.join(_STATES)}" if word else "missing"
        raise BadField(said.at(name or "status"), reason)
    return status


def _group(told: Lenient) -> tuple[dict[str, str], float | None]:
    """What the group that crossed the threshold has in its columns, and its result; of several only what they share."""
    groups = next((found for name in _GROUPS if (found := told.list_of(name))), [])
    columns = [_columns(each) for each in groups]
    if not columns:
        return {}, None
    shared = {name: value for name, value in columns[0].items() if all(each.get(name) == value for each in columns)}
    return shared, groups[0].number("Result", "result", "count") if len(groups) == 1 else None


def _columns(group: Lenient) -> dict[str, str]:
    """The columns of a group: an object, or a list of keys and values; a column without a value says nothing."""
    given = group.values.get("Group", group.values.get("group"))
    if isinstance(given, list):
        given = {text_of(each.get("Key")): each.get("Value") for each in given if isinstance(each, dict)}
    return Lenient(Fields({"Group": given}), group.warnings).labels("Group") if isinstance(given, dict) else {}


def _moment(told: Lenient) -> datetime | None:
    """The alert's time, which only a template can tell: RFC 3339, or as Go prints it."""
    text = told.text(*_TIME)
    if text is None:
        return None
    return Lenient(Fields({"timestamp": _GO_ZONE.sub(r"\1", text)}), told.warnings).time("timestamp")


def _detect(request: Request) -> bool:
    if "x-honeycomb-webhook-delivery-id" in request.headers or "x-honeycomb-webhook-token" in request.headers:
        return True
    document = request.sniffed
    if not isinstance(document, dict):
        return False
    if "result_groups_triggered" in document or "result_groups" in document:
        return True
    return any("honeycomb.io/" in str(document.get(name)) for name in ("result_url", "trigger_url", "slo_url"))


ADAPTER = Adapter(
    name="honeycomb",
    version=1,
    about=About(
        title="Honeycomb",
        paste="Team Settings > Integrations > Trigger and SLO recipients > Add > Webhook, URL {url}; customize the "
        'payload, because the default one tells no time: {"id": "{{ .ID }}", "name": "{{ .Name }}", "status": "{{ '
        '.Alert.Status }}", "instance_id": "{{ .Alert.InstanceID }}", "timestamp": "{{ .Alert.Timestamp }}", '
        '"environment": "{{ .Environment }}", "description": "{{ .Alert.Description }}", "result_url": "{{ '
        '.Result.URL }}", "is_test": {{ .Alert.IsTest }}}',
        reads="Trigger, name, status, instance, timestamp, environment, description, links, the columns and the "
        "result of the group that crossed the threshold, severity; under any usual spelling.",
        cannot_know="When a trigger fired or went back to OK, from the default payload; a severity of its own; which "
        "groups are well again while others are not: a trigger is one alert.",
    ),
    detect=_detect,
    adapt=_adapt,
    secrets=("shared_secret", "secret"),
)
