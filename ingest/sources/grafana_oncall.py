"""Grafana OnCall: outgoing webhooks: what a pager did about its alert group, which we call a page.

Monitoring tools may post the body of its formatted webhook here, too: that is an alert.
"""

from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable
from ingest.reading.keys import made_key
from ingest.reading.labels import environment_of, fingerprint, host_of, service_of, string_labels
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.templates import spelled_alike
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus, PageAction

__all__ = ["ADAPTER"]

# event types spelled alike; whatever is not here changes the page a little and is kept as that
_ACTIONS: Final[dict[str, PageAction]] = {
    "alertgroupcreated": PageAction.TRIGGERED,
    "created": PageAction.TRIGGERED,
    # a step of the escalation chain: the first of them runs when the group is made, so nobody else is called in by it
    "escalation": PageAction.NOTIFIED,
    "personalnotification": PageAction.NOTIFIED,
    "acknowledge": PageAction.ACKNOWLEDGED,
    "unacknowledge": PageAction.UNACKNOWLEDGED,
    "resolve": PageAction.RESOLVED,
    "unresolve": PageAction.REOPENED,
    "silence": PageAction.ANNOTATED,
    "unsilence": PageAction.ANNOTATED,
}
_STATUSES: Final = {
    PageAction.ACKNOWLEDGED: AlertStatus.ACKNOWLEDGED,
    PageAction.RESOLVED: AlertStatus.RESOLVED,
}
_STATES: Final = {
    "ok": AlertStatus.RESOLVED,
    "resolved": AlertStatus.RESOLVED,
    "alerting": AlertStatus.FIRING,
    "firing": AlertStatus.FIRING,
}
_DONE: Final = {
    "acknowledge": "Acknowledged",
    "unacknowledge": "Acknowledgement taken back",
    "resolve": "Resolved",
    "unresolve": "Reopened",
    "silence": "Silenced",
    "unsilence": "Silence taken back",
}
_MOST_ALIASES: Final = 100


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict):
        raise Unreadable("not a webhook of Grafana OnCall: an object is expected")
    fields, warnings = Fields(document), list[str]()
    try:
        event = _page(fields, warnings) if "alert_group" in document else _formatted(fields, Lenient(fields, warnings))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),), warnings=tuple(warnings))
    return Adapted(events=(event,), warnings=tuple(warnings))


def _page(fields: Fields, warnings: list[str]) -> AlertEvent:
    said = Lenient(fields, warnings)
    of_group = Fields.of(fields.values.get("alert_group"), fields.at("alert_group"))
    of_event = Fields.of(fields.values.get("event"), fields.at("event"))
    group, about, integration = Lenient(of_group, warnings), Lenient(of_event, warnings), said.inner("integration")
    verb = spelled_alike(of_event.needed("type"))
    action = _ACTIONS.get(verb, PageAction.UPDATED)
    page = said.text("alert_group_id") or of_group.needed("id")
    payload = _dict(fields.values.get("alert_payload"))
    keys, labels = _keys(payload), _labels(payload) | string_labels(_dict(of_group.values.get("labels")))
    condition = Lenient(Fields(payload, fields.at("alert_payload")), warnings).text("groupKey") or next(
        iter(keys), None
    )
    acknowledged, resolved = action is PageAction.ACKNOWLEDGED, action is PageAction.RESOLVED
    moment = about.time("time")
    actor, severity = said.inner("user").text("username", "name"), labels.get("severity")
    return AlertEvent(
        status=_STATUSES.get(action, AlertStatus.FIRING),
        # a new group of the same integration and key is the same condition again
        identity="/".join(part for part in (integration.text("id"), condition) if part) if condition else page,
        dedup_key=page,
        title=group.text("title") or f"OnCall alert group {page}",
        severity=severity_of(severity),
        severity_raw=severity,
        starts_at=group.time("created_at"),
        ends_at=group.time("resolved_at") or moment if resolved else None,
        changed_at=moment or (group.time("acknowledged_at") if acknowledged else None),
        service=service_of({name: value for name, value in labels.items() if name != "job"}),
        host=host_of(labels),
        environment=environment_of(labels),
        labels=labels,
        source_url=group.inner("permalinks").text("web"),
        paging=True,
        action=action,
        actor=actor,
        note=_note(verb, actor, integration.text("team"), said),
        aliases=keys,
    )


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _keys(payload: dict[str, object]) -> tuple[str, ...]:
    """The keys by which the monitors know their alerts: of the first alert of the group, as its sender wrote it."""
    alerts = payload.get("alerts")
    each = [_dict(alert) for alert in alerts] if isinstance(alerts, list) else [payload]
    found: dict[str, None] = {}
    for alert in each[:_MOST_ALIASES]:
        labels = string_labels(_dict(alert.get("labels")))
        for name in ("fingerprint", "alert_uid", "dedup_key", "incident_key", "alias", "entity_id"):
            key = alert.get(name)
            if isinstance(key, str | int) and key != "":
                found[str(key)] = None
        if labels and "fingerprint" not in alert:
            found[fingerprint(labels)] = None
    return tuple(found)


def _labels(payload: dict[str, object]) -> dict[str, str]:
    """What all alerts of the group have in common, as far as its first alert tells."""
    return string_labels(_dict(payload.get("commonLabels")) or _dict(payload.get("labels")))


def _note(verb: str, actor: str | None, team: str | None, said: Lenient) -> str | None:
    """The action in words."""
    by = f" by {actor}" if actor else ""
    people = ", ".join(name for each in said.list_of("notified_users") if (name := each.text("username")))
    match verb:
        case "alertgroupcreated" | "created":
            return f"Paged {team}" if team else None
        case "escalation" | "personalnotification":
            return f"Notified {people or actor}" if people or actor else None
        case _:
            return _DONE.get(verb, (said.inner("event").text("type") or verb).capitalize()) + by


def _formatted(fields: Fields, said: Lenient) -> AlertEvent:
    """An alert of a monitoring tool, in the form that OnCall asks for."""
    word = (said.text("state") or "alerting").lower()
    status = _STATES.get(word)
    if status is None:
        raise BadField(fields.at("state"), f"unknown word {word[:60]!r}; one of: {', '.join(_STATES)}")
    key, title = said.text("alert_uid"), said.text("title")
    if key is None and title is None:
        raise BadField(fields.at("alert_uid"), "missing, and so is a title")
    labels = string_labels(_dict(fields.values.get("labels")))
    severity = said.text("severity") or labels.get("severity")
    told = key or made_key(title)
    return AlertEvent(
        status=status,
        identity=told,
        dedup_key=told,
        title=title or told,
        severity=severity_of(severity),
        severity_raw=severity,
        description=said.text("message"),
        service=said.text("service") or service_of(labels),
        host=said.text("host") or host_of(labels),
        environment=environment_of(labels),
        labels=labels,
        source_url=said.text("link_to_upstream_details"),
    )


def _detect(request: Request) -> bool:
    document = request.sniffed
    if not isinstance(document, dict):
        return False
    return isinstance(document.get("alert_group"), dict) and "type" in _dict(document.get("event"))


ADAPTER = Adapter(
    name="grafana_oncall",
    version=1,
    about=About(
        title="Grafana OnCall",
        paste="Outgoing webhooks > New > Advanced: one each of trigger type Alert Group Created and Status Change, "
        "POST, URL {url}, `Forward whole payload data` on.",
        reads="Every event of an alert group: when it was made, acknowledged, silenced, resolved, unresolved, and by "
        "whom; title, labels, web link; the first alert's own payload, by whose fingerprints or keys it finds the "
        "alerts that caused it. Also alerts in the form of its formatted webhook: alert_uid, title, state, message, "
        "link_to_upstream_details.",
        cannot_know="Whether an escalation step called in somebody else: steps count as notifications. Times in the "
        "formatted webhook: there the time of receipt stands in.",
    ),
    detect=_detect,
    adapt=_adapt,
    secrets=("email",),
)
