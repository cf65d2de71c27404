"""Sentry: issue alerts, metric alerts and issues of an internal integration; the older WebHooks plugin."""

import re
from collections.abc import Callable
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, service_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

_RESOURCE: Final = "sentry-hook-resource"
_ISSUE_ACTIONS: Final = {
    "created": AlertStatus.FIRING,
    "unresolved": AlertStatus.FIRING,
    "resolved": AlertStatus.RESOLVED,
}
# what people do with an issue: it is neither new nor over
_ISSUE_IGNORED: Final = ("assigned", "archived", "ignored", "unassigned")
_METRIC_ACTIONS: Final = {
    "critical": AlertStatus.FIRING,
    "warning": AlertStatus.FIRING,
    "open": AlertStatus.FIRING,
    "resolved": AlertStatus.RESOLVED,
}
_CAME_BACK: Final = ("regressed", "escalating")
# …/api/0/projects/test-org/front-end/events/… and …/organizations/o/projects/front-end/…
_PROJECT: Final = re.compile(r"/projects/[^/]+/([^/]+)/")
# tags that are about a visitor rather than about the system
_PERSONAL: Final = ("user", "url", "ip", "email", "user.email", "user.id", "user.username", "user.ip", "username")


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict):
        raise Unreadable("not a webhook of Sentry: an object is expected")
    fields = Fields(document)
    try:
        kind = _kind(request, document)
        if kind is None:
            return Adapted(ignored="a webhook of Sentry that is about no alert")
        if kind == "installation":
            return Adapted(control="Sentry tells that its integration was installed or removed")
        return _READERS[kind](fields)
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))


def _kind(request: Request, document: dict[str, object]) -> str | None:
    """What it is about: the header says so; without it the body's only content does.

    Raises:
        Unreadable: neither says.
    """
    told = request.headers.get(_RESOURCE, "").lower()
    if told:
        return told if told in _READERS or told == "installation" else None
    data = document.get("data")
    if isinstance(data, dict):
        inside = {"event": "event_alert", "metric_alert": "metric_alert", "issue": "issue", "error": "error"}
        found = next((kind for name, kind in inside.items() if isinstance(data.get(name), dict)), None)
        return found or ("installation" if "installation" in data else None)
    if isinstance(document.get("event"), dict):
        return "plugin"
    raise Unreadable("not a webhook of Sentry: neither the header Sentry-Hook-Resource nor an object `data` is there")


def _event_alert(fields: Fields) -> Adapted:
    return _of_event(fields, "event")


def _error(fields: Fields) -> Adapted:
    return _of_event(fields, "error")


def _of_event(fields: Fields, name: str) -> Adapted:
    """An event for which a rule was triggered, or any error: a moment of its issue."""
    data = Fields.of(fields.values.get("data"), "/data")
    inside = Fields.of(data.values.get(name), data.at(name))
    warnings: list[str] = []
    event, around = Lenient(inside, warnings), Lenient(data, warnings)
    rule = around.text("triggered_rule") or around.inner("issue_alert").text("title")
    project = _PROJECT.search(event.text("url") or "")
    service = project.group(1) if project else event.text("project_slug", "project_name")
    found = _moment(inside.needed("issue_id"), event, service, {"triggered_rule": rule} if rule else {})
    return Adapted(events=(found,), warnings=tuple(warnings))


def _plugin(fields: Fields) -> Adapted:
    """The older plugin of a project: the issue's id, and the event beside it."""
    warnings: list[str] = []
    told = Lenient(fields, warnings)
    event = told.inner("event")
    service = told.text("project_slug", "project", "project_name")
    found = _moment(fields.needed("id"), event, service, {}, told)
    return Adapted(events=(found,), warnings=tuple(warnings))


def _moment(
    issue: str, event: Lenient, service: str | None, labels: dict[str, str], around: Lenient | None = None
) -> AlertEvent:
    tags = read_tags(event.values.get("tags"))
    labels = {name: value for name, value in tags.items() if name not in _PERSONAL} | labels
    outer = around or event
    level = outer.text("level") or event.text("level")
    title = event.text("title") or outer.text("title", "message") or event.inner("metadata").text("title", "type")
    return AlertEvent(
        status=AlertStatus.FIRING,
        identity=issue,
        dedup_key=issue,
        title=title or outer.text("culprit") or f"issue {issue}",
        severity=severity_of(level),
        severity_raw=level,
        starts_at=event.time("datetime", "timestamp", "dateCreated", "received"),
        description=event.text("message") or outer.text("culprit"),
        service=service_of({name: value for name, value in labels.items() if name == "service"}) or service,
        host=event.text("server_name") or tags.get("server_name"),
        environment=event.text("environment") or environment_of(tags),
        labels=labels,
        source_url=event.text("web_url") or outer.text("url"),
        point=True,
    )


def _issue(fields: Fields) -> Adapted:
    """An issue that is new, came back, or was resolved by somebody."""
    action = fields.needed("action").lower()
    if action in _ISSUE_IGNORED:
        return Adapted(ignored=f"an issue was {action}: neither firing nor resolved")
    status = _ISSUE_ACTIONS.get(action)
    if status is None:
        allowed = ", ".join((*_ISSUE_ACTIONS, *_ISSUE_IGNORED))
        raise BadField(fields.at("action"), f"unknown word {action[:60]!r}; one of: {allowed}")
    data = Fields.of(fields.values.get("data"), "/data")
    inside = Fields.of(data.values.get("issue"), "/data/issue")
    warnings: list[str] = []
    issue = Lenient(inside, warnings)
    key, level, project = inside.needed("id"), issue.text("level"), issue.inner("project")
    # an issue that came back did so with the last event; one that somebody reopened states no time
    came_back = action == "unresolved" and issue.text("substatus") in _CAME_BACK
    start = issue.time("firstSeen") if action == "created" else issue.time("lastSeen") if came_back else None
    event = AlertEvent(
        status=status,
        identity=key,
        dedup_key=key,
        title=issue.text("title") or issue.text("shortId") or f"issue {key}",
        severity=severity_of(level),
        severity_raw=level,
        starts_at=start,
        description=issue.text("culprit"),
        service=project.text("slug", "name"),
        labels={name: said for name in ("shortId", "platform", "substatus") if (said := issue.text(name))},
        source_url=issue.text("web_url", "permalink"),
        point=status is AlertStatus.FIRING,
    )
    return Adapted(events=(event,), warnings=tuple(warnings))


def _metric_alert(fields: Fields) -> Adapted:
    action = fields.needed("action").lower()
    status = _METRIC_ACTIONS.get(action)
    if status is None:
        raise BadField(fields.at("action"), f"unknown word {action[:60]!r}; one of: {', '.join(_METRIC_ACTIONS)}")
    data = Fields.of(fields.values.get("data"), "/data")
    inside = Fields.of(data.values.get("metric_alert"), "/data/metric_alert")
    warnings: list[str] = []
    around, alert = Lenient(data, warnings), Lenient(inside, warnings)
    rule, key, firing = alert.inner("alert_rule"), inside.needed("id"), status is AlertStatus.FIRING
    projects = alert.texts("projects") or rule.texts("projects")
    event = AlertEvent(
        status=status,
        # every time that a rule fires there is a new incident of it
        identity=f"rule {named}" if (named := rule.text("id")) else key,
        dedup_key=key,
        # the incident's own title is a random nickname
        title=rule.text("name") or around.text("description_title") or alert.text("title") or f"metric alert {key}",
        severity=severity_of(action),
        severity_raw=action if firing else None,
        starts_at=alert.time("date_started"),
        ends_at=None if firing else alert.time("date_closed"),
        description=around.text("description_text"),
        service=projects[0] if projects else None,
        environment=rule.text("environment"),
        labels={name: said for name in ("aggregate", "query", "dataset") if (said := rule.text(name))},
        source_url=around.text("web_url"),
    )
    return Adapted(events=(event,), warnings=tuple(warnings))


_READERS: Final[dict[str, Callable[[Fields], Adapted]]] = {
    "event_alert": _event_alert,
    "error": _error,
    "issue": _issue,
    "metric_alert": _metric_alert,
    "plugin": _plugin,
}


def _detect(request: Request) -> bool:
    if _RESOURCE in request.headers:
        return True
    document = request.sniffed
    if not isinstance(document, dict):
        return False
    if {"project_slug", "culprit", "event"} <= document.keys():
        return True
    data = document.get("data")
    return isinstance(data, dict) and "installation" in document and "action" in document


ADAPTER = Adapter(
    name="sentry",
    version=1,
    about=About(
        title="Sentry",
        paste="Settings > Developer Settings > New internal integration: webhook URL {url}, switch on `Alert Rule "
        "Action`, permissions Issue & Event: Read, webhooks: issue; then add the integration as an action to alert "
        "rules.",
        reads="Issue alerts and errors: the issue, title, level, time, project, environment, tags, server and rule; "
        "issues that are new, resolved or came back; metric alerts: the rule, its action and when it began.",
        cannot_know="When an issue was over, unless issues are subscribed and somebody resolves it: its alerts are "
        "moments. When a metric alert ended, where Sentry leaves date_closed empty. Personal data is dropped.",
    ),
    detect=_detect,
    adapt=_adapt,
    secrets=(
        *(
            "user",
            "actor",
            "assignedTo",
            "ip_address",
            "email",
            "username",
            "cookies",
            "headers",
            "env",
            "query_string",
        ),
        *("request", "breadcrumbs", "extra", "vars", "sentry.interfaces.User", "sentry.interfaces.Http"),
    ),
)
