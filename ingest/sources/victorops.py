"""VictorOps, now Splunk On-Call: its REST endpoint, as monitoring tools post into it."""

from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable
from ingest.reading.keys import made_key
from ingest.reading.labels import environment_of, host_of, service_of, text_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus, Severity

__all__ = ["ADAPTER"]

_STATUSES: Final = {
    "CRITICAL": AlertStatus.FIRING,
    "WARNING": AlertStatus.FIRING,
    "INFO": AlertStatus.FIRING,
    "ACKNOWLEDGEMENT": AlertStatus.ACKNOWLEDGED,
    "ACKNOWLEDGMENT": AlertStatus.ACKNOWLEDGED,
    "ACK": AlertStatus.ACKNOWLEDGED,
    "RECOVERY": AlertStatus.RESOLVED,
    "RECOVERED": AlertStatus.RESOLVED,
    "RESOLVED": AlertStatus.RESOLVED,
    "OK": AlertStatus.RESOLVED,
}
_KUMAS_TEST: Final = "Uptime Kuma/undefined"
# read into fields of their own, or nobody's business
_NO_LABELS: Final = frozenset(
    (
        "message_type",
        "entity_id",
        "entity_display_name",
        "state_message",
        "state_start_time",
        "timestamp",
        "routing_key",
    )
) | {"ack_msg", "ack_author", "api_key", "pending_for"}
_LINKS: Final = ("alert_url", "client_url", "url", "generator_url")


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict):
        raise Unreadable("not an alert of VictorOps: an object is expected")
    fields, warnings = Fields(document), list[str]()
    try:
        event = _event(fields, Lenient(fields, warnings))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),), warnings=tuple(warnings))
    return Adapted(events=(event,), warnings=tuple(warnings))


def _event(fields: Fields, said: Lenient) -> AlertEvent | TestEvent:
    word = fields.needed("message_type")
    status = _STATUSES.get(word.upper())
    if status is None:
        raise BadField(fields.at("message_type"), f"unknown word {word[:60]!r}; one of: {', '.join(_STATUSES)}")
    key, message = said.text("entity_id"), said.text("state_message")
    title = said.text("entity_display_name") or _first_line(message)
    if key == _KUMAS_TEST:
        return TestEvent(title=message or key)
    if key is None and (status is not AlertStatus.FIRING or title is None):
        raise BadField(fields.at("entity_id"), "missing: without it nobody knows what this is about")
    labels = _labels(fields)
    told = key or made_key(title, said.text("hostname", "host_name"))
    # when the present state began; else when it was told
    moment = said.time("state_start_time", "timestamp")
    severity = severity_of(word)
    return AlertEvent(
        status=status,
        identity=told,
        dedup_key=told,
        title=title or told,
        severity=severity,
        severity_raw=word,
        starts_at=moment if status is AlertStatus.FIRING else None,
        ends_at=moment if status is AlertStatus.RESOLVED else None,
        changed_at=moment if status is AlertStatus.ACKNOWLEDGED else None,
        pending_for=said.seconds("pending_for"),
        description=message,
        service=service_of(labels) or said.text("service_description"),
        host=said.text("hostname", "host_name") or host_of(labels),
        environment=environment_of(labels),
        labels=labels,
        source_url=said.text(*_LINKS),
        # an informational message opens nothing there, so nothing will close it
        point=key is None or severity is Severity.INFO,
        actor=said.text("ack_author"),
        note=_acknowledged(said) if status is AlertStatus.ACKNOWLEDGED else None,
    )


def _first_line(text: str | None) -> str | None:
    return text.splitlines()[0].strip() or None if text else None


def _labels(fields: Fields) -> dict[str, str]:
    """What a sender adds on its own."""
    return {
        name: text
        for name, value in fields.values.items()
        if name not in _NO_LABELS and not isinstance(value, dict | list) and (text := text_of(value))
    }


def _acknowledged(said: Lenient) -> str:
    author, text = said.text("ack_author"), said.text("ack_msg")
    done = f"Acknowledged by {author}" if author else "Acknowledged"
    return f"{done}: {text}" if text else done


def _detect(request: Request) -> bool:
    document = request.sniffed
    if not isinstance(document, dict) or "message_type" not in document:
        return False
    return not document.keys().isdisjoint(("entity_id", "state_message", "entity_display_name"))


ADAPTER = Adapter(
    name="victorops",
    version=1,
    about=About(
        title="Splunk On-Call (VictorOps)",
        paste="Whatever lets you set the address of the REST endpoint: {url}/integrations/… in "
        "place of https://alert.victorops.com/integrations/…. Alertmanager: victorops_configs: [{api_key: …, "
        "routing_key: …, api_url: '{url}/integrations/generic/20131114/alert/'}].",
        reads="message_type, entity_id, entity_display_name, state_message, state_start_time (else timestamp), "
        "hostname, ack_author, ack_msg; every other field becomes a label (service, environment, …).",
        cannot_know="The start and the end where the sender leaves out both times. INFO is a moment: nothing ends it. "
        "An alert without entity_id can never be resolved.",
    ),
    detect=_detect,
    adapt=_adapt,
    secrets=("api_key",),
)
