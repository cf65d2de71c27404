"""Prometheus: what it posts into Alertmanager's API, version 2: a list of alerts. No word says whether one fires.

An alert is over when its end has passed. An end that is still to come is a lease: it is over then unless it is sent
again, which Prometheus does every minute. Without an end, the protocol grants five minutes.
"""

from datetime import datetime
from typing import Final

import msgspec

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.alert_group import Alert, alert_event, mended
from ingest.reading.fields import BadField, Fields, pointer_of
from ingest.reading.json_body import Unreadable, has_control_escapes
from ingest.reading.times import read_time
from schemas.events import AlertEvent, Rejected, TestEvent

__all__ = ["ADAPTER"]

_typed: Final = msgspec.json.Decoder(list[Alert])
_UNSTATED_LEASE_S: Final = 300.0  # Alertmanager's resolve_timeout, unless configured otherwise
_OURS: Final = frozenset(("title", "summary", "message", "name"))  # a list in our own format


def _adapt(request: Request) -> Adapted:
    body, now = request.body, request.received_at
    if not has_control_escapes(body):
        try:
            events = tuple([_event(alert, item, now) for item, alert in enumerate(_typed.decode(body))])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass  # something is not as it should be: the lenient reading finds out what
        else:
            return Adapted(events=events, ignored=None if events else "an empty list")
    return _read_leniently(request.document, now)


def _event(alert: Alert, item: int, now: datetime) -> AlertEvent | TestEvent:
    """Make the event of one alert.

    Raises:
        ValueError: something in it is not as it should be.
    """
    starts_at, ends_at = read_time(alert.starts_at), read_time(alert.ends_at)
    if starts_at and ends_at and ends_at < starts_at:
        raise BadField(pointer_of(item, "endsAt"), "before the start")
    if not all(alert.labels.values()):
        alert.labels = {name: value for name, value in alert.labels.items() if value}
    if ends_at and ends_at <= now:
        alert.status = "resolved"
        return alert_event(alert, item, "")
    alert.status = "firing"
    return alert_event(alert, item, "", (ends_at - now).total_seconds() if ends_at else _UNSTATED_LEASE_S)


def _read_leniently(document: object, now: datetime) -> Adapted:
    if not isinstance(document, list):
        raise Unreadable("not a list of alerts")
    events: list[AlertEvent | TestEvent] = []
    rejected: list[Rejected] = []
    warnings: list[str] = []
    for item, value in enumerate(document):
        try:
            fields = Fields.of(value, pointer_of(item))
            told = {name: each for name, each in fields.values.items() if name != "status"}
            events.append(_event(mended(Fields(told, fields.pointer), warnings), item, now))
        except BadField as error:
            rejected.append(error.rejected(item))
    ignored = None if document else "an empty list"
    return Adapted(events=tuple(events), rejected=tuple(rejected), warnings=tuple(warnings), ignored=ignored)


def _detect(request: Request) -> bool:
    document = request.sniffed
    first = document[0] if isinstance(document, list) and document else None
    return isinstance(first, dict) and isinstance(first.get("labels"), dict) and _OURS.isdisjoint(first)


ADAPTER = Adapter(
    name="alertmanager_api_v2",
    version=2,
    about=About(
        title="Prometheus (Alertmanager's API v2)",
        paste="alerting: {alertmanagers: [{static_configs: [{targets: ['HOST:PORT']}]}]} in prometheus.yml, with "
        "path_prefix: /v1/webhooks/NAME for one of several integrations. Whatever else posts to Alertmanager: "
        "{url}/api/v2/alerts.",
        reads="Every alert of the list: labels, annotations, startsAt, endsAt, generatorURL. One whose end has passed "
        "is resolved; an end to come is a lease: unless it is sent again, the alert expires then, five minutes after "
        "the last copy if it states none. The fingerprint is computed as Alertmanager does it.",
        cannot_know="The rule's `for` unless an annotation pending_for repeats it. Who leaves out startsAt says "
        "nothing of the start. When an alert ended whose lease ran out: only that it was by then.",
    ),
    detect=_detect,
    adapt=_adapt,
)
