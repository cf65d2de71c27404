"""Pingdom: state change webhooks of uptime and transaction checks."""

from datetime import UTC
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.batches import Told, read_each
from ingest.reading.fields import BadField, Fields, items_of
from ingest.reading.forms import first_object
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, service_of
from ingest.reading.lenient import Lenient
from ingest.reading.local_times import local_time
from ingest.reading.tags import read_tags
from ingest.reading.urls import host_of_url
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus, Severity

__all__ = ["ADAPTER"]

_STATES: Final = {
    "down": AlertStatus.FIRING,
    "failing": AlertStatus.FIRING,
    "fail": AlertStatus.FIRING,
    "failed": AlertStatus.FIRING,
    "failure": AlertStatus.FIRING,
    "up": AlertStatus.RESOLVED,
    "success": AlertStatus.RESOLVED,
    "successful": AlertStatus.RESOLVED,
}
_NO_VERDICT: Final = frozenset(("paused", "unknown", "unconfirmed_down", "unconfirmed", "nodata", "no_data", "pending"))
_IMPORTANCE: Final = {"high": Severity.CRITICAL, "low": Severity.WARNING}
# tags that say something with an underscore, for Pingdom takes no colon
_MEANINGFUL: Final = ("environment", "env", "service", "stage")


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict | list):
        raise Unreadable("not a webhook of Pingdom: an object is expected")
    return read_each(items_of(document), _told)


def _told(fields: Fields, warnings: list[str]) -> Told:
    mild = Lenient(fields, warnings)
    state = fields.needed("current_state")
    status = _STATES.get(state.lower())
    if status is None:
        if state.lower() in _NO_VERDICT:
            return f"{state}: neither up nor down"
        raise BadField(fields.at("current_state"), f"unknown word {state[:60]!r}; UP, DOWN, SUCCESS or FAILING")
    name = mild.text("check_name")
    key = mild.text("check_id") or name
    if key is None:
        raise BadField(fields.at("check_id"), "missing")
    return _event(fields, mild, status, (key, name or f"check {key}"))


def _event(fields: Fields, mild: Lenient, status: AlertStatus, about: tuple[str, str]) -> AlertEvent:
    key, name = about
    labels, parameters = _labels(fields, mild), mild.inner("check_params")
    importance = mild.text("importance_level")
    # its UTC time has no zone
    moment = local_time(fields, mild.warnings, UTC, "state_changed_timestamp", "state_changed_utc_time")
    resolved = status is AlertStatus.RESOLVED
    address = parameters.text("full_url", "url")
    return AlertEvent(
        status=status,
        identity=key,
        dedup_key=key,
        title=name,
        severity=_IMPORTANCE.get((importance or "").lower(), Severity.UNKNOWN),
        severity_raw=importance,
        starts_at=None if resolved else moment,
        ends_at=moment if resolved else None,
        description=mild.text("long_description", "description"),
        service=service_of(labels) or name,
        host=parameters.text("hostname") or host_of_url(address if "//" in (address or "") else None),
        environment=environment_of(labels),
        labels=labels,
        source_url=address if address and address.startswith("http") else None,
    )


def _labels(fields: Fields, mild: Lenient) -> dict[str, str]:
    labels: dict[str, str] = {}
    for tag, value in read_tags(fields.values.get("tags")).items():
        name, separator, said = tag.partition("_")
        if not value and separator and name in _MEANINGFUL:
            labels.setdefault(name, said)
        else:
            labels.setdefault(tag, value)
    kind = mild.text("check_type")
    return labels | {"check_type": kind} if kind else labels


def _detect(request: Request) -> bool:
    first = first_object(request)
    return first is not None and {"check_id", "current_state"} <= first.keys()


ADAPTER = Adapter(
    name="pingdom",
    version=1,
    about=About(
        title="Pingdom",
        paste="Settings > Integrations > Add, type Webhook, URL {url}; then choose it in each check's alerting.",
        reads="Check, state (UP, DOWN, SUCCESS, FAILING), time of the change, importance, description, host, tags "
        "(service, environment; also environment_prod).",
        cannot_know="Where from it was seen, beyond what the description says; how often a check failed before.",
    ),
    detect=_detect,
    adapt=_adapt,
)
