"""Google Cloud Monitoring: webhook and Pub/Sub notifications, versions 1.0 to 1.2."""

import base64
import binascii
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.durations import BadDuration, read_duration
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable, read_json
from ingest.reading.labels import environment_of, fingerprint, first_of, host_of, service_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

_STATES: Final = {
    "open": AlertStatus.FIRING,
    "closed": AlertStatus.RESOLVED,
    "acknowledged": AlertStatus.ACKNOWLEDGED,
}
_RUNBOOK: Final = ("runbook", "runbook_url", "runbookUrl", "runbook_link")


def _adapt(request: Request) -> Adapted:
    document = _unwrapped(request.document)
    if not isinstance(document, dict) or not isinstance(document.get("incident"), dict):
        raise Unreadable("not a notification of Cloud Monitoring: an object with an object `incident` is expected")
    warnings: list[str] = []
    fields = Fields(document["incident"], "/incident")
    try:
        told = Lenient(fields, warnings)
        if (Lenient(Fields(document), warnings).text("version") or "").lower() == "test":
            return Adapted(events=(TestEvent(title=told.text("summary") or "a test of the notification channel"),))
        return Adapted(events=(_event(fields, told),), warnings=tuple(warnings))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))


def _unwrapped(document: object) -> object:
    """The notification itself; Pub/Sub puts it in base64 into a message of its own.

    Raises:
        Unreadable: the message does not hold JSON.
    """
    message = document.get("message") if isinstance(document, dict) else None
    data = message.get("data") if isinstance(message, dict) else None
    if not isinstance(data, str):
        return document
    try:
        return read_json(base64.b64decode(data))
    except (binascii.Error, ValueError) as error:
        raise Unreadable(f"the data of the Pub/Sub message cannot be read: {error}") from None


def _event(fields: Fields, told: Lenient) -> AlertEvent:
    status, key, condition = _status(fields), fields.needed("incident_id"), told.inner("condition")
    named = [name for name in (told.text("policy_name"), told.text("condition_name")) if name]
    resource, metric = told.inner("resource").labels("labels"), told.inner("metric").labels("labels")
    of_user = told.inner("metadata").labels("user_labels") | told.labels("policy_user_labels")
    labels = metric | resource | of_user
    lowered = {name.lower(): value for name, value in labels.items()}
    host = told.text("resource_display_name", "resource_name", "resource_id") or host_of(resource)
    word = told.text("severity") or of_user.get("severity")
    documentation = told.inner("documentation")
    return AlertEvent(
        status=status,
        identity=_identity(condition.text("name"), named, host, metric) or key,
        dedup_key=key,
        title=": ".join(named) or told.text("summary") or key,
        severity=severity_of(word),
        severity_raw=word,
        starts_at=told.time("started_at"),
        ends_at=told.time("ended_at") if status is AlertStatus.RESOLVED else None,
        pending_for=_window(condition),
        description=told.text("summary") or documentation.text("content"),
        service=service_of(lowered),
        host=host,
        environment=environment_of({name.lower(): value for name, value in of_user.items()}),
        labels=labels,
        source_url=told.text("url"),
        runbook=_runbook(documentation, of_user),
        # the observed value may be a sentence
        value=told.number("observed_value"),
        # an alert on a log entry: no end is ever told
        point="conditionMatchedLog" in condition.values,
    )


def _status(fields: Fields) -> AlertStatus:
    word = fields.needed("state")
    status = _STATES.get(word.lower())
    if status is None:
        raise BadField(fields.at("state"), f"unknown word {word[:60]!r}; one of: {', '.join(_STATES)}")
    return status


def _identity(condition: str | None, named: list[str], host: str | None, metric: dict[str, str]) -> str | None:
    """Policy and condition, by their path where it is told, and the resource and series that met it."""
    parts = [condition] if condition else named
    if not parts:
        return None
    return "|".join([*parts, *([host] if host else []), *([fingerprint(metric)] if metric else [])])


def _window(condition: Lenient) -> float | None:
    """How long the condition has to hold: its duration, whatever kind of condition it is."""
    for name in condition.values:
        text = condition.inner(name).text("duration")
        if text:
            try:
                return read_duration(text)
            except BadDuration:
                return None
    return None


def _runbook(documentation: Lenient, labels: dict[str, str]) -> str | None:
    """A label, the first link of the documentation, or a field of documentation that is written as JSON."""
    link = next((url for each in documentation.list_of("links") if (url := each.text("url"))), None)
    content = documentation.text("content") or ""
    if link is None and content.startswith("{"):
        try:
            given = read_json(content.encode(errors="replace"))
        except Unreadable:
            given = None
        link = Lenient(Fields(given if isinstance(given, dict) else {}), []).text(*_RUNBOOK)
    return first_of(labels, _RUNBOOK) or link


def _detect(request: Request) -> bool:
    try:
        document = _unwrapped(request.sniffed)
    except Unreadable:
        return False
    incident = document.get("incident") if isinstance(document, dict) else None
    return isinstance(incident, dict) and {"incident_id", "policy_name", "condition_name"} <= incident.keys()


ADAPTER = Adapter(
    name="gcp_monitoring",
    version=1,
    about=About(
        title="Google Cloud Monitoring",
        paste="Monitoring > Alerting > Edit notification channels > Webhooks > Add new: endpoint URL {url}; or a "
        "Pub/Sub channel with a push subscription to it. In the policy switch on `Notify on incident closure`, and "
        "name service and environment as user labels.",
        reads="Incident id, policy, condition and its duration, state, started_at, ended_at, severity, resource, "
        "labels of metric, resource, policy and user, observed value, documentation links, url.",
        cannot_know="The end of alerts on log entries: those are moments. Since when the values were bad, beyond the "
        "duration of the condition.",
    ),
    detect=_detect,
    adapt=_adapt,
)
