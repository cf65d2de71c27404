"""PagerDuty: webhook subscriptions, version 3. What a pager did about an incident of its own, which we call a page."""

from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.aliases import aliases_of
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable
from ingest.reading.lenient import Lenient
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus, PageAction

__all__ = ["ADAPTER"]

_PREFIX: Final = "incident."
# the status that an action means; None: as the incident says. PagerDuty writes "triggered" again after an escalation
_ACTIONS: Final[dict[str, tuple[PageAction, AlertStatus | None]]] = {
    "triggered": (PageAction.TRIGGERED, AlertStatus.FIRING),
    "acknowledged": (PageAction.ACKNOWLEDGED, AlertStatus.ACKNOWLEDGED),
    "unacknowledged": (PageAction.UNACKNOWLEDGED, AlertStatus.FIRING),
    "escalated": (PageAction.ESCALATED, AlertStatus.FIRING),
    "reassigned": (PageAction.ESCALATED, AlertStatus.FIRING),
    "delegated": (PageAction.ESCALATED, AlertStatus.FIRING),
    "responder.added": (PageAction.ESCALATED, AlertStatus.FIRING),
    "annotated": (PageAction.ANNOTATED, None),
    "status_update_published": (PageAction.ANNOTATED, None),
    "resolved": (PageAction.RESOLVED, AlertStatus.RESOLVED),
    "reopened": (PageAction.REOPENED, AlertStatus.FIRING),
}
_STATUSES: Final = {
    "triggered": AlertStatus.FIRING,
    "acknowledged": AlertStatus.ACKNOWLEDGED,
    "resolved": AlertStatus.RESOLVED,
}
_DONE: Final = {
    "acknowledged": "Acknowledged",
    "unacknowledged": "Acknowledgement taken back",
    "resolved": "Resolved",
    "reopened": "Reopened",
}
_CALLED: Final = {"triggered": "Paged", "reassigned": "Reassigned to", "delegated": "Delegated to"}


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict) or not isinstance(document.get("event"), dict):
        raise Unreadable("not a PagerDuty webhook of version 3: an object with an object `event` is expected")
    fields = Fields.of(document["event"], "/event")
    try:
        return _event(fields)
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))


def _event(fields: Fields) -> Adapted:
    kind = fields.needed("event_type")
    if kind == "pagey.ping":
        return Adapted(events=(TestEvent(title="PagerDuty's test of the webhook"),))
    if not kind.startswith(_PREFIX):
        return Adapted(ignored=f"{kind[:60]} is not about an incident")
    data = Fields.of(fields.values.get("data"), fields.at("data"))
    warnings: list[str] = []
    event = _page(kind.removeprefix(_PREFIX), fields, data, warnings)
    return Adapted(events=(event,), warnings=tuple(warnings))


def _page(verb: str, fields: Fields, data: Fields, warnings: list[str]) -> AlertEvent:
    about, said = Lenient(fields, warnings), Lenient(data, warnings)
    # notes, responders and the like only point to their incident
    inside = data.values.get("incident")
    of_incident = Fields.of(inside, data.at("incident")) if inside is not None else data
    incident = Lenient(of_incident, warnings)
    page, key = of_incident.needed("id"), incident.text("incident_key")
    service = incident.inner("service")
    action, status = _action(verb, about, said)
    if status is None:
        status = _STATUSES.get((incident.text("status") or "").lower(), AlertStatus.FIRING)
    occurred_at = about.time("occurred_at")
    urgency, priority = incident.text("urgency"), incident.inner("priority").text("summary")
    return AlertEvent(
        status=status,
        # a new incident of the same service and key is the same condition again
        identity="/".join(part for part in (service.text("id"), key) if part) if key else page,
        dedup_key=page,
        title=incident.text("title", "summary") or f"PagerDuty incident {page}",
        # priorities are whatever an account makes of them, and urgency is about people: neither says how bad it is
        severity_raw="/".join(part for part in (priority, urgency) if part) or None,
        starts_at=incident.time("created_at"),
        ends_at=occurred_at if action is PageAction.RESOLVED else None,
        changed_at=occurred_at,
        service=service.text("summary"),
        labels=_labels(incident, priority),
        source_url=incident.text("html_url"),
        paging=True,
        action=action,
        actor=about.inner("agent").text("summary"),
        note=_note(verb, about, said),
        aliases=aliases_of(key),
    )


def _action(verb: str, about: Lenient, said: Lenient) -> tuple[PageAction, AlertStatus | None]:
    """The action and the status that it means.

    Handing a page to somebody else escalates it: another person is called in. Taking it over oneself calls nobody.
    """
    agent = about.inner("agent").text("id")
    if verb == "reassigned" and agent and agent in [each.text("id") for each in said.list_of("assignees")]:
        return PageAction.UPDATED, AlertStatus.FIRING
    return _ACTIONS.get(verb, (PageAction.UPDATED, None))


def _labels(incident: Lenient, priority: str | None) -> dict[str, str]:
    found = {
        "urgency": incident.text("urgency"),
        "priority": priority,
        "escalation_policy": incident.inner("escalation_policy").text("summary"),
        "number": incident.text("number"),
    }
    return {name: value for name, value in found.items() if value}


def _note(verb: str, about: Lenient, said: Lenient) -> str | None:
    """The action in words."""
    actor = about.inner("agent").text("summary")
    by = f" by {actor}" if actor else ""
    match verb:
        case "annotated":
            return said.text("content")
        case "status_update_published":
            return said.text("message")
        case "resolved" if said.inner("resolve_reason").text("type"):
            into = said.inner("resolve_reason").inner("incident").text("summary", "id")
            return f"Resolved{by}: merged into {into or 'another incident'}"
        case "acknowledged" | "unacknowledged" | "resolved" | "reopened":
            return _DONE[verb] + by
        case "triggered" | "escalated" | "reassigned" | "delegated":
            called = _called(said)
            return f"{_CALLED.get(verb, 'Escalated to')} {called}" if called else None
        case "responder.added":
            added = said.inner("user").text("summary") or said.inner("escalation_policy").text("summary")
            return f"Responder added: {added}" if added else None
        case "priority_updated":
            priority = said.inner("priority").text("summary")
            return f"Priority set to {priority}{by}" if priority else f"Priority taken off{by}"
        case _:
            return verb.replace(".", " ").replace("_", " ").capitalize() + by


def _called(said: Lenient) -> str:
    """Who was called: "DevOps (User Bravo)"."""
    policy = said.inner("escalation_policy").text("summary")
    people = ", ".join(name for each in said.list_of("assignees") if (name := each.text("summary")))
    return f"{policy} ({people})" if policy and people else policy or people


def _detect(request: Request) -> bool:
    document = request.sniffed
    event = document.get("event") if isinstance(document, dict) else None
    return isinstance(event, dict) and {"event_type", "resource_type"} <= event.keys()


ADAPTER = Adapter(
    name="pagerduty_webhook_v3",
    version=1,
    about=About(
        title="PagerDuty",
        paste="Integrations > Generic Webhooks (v3) > New Webhook: URL {url}, all events of type incident.",
        reads="Every event of an incident: when it was created, acknowledged, escalated, annotated, resolved, "
        "reopened, and by whom; its service, and its incident key, by which it finds the alert that caused it.",
        cannot_know="A severity (priorities and urgency are an account's own), hosts, labels of the alert. Handing a "
        "page to somebody else counts as an escalation, taking it over oneself does not.",
    ),
    detect=_detect,
    adapt=_adapt,
    rank=20,
    secrets=("conference_number", "conference_url"),
)
