"""Opsgenie: the outgoing webhook. What a pager did about its alert, which we call a page."""

from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.aliases import aliases_of
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, service_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from ingest.reading.templates import spelled_alike
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus, PageAction

__all__ = ["ADAPTER"]

# actions spelled alike; whatever is not here changes the page a little and is kept as that
_ACTIONS: Final[dict[str, PageAction]] = {
    "create": PageAction.TRIGGERED,
    "acknowledge": PageAction.ACKNOWLEDGED,
    "unacknowledge": PageAction.UNACKNOWLEDGED,
    "escalate": PageAction.ESCALATED,
    "escalatenext": PageAction.ESCALATED,
    "escalatetonext": PageAction.ESCALATED,
    # another team or person is called in
    "addteam": PageAction.ESCALATED,
    "addresponder": PageAction.ESCALATED,
    "addrecipient": PageAction.ESCALATED,
    "addnote": PageAction.ANNOTATED,
    # who works on it belongs on the timeline
    "assign": PageAction.ANNOTATED,
    "assignownership": PageAction.ANNOTATED,
    "takeownership": PageAction.ANNOTATED,
    # the end of the page, never the closing of an incident
    "close": PageAction.RESOLVED,
    "delete": PageAction.RESOLVED,
}
_STATUSES: Final = {
    PageAction.ACKNOWLEDGED: AlertStatus.ACKNOWLEDGED,
    PageAction.RESOLVED: AlertStatus.RESOLVED,
}
_DONE: Final = {
    "acknowledge": "Acknowledged",
    "unacknowledge": "Acknowledgement taken back",
    "close": "Closed",
    "delete": "Deleted",
    "takeownership": "Taken over",
}
# who acts when no person does
_NOBODY: Final = frozenset(("system", "alert api", "api"))
_PEOPLES_DOORS: Final = frozenset(
    ("web", "user", "mobile", "android", "ios", "iphone", "slack", "phone", "sms", "email")
)


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict) or not isinstance(document.get("alert"), dict):
        raise Unreadable("not an Opsgenie webhook: an object with `action` and an object `alert` is expected")
    warnings: list[str] = []
    try:
        event = _page(Fields(document), warnings)
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))
    return Adapted(events=(event,), warnings=tuple(warnings))


def _page(fields: Fields, warnings: list[str]) -> AlertEvent:
    said = Lenient(fields, warnings)
    of_alert = Fields.of(fields.values.get("alert"), fields.at("alert"))
    alert = Lenient(of_alert, warnings)
    verb = spelled_alike(fields.needed("action"))
    action = _ACTIONS.get(verb, PageAction.UPDATED)
    page = of_alert.needed("alertId")
    alias = alert.text("alias")
    labels = read_tags(of_alert.values.get("details")) | read_tags(of_alert.values.get("tags"))
    priority, created_at, updated_at = alert.text("priority"), alert.time("createdAt"), alert.time("updatedAt")
    actor = _actor(said, alert)
    return AlertEvent(
        status=_STATUSES.get(action, AlertStatus.FIRING),
        identity=alias or page,
        dedup_key=page,
        title=alert.text("message") or f"Opsgenie alert {alert.text('tinyId') or page}",
        severity=severity_of(priority),
        severity_raw=priority,
        starts_at=created_at,
        ends_at=updated_at if action is PageAction.RESOLVED else None,
        changed_at=updated_at,
        description=alert.text("description"),
        service=service_of(labels),
        host=alert.text("entity"),
        environment=environment_of(labels),
        labels=labels,
        paging=True,
        action=action,
        actor=actor,
        note=_note(verb, said, alert, actor),
        aliases=aliases_of(alias),
    )


def _actor(said: Lenient, alert: Lenient) -> str | None:
    """The person who acted, if one did."""
    user = alert.text("username")
    if user and user.lower() not in _NOBODY:
        return user
    source = said.inner("source")
    return source.text("name") if (source.text("type") or "").lower() in _PEOPLES_DOORS else None


def _note(verb: str, said: Lenient, alert: Lenient, actor: str | None) -> str | None:
    """The action in words."""
    by = f" by {actor}" if actor else ""
    text = alert.text("note")
    match verb:
        case "create":
            team = alert.text("team")
            return f"Paged {team}" if team else None
        case "addnote":
            return text
        case "escalate" | "escalatenext" | "escalatetonext" | "addteam" | "addresponder" | "addrecipient":
            called = said.inner("escalationNotify").text("name") or alert.text("team", "recipient", "responder")
            return f"Escalated to {called}" if called else None
        case "assign" | "assignownership":
            return f"Assigned to {alert.text('owner') or 'somebody'}{by}"
        case _:
            done = _DONE.get(verb) or (said.text("action") or verb)
            return f"{done}{by}: {text}" if text else done + by


def _detect(request: Request) -> bool:
    document = request.sniffed
    alert = document.get("alert") if isinstance(document, dict) else None
    return isinstance(document, dict) and "action" in document and isinstance(alert, dict) and "alertId" in alert


ADAPTER = Adapter(
    name="opsgenie_webhook",
    version=1,
    about=About(
        title="Opsgenie (outgoing webhook)",
        paste="Settings > Integrations > Webhook: URL {url}, tick `Add alert description` and `Add alert details`, all "
        "alert actions.",
        reads="Every action on an alert: when it was created, acknowledged, escalated and to whom, noted, closed, and "
        "by whom; priority, tags, details, and the alias, by which it finds the alert that caused it.",
        cannot_know="The time of an action apart from the alert's updatedAt; whether a person or a rule closed it "
        "unless it names a person.",
    ),
    detect=_detect,
    adapt=_adapt,
)
