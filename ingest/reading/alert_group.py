"""Groups of alerts as Alertmanager writes them; Grafana's unified alerting writes the same and more.

What is posted into Alertmanager's API has the same alerts, without the group around them.

Twice the same reading: typed and strict, which is fast and holds for what real senders write; and lenient, for bodies
in which something is not as it should be. The lenient one mends what it can (with a warning), then asks the strict one.
"""

import re
from collections.abc import Callable
from typing import Final, NoReturn, TypeVar

import msgspec

from ingest.adapter import Adapted, Request
from ingest.reading.durations import read_duration
from ingest.reading.fields import BadField, Fields, pointer_of
from ingest.reading.json_body import Unreadable, has_control_escapes
from ingest.reading.labels import environment_of, fingerprint, host_of, service_of
from ingest.reading.severities import severity_of
from ingest.reading.times import read_time
from schemas.events import AlertEvent, Rejected, TestEvent
from schemas.vocabulary import AlertStatus

__all__ = ["Alert", "alert_event", "mended", "read_group"]

T = TypeVar("T")
_Told = AlertEvent | TestEvent

_PLAIN_NUMBER: Final = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?", re.ASCII)  # the usual one, read without ado
_STATUSES: Final = {"firing": AlertStatus.FIRING, "resolved": AlertStatus.RESOLVED}


class Alert(msgspec.Struct, rename="camel", gc=False):
    """One alert, in the names of the sender."""

    labels: dict[str, str]
    status: str = ""
    starts_at: str = ""
    ends_at: str = ""
    annotations: dict[str, str] = {}
    generator_url: str = msgspec.field(default="", name="generatorURL")
    fingerprint: str = ""
    values: dict[str, float | None] | None = None


class _Group(msgspec.Struct, rename="camel", gc=False):
    """The body: a group of alerts. Its own status is never used: it is firing as soon as any alert is."""

    alerts: list[Alert]
    truncated_alerts: int = 0


_typed: Final = msgspec.json.Decoder(_Group)


def read_group(request: Request) -> Adapted:
    """Read a group of alerts.

    Raises:
        Unreadable: not JSON, or not a group.
    """
    body = request.body
    if not has_control_escapes(body):
        try:
            group = _typed.decode(body)
            events = tuple([alert_event(alert, item) for item, alert in enumerate(group.alerts)])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass  # something is not as it should be: the lenient reading finds out what
        else:
            return _adapted(events, group.truncated_alerts)
    return _read_leniently(request.document)


def _adapted(
    events: tuple[AlertEvent | TestEvent, ...],
    truncated: int,
    rejected: tuple[Rejected, ...] = (),
    warnings: tuple[str, ...] = (),
) -> Adapted:
    if truncated > 0:
        # the sender cut the group: these alerts reach nobody, so a person must be told
        warnings += (f"the sender left out {truncated} alerts of this group (truncatedAlerts)",)
    ignored = None if events or rejected else "the group holds no alerts"
    return Adapted(events=events, rejected=rejected, warnings=warnings, ignored=ignored)


def alert_event(alert: Alert, item: int, within: str = "/alerts", lease: float | None = None) -> _Told:
    """Make the event of one alert; `within` is the pointer to the list that holds it, `lease` what its sender grants.

    Raises:
        ValueError: something in it is not as it should be.
    """
    labels, named, noted = alert.labels, alert.labels.get, alert.annotations.get
    name = named("alertname")
    title = noted("summary") or noted("title") or name
    if not labels:
        raise BadField(within + pointer_of(item, "labels"), "an alert has at least one label")
    if name == "TestAlert" and named("instance") == "Grafana":
        return TestEvent(item=item, title=title or name)
    status = _STATUSES.get(alert.status) or _unknown_status(alert.status, within + pointer_of(item, "status"))
    key = alert.fingerprint or fingerprint(labels)
    severity = named("severity") or noted("severity")
    window = noted("pending_for", named("pending_for"))
    return AlertEvent(
        item=item,
        status=status,
        identity=key,
        dedup_key=key,
        title=title or "unnamed alert",
        severity=severity_of(severity),
        severity_raw=severity,
        starts_at=read_time(alert.starts_at),
        # a firing alert has no end: what stands there is the zero time or, in forks, a lease
        ends_at=read_time(alert.ends_at) if status is AlertStatus.RESOLVED else None,
        pending_for=read_duration(window) if window else None,
        description=noted("description") or noted("message"),
        service=named("service") or service_of(labels),
        host=named("instance") or host_of(labels),
        environment=environment_of(labels),
        labels=labels,
        source_url=alert.generator_url or None,
        runbook=noted("runbook_url") or noted("runbook"),
        repeats=True,
        lease=lease,
        value=_value(alert) if alert.values or "value" in alert.annotations else None,
    )


def _unknown_status(word: str, pointer: str) -> NoReturn:
    reason = f"unknown word {word[:60]!r}; one of: {', '.join(_STATUSES)}"
    raise BadField(pointer, reason)


def _value(alert: Alert) -> float | None:
    """The measured value where it is beyond doubt: an annotation, or the only one that Grafana tells."""
    if alert.values and len(alert.values) == 1:
        return next(iter(alert.values.values()))
    text = alert.annotations.get("value", "")
    return float(text) if _PLAIN_NUMBER.fullmatch(text) else Fields({"value": text}).number("value")


def _read_leniently(document: object) -> Adapted:
    if not isinstance(document, dict) or not isinstance(document.get("alerts"), list):
        raise Unreadable("not a group of alerts: an object with a list `alerts` is expected")
    events: list[AlertEvent | TestEvent] = []
    rejected: list[Rejected] = []
    warnings: list[str] = []
    for item, value in enumerate(document["alerts"]):
        try:
            events.append(alert_event(mended(Fields.of(value, pointer_of("alerts", item)), warnings), item))
        except BadField as error:
            rejected.append(error.rejected(item))
    truncated = document.get("truncatedAlerts")
    return _adapted(tuple(events), truncated if isinstance(truncated, int) else 0, tuple(rejected), tuple(warnings))


def mended(fields: Fields, warnings: list[str]) -> Alert:
    """One alert with all that cannot be read left out, and a warning for each.

    Raises:
        BadField: the labels or the status cannot be read; without them there is no alert.
    """

    def attempt(read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except BadField as error:
            warnings.append(f"{error}; left out")
            return otherwise

    labels = fields.labels("labels")
    annotations = attempt(lambda: fields.labels("annotations"), dict[str, str]())
    window = Fields({**labels, **annotations}, fields.pointer)
    if attempt(lambda: window.seconds("pending_for"), None) is None:
        annotations["pending_for"] = ""  # also hides an unreadable label of this name
    return Alert(
        status=(fields.text("status") or "").lower(),
        labels=labels,
        annotations=annotations,
        starts_at=attempt(lambda: _time_text(fields, "startsAt"), ""),
        ends_at=attempt(lambda: _time_text(fields, "endsAt"), ""),
        generator_url=attempt(lambda: fields.text("generatorURL"), None) or "",
        fingerprint=attempt(lambda: fields.text("fingerprint"), None) or "",
        values=_numbers(fields.values.get("values")),
    )


def _time_text(fields: Fields, name: str) -> str:
    moment = fields.time(name)
    return moment.isoformat() if moment else ""


def _numbers(values: object) -> dict[str, float | None] | None:
    if not isinstance(values, dict):
        return None
    numbers = Fields(values)
    return {str(name): numbers.number(name) for name in values}
