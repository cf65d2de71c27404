"""Kibana: the webhook connector. Its body is a Mustache template of rule action variables that its user wrote."""

import re
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.batches import Told, read_each
from ingest.reading.fields import BadField, Fields, items_of, pointer_of
from ingest.reading.forms import first_object
from ingest.reading.json_body import Unreadable, read_json
from ingest.reading.labels import environment_of, host_of, service_of, string_labels
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from ingest.reading.templates import Template, spelled_alike
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

_VARIABLE: Final = re.compile(r"(?:\{{2,3}[^{}]*\}{2,3}[\s/:,-]*)+")
_OF_ALERT: Final = "kibana.alert."
# an alert document's fields that are named otherwise among the action variables
_DOCUMENT: Final = {
    "id": "alert.id",
    "instance.id": "alert.id",
    "uuid": "alert.uuid",
    "status": "alert.status",
    "start": "alert.start",
    "end": "alert.end",
    "url": "alert.details.url",
    "rule.uuid": "rule.id",
    "rule.rule_type_id": "rule.type",
    "evaluation.value": "value",
    "context": "context",
}
_GROUPS: Final = (("new", "active"), ("ongoing", "active"), ("recovered", "recovered"))

_RULE: Final = ("ruleid", "ruleuuid", "alertruleid", "contextruleid")
_RULE_NAME: Final = ("rulename", "alertrulename", "alertname", "contextrulename", "name")
_INSTANCE: Final = ("alertinstanceid", "alertid", "instanceid", "kibanaalertid", "id")
_UUID: Final = ("alertuuid", "uuid")
_ACTION_GROUP: Final = ("actiongroup", "alertactiongroup", "group")
_GROUP_NAME: Final = ("actiongroupname", "alertactiongroupname")
_STATUS: Final = ("alertstatus", "status", "alertstate", "state", *_GROUP_NAME)
_TEXT: Final = ("reason", "contextreason", "message", "contextmessage", "description", "contexttitle")
_LINK: Final = ("alertdetailsurl", "contextalertdetailsurl", "viewinappurl", "contextviewinappurl", "url", "alerturl")
_SENT: Final = ("date", "alertdate", "contextdate", "contexttimestamp", "timestamp", "lastreceived")
_START: Final = ("alertstart", "alertstartedat", "startedat", "start", "startsat")
_END: Final = ("alertend", "alertendedat", "recoveredat", "endedat", "end")
_WATCH: Final = ("watchid", "payloadwatchid", "ctxwatchid")
_WATCHED: Final = ("executiontime", "ctxexecutiontime", "triggeredtime", "triggertriggeredtime")
_SERVICE: Final = ("servicename", "service", "contextservicename", "contextservice")
_ENVIRONMENT: Final = ("environment", "env", "serviceenvironment", "contextenvironment", "contextserviceenvironment")
_RECOVERED: Final = re.compile(r"(?:.*[.\s])?(?:recovered|resolved|ok|inactive)", re.IGNORECASE)
# action groups that say how bad it is: slo.burnRate.high, metrics.threshold.warning
_GRADES: Final = frozenset(("critical", "high", "medium", "low", "warning"))
# what Kibana calls the only alert of a rule without groups
_UNGROUPED: Final = ("*",)


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict | list):
        raise Unreadable("not a body of Kibana: an object is expected")
    return read_each(_items(document), _told)


def _items(document: dict[str, object] | list[object]) -> list[tuple[str, object]]:
    """Every alert of a body; a summary holds those that are new, that go on and that recovered."""
    if not isinstance(document, dict):
        return [(pointer, _flat(item)) for pointer, item in items_of(document)]
    document = _unwrapped(document)
    alerts = document.get("alerts")
    rule = {name: value for name, value in document.items() if name != "alerts"}
    if isinstance(alerts, list):
        return [(pointer_of("alerts", index), _within(rule, item)) for index, item in enumerate(alerts)]
    counts = alerts if isinstance(alerts, dict) else _counts(document)
    if counts is None:
        return [("", _flat(document))]
    found: list[tuple[str, object]] = []
    for word, status in _GROUPS:
        for index, item in enumerate(_data(counts.get(word))):
            inside = _within(rule | {"alert.status": status}, item)
            found.append((pointer_of("alerts", word, "data", index), inside))
    return found or [("", rule | {"alert.status": _counted(counts)})]


def _counts(document: dict[str, object]) -> dict[str, object] | None:
    """The numbers of a summary that a template writes side by side; None where it is no summary."""
    spelled = {spelled_alike(name): value for name, value in document.items()}
    names = [(word, (word, f"{word}count", f"{word}alerts", f"alerts{word}count")) for word, _ in _GROUPS]
    counts = {word: spelled[name] for word, names_of in names for name in names_of if name in spelled}
    return counts if {"new", "recovered"} <= counts.keys() else None


def _unwrapped(document: dict[str, object]) -> dict[str, object]:
    """A body whose parts are JSON in strings, as they come of {{#rule}}{{.}}{{/rule}}."""
    wrapped = document.get("webhook_body")
    if not isinstance(wrapped, dict):
        return document
    opened: dict[str, object] = {}
    for name, value in wrapped.items():
        try:
            opened[name.removesuffix("_info")] = read_json(value.encode()) if isinstance(value, str) else value
        except Unreadable:
            continue
    return opened


def _data(group: object) -> list[object]:
    data = group.get("data") if isinstance(group, dict) else None
    if isinstance(data, str):
        try:
            # Mustache writes a list as its items with commas between
            data = read_json((data if data.lstrip().startswith("[") else f"[{data}]").encode())
        except Unreadable:
            return []
    return data if isinstance(data, list) else []


def _counted(alerts: dict[str, object]) -> str:
    """The state of a rule that tells only how many alerts it has."""
    counts = {}
    for word, _ in _GROUPS:
        group = alerts.get(word)
        told = Fields(group if isinstance(group, dict) else {"count": group})
        counts[word] = told.number("count") or 0
    return "recovered" if counts["recovered"] and not counts["new"] + counts["ongoing"] else "active"


def _within(rule: dict[str, object], item: object) -> object:
    return rule | {name: value for name, value in flat.items() if value != ""} if (flat := _flat(item)) else item


def _flat(item: object) -> dict[str, object]:
    """An alert document (`kibana.alert.…`, nested or not) in the names of the action variables."""
    if not isinstance(item, dict):
        return {}
    flat: dict[str, object] = {}
    for name, value in item.items():
        if name == "kibana" or name.startswith("kibana."):
            for path, leaf in _leaves(name, value):
                inside = path.removeprefix(_OF_ALERT)
                flat.setdefault(_DOCUMENT.get(inside, inside), leaf)
        else:
            flat[name] = value
    return flat


def _leaves(path: str, value: object) -> list[tuple[str, object]]:
    if not isinstance(value, dict) or path.count(".") > 5:
        return [(path, value)]
    return [leaf for name, inner in value.items() for leaf in _leaves(f"{path}.{name}", inner)]


def _told(fields: Fields, warnings: list[str]) -> Told:
    whole = Template.read(fields.values, _VARIABLE, fields.pointer)
    said = whole.plain()
    mild = Lenient(said, warnings)
    rule, instance = _rule_and_instance(mild)
    name = mild.text("title", "alerttitle", "summary", "subject") or mild.text(*_RULE_NAME)
    watch = mild.text(*_WATCH)
    if not (rule or instance or name or watch or mild.text(*_UUID)):
        if said.unexpanded:
            return TestEvent(title="a body whose variables were not expanded")
        raise BadField(said.pointer, "neither a rule nor an alert: {{rule.id}}, {{rule.name}}, {{alert.id}}")
    if (mild.text("alertstatus", "status") or "").lower() == "untracked":
        return "untracked: its rule was disabled or deleted"
    return _event(whole, said, mild, (rule or watch, instance))


def _rule_and_instance(mild: Lenient) -> tuple[str | None, str | None]:
    """The rule and which of its alerts; Kibana 7 called them alertId and alertInstanceId."""
    rule = mild.text(*_RULE)
    if rule is None and mild.text("alertinstanceid"):
        rule = mild.text("alertid")
    return rule, mild.text(*_INSTANCE)


def _event(whole: Template, said: Template, mild: Lenient, about: tuple[str | None, str | None]) -> AlertEvent:
    rule, instance = about
    uuid, title = mild.text(*_UUID), _title(mild, rule, instance)
    identity = "/".join(part for part in (rule or mild.text(*_RULE_NAME), instance) if part)
    status, labels = _status(mild), _labels(whole)
    grade, start, sent = _grade(mild), mild.time(*_START), mild.time(*_SENT, *_WATCHED)
    resolved = status is AlertStatus.RESOLVED
    return AlertEvent(
        status=status,
        identity=identity or uuid or title,
        dedup_key=uuid or (identity if rule else mild.text("fingerprint") or identity) or title,
        title=title,
        severity=severity_of(grade),
        severity_raw=grade,
        starts_at=start or (None if resolved else sent),
        ends_at=(mild.time(*_END) or sent) if resolved else None,
        changed_at=sent if start and not resolved else None,
        pending_for=Lenient(Fields(dict(labels)), mild.warnings).seconds("pending_for"),
        description=mild.text(*_TEXT),
        service=mild.text(*_SERVICE) or service_of(labels),
        host=mild.text("hostname", "host", "contexthostname", "contexthost") or _context_host(whole) or host_of(labels),
        environment=mild.text(*_ENVIRONMENT) or environment_of(labels),
        labels=labels,
        source_url=mild.text(*_LINK) or mild.text("ruleurl"),
        runbook=mild.text("runbook", "runbookurl"),
        value=said.number("value", "contextvalue"),
        point=_never_recovers(mild),
    )


def _title(mild: Lenient, rule: str | None, instance: str | None) -> str:
    title = mild.text("title", "alerttitle", "summary", "subject")
    if title:
        return title
    name = mild.text(*_RULE_NAME)
    if name is None:
        return instance or rule or "Kibana alert"
    return name if instance in (None, rule, name, *_UNGROUPED) else f"{name}: {instance}"


def _status(mild: Lenient) -> AlertStatus:
    """Recovered, or not: the words for what is not are each rule type's own."""
    group = mild.text(*_ACTION_GROUP)
    word = group or mild.text(*_STATUS) or ""
    if _RECOVERED.fullmatch(word) or (mild.text("alertstatus", "status") or "").lower() == "recovered":
        return AlertStatus.RESOLVED
    if (mild.text("workflowstatus") or word).lower() == "acknowledged":
        return AlertStatus.ACKNOWLEDGED
    return AlertStatus.FIRING


def _grade(mild: Lenient) -> str | None:
    told = mild.text("severity", "alertseverity", "contextseverity", "priority")
    if told:
        return told
    words = (mild.text(*_GROUP_NAME) or "", (mild.text(*_ACTION_GROUP) or "").rpartition(".")[2])
    return next((word for word in words if word.lower() in _GRADES), None)


def _labels(whole: Template) -> dict[str, str]:
    """The tags of the rule and of what the alert is about."""
    labels: dict[str, str] = {}
    for name in ("labels", "contextlabels"):
        value = whole.values.get(name)
        labels |= string_labels(value) if isinstance(value, dict) else {}
    for name in ("ruletags", "tags", "contexttags"):
        for tag, value in read_tags(whole.values.get(name)).items():
            key, _, other = (tag, "", value) if value else tag.partition("=")
            labels.setdefault(key, other)
    return labels


def _context_host(whole: Template) -> str | None:
    host = whole.values.get("contexthost")
    name = host.get("name") if isinstance(host, dict) else None
    return name if isinstance(name, str) else None


def _never_recovers(mild: Lenient) -> bool:
    """Whether nothing will ever say that it is over: watches without a state, and detections of the security app."""
    if mild.text(*_WATCH):
        return mild.text(*_ACTION_GROUP, *_STATUS) is None
    return (mild.text("ruletype", "ruletypeid") or "").startswith("siem.")


def _detect(request: Request) -> bool:
    first = first_object(request)
    if first is None:
        return False
    alerts, whole = first.get("alerts"), first.get("kibana")
    if isinstance(alerts, dict) and {"new", "recovered"} <= alerts.keys():
        return True
    if (isinstance(whole, dict) and "alert" in whole) or any(name.startswith(_OF_ALERT) for name in first):
        return True
    wrapped = first.get("webhook_body")
    if isinstance(wrapped, dict) and "rule_info" in wrapped:
        return True
    names = {spelled_alike(name) for name in first} | Template.read(first, _VARIABLE).values.keys()
    return not names.isdisjoint(("actiongroup", "alertactiongroup")) and not names.isdisjoint(
        (*_RULE, "alertuuid", "rulename", "alertinstanceid")
    )


ADAPTER = Adapter(
    name="kibana",
    version=1,
    about=About(
        title="Kibana, Elastic",
        paste="Connectors > Webhook, POST {url}; in the rule an action for each alert, one on its action group and one "
        'on Recovered, both with the body {"rule_id": "{{rule.id}}", "rule_name": "{{rule.name}}", "rule_url": '
        '"{{rule.url}}", "alert_id": "{{alert.id}}", "alert_uuid": "{{alert.uuid}}", "action_group": '
        '"{{alert.actionGroup}}", "action_group_name": "{{alert.actionGroupName}}", "date": "{{date}}", "reason": '
        '"{{context.reason}}", "tags": "{{rule.tags}}"}.',
        reads="Rule, alert, uuid, action group (recovered or not, warning), date, alert start and end, reason, tags "
        "(service, environment), value, links; nested or flat, summaries with their alerts, alert documents, watches.",
        cannot_know="When an alert became active, from a later action: {{date}} is the time of sending. Without an "
        "action on Recovered nothing tells that it is over.",
    ),
    detect=_detect,
    adapt=_adapt,
)
