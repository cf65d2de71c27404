"""Opsgenie: its Alert API, as monitoring tools post into it. The path says which alert, and what is done with it."""

from typing import Final
from urllib.parse import unquote

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.aliases import aliases_of
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable, printable
from ingest.reading.keys import made_key
from ingest.reading.labels import environment_of, first_of, host_of, service_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus, PageAction

__all__ = ["ADAPTER"]

_USUAL_PRIORITY: Final = "P3"  # what an alert has that states none
_RUNBOOK: Final = ("runbook_url", "runbook")
_KUMAS_TEST: Final = "uptime-kuma-notification-test"
_STATUSES: Final = {"acknowledge": AlertStatus.ACKNOWLEDGED, "close": AlertStatus.RESOLVED}
# what people do about an alert: rows, never a new state of it
_ACTIONS: Final = {
    "unacknowledge": PageAction.UNACKNOWLEDGED,
    "notes": PageAction.ANNOTATED,
    "snooze": PageAction.ANNOTATED,
    "assign": PageAction.ANNOTATED,
    "escalate": PageAction.ESCALATED,
    "responders": PageAction.ESCALATED,
    "teams": PageAction.ESCALATED,
}
_EDITS: Final = frozenset(("message", "description", "priority", "tags", "details", "attachments", "actions"))


def _adapt(request: Request) -> Adapted:
    document = request.document if request.body.strip() else {}
    if not isinstance(document, dict):
        raise Unreadable("not a request of the Alert API: an object is expected")
    fields, warnings = Fields(document), list[str]()
    key, verb = _asked(request)
    try:
        if verb in _EDITS:
            return Adapted(ignored=f"the alert's {verb} were edited: neither firing nor resolved")
        event = _created(fields, warnings) if key is None else _about(key, verb, Lenient(fields, warnings))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),), warnings=tuple(warnings))
    return Adapted(events=(event,), warnings=tuple(warnings))


def _asked(request: Request) -> tuple[str | None, str]:
    """The alert that the path names, and what to do with it; none for `create`.

    Senders percent-encode a slash in the name, or they do not.
    """
    parts = (request.path or "").partition("?")[0].strip("/").split("/")
    if "alerts" not in parts:
        return None, "create"
    rest = [part for part in parts[parts.index("alerts") + 1 :] if part]
    if not rest:
        return None, "create"
    if len(rest) > 2 and rest[-2] == "actions":  # a custom action, by its own name
        return unquote("/".join(rest[:-2])), "actions"
    if len(rest) > 1 and (rest[-1] in _STATUSES or rest[-1] in _ACTIONS or rest[-1] in _EDITS):
        return printable(unquote("/".join(rest[:-1]))), rest[-1]
    return printable(unquote("/".join(rest))), "close" if request.method == "DELETE" else "?"


def _created(fields: Fields, warnings: list[str]) -> AlertEvent | TestEvent:
    said = Lenient(fields, warnings)
    alias, title = said.text("alias"), fields.needed("message")
    if alias == _KUMAS_TEST:
        return TestEvent(title=title)
    labels = read_tags(fields.values.get("details")) | read_tags(fields.values.get("tags"))
    entity, source, priority = said.text("entity"), said.text("source"), said.text("priority")
    key = alias or made_key(title, entity, source)
    window = labels.get("pending_for")
    return AlertEvent(
        status=AlertStatus.FIRING,
        identity=key,
        dedup_key=key,
        title=title,
        severity=severity_of(priority or _USUAL_PRIORITY),
        severity_raw=priority,
        pending_for=Lenient(Fields({"pending_for": window}, "/details"), warnings).seconds("pending_for"),
        description=said.text("description"),
        service=service_of(labels) or entity,
        host=host_of(labels),
        environment=environment_of(labels),
        labels=labels,
        source_url=source if source and source.startswith(("http://", "https://")) else None,
        runbook=first_of(labels, _RUNBOOK),
        # nobody can name it: nothing will ever say that it is over
        point=alias is None,
    )


def _about(key: str, verb: str, said: Lenient) -> AlertEvent:
    """What is done with an alert that the path names."""
    actor = said.text("user")
    status = _STATUSES.get(verb)
    action = _ACTIONS.get(verb)
    if status is None and action is None:
        raise BadField(
            "", f"unknown request {verb[:60]!r} of the Alert API; one of: {', '.join((*_STATUSES, *_ACTIONS))}"
        )
    return AlertEvent(
        status=status or AlertStatus.FIRING,
        identity=key,
        dedup_key=key,
        title=key,
        paging=action is not None,
        action=action,
        actor=actor,
        note=_note(verb, said, actor),
        aliases=aliases_of(key) if action is not None else (),
    )


def _note(verb: str, said: Lenient, actor: str | None) -> str:
    """The request in words."""
    by, text = f" by {actor}" if actor else "", said.text("note")
    match verb:
        case "notes":
            return text or "A note without words"
        case "snooze":
            until = said.text("endTime")
            done = f"Snoozed until {until}{by}" if until else f"Snoozed{by}"
        case "assign":
            done = f"Assigned to {_named(said.inner('owner')) or 'somebody'}{by}"
        case "escalate" | "responders" | "teams":
            called = next(
                (name for inner in ("escalation", "responder", "team") if (name := _named(said.inner(inner)))), ""
            )
            done = f"Escalated to {called or 'the next'}{by}"
        case "unacknowledge":
            done = f"Acknowledgement taken back{by}"
        case _:
            done = f"{'Acknowledged' if verb == 'acknowledge' else 'Closed'}{by}"
    return f"{done}: {text}" if text else done


def _named(of: Lenient) -> str | None:
    return of.text("name", "username", "id")


def _detect(request: Request) -> bool:
    if (request.path or "").startswith("/v2/alerts"):
        return True
    document = request.sniffed
    if not isinstance(document, dict) or "message" not in document:
        return False
    priority = document.get("priority")
    if isinstance(document.get("responders"), list):
        return True
    return "alias" in document and ("entity" in document or (isinstance(priority, str) and priority[:1] == "P"))


ADAPTER = Adapter(
    name="opsgenie",
    version=1,
    about=About(
        title="Opsgenie (Alert API)",
        paste="Whatever lets you set the address of Opsgenie's API: {url} in place of https://api.opsgenie.com. "
        "Alertmanager: opsgenie_configs: [{api_key: …, api_url: '{url}/'}].",
        reads="POST /v2/alerts: message, alias, priority, entity (the service, unless details or tags name one), "
        "details, tags, source; /v2/alerts/{alias}/close, acknowledge, unacknowledge, notes, snooze, assign, escalate, "
        "and DELETE, with user and note.",
        cannot_know="When anything happened: the API states no time, so that of receipt stands in. Alerts that are "
        "named by Opsgenie's own id instead of their alias. An alert without alias can never be closed: it counts as a "
        "moment. Alertmanager's alias is that of a group: one alert for all of its alerts.",
    ),
    detect=_detect,
    adapt=_adapt,
)
