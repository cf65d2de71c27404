"""Uptime Kuma: the webhook, as JSON, as a form of parts, by GET, or with the body of a usual template."""

import re
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable, read_json
from ingest.reading.keys import made_key
from ingest.reading.labels import environment_of, first_of, host_of
from ingest.reading.lenient import Lenient
from ingest.reading.parts import read_parts
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from ingest.reading.times import BadTime, read_time
from ingest.reading.urls import host_of_url
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

_STATUSES: Final = {
    "0": AlertStatus.FIRING,
    "down": AlertStatus.FIRING,
    "1": AlertStatus.RESOLVED,
    "up": AlertStatus.RESOLVED,
}
# it fails but is tried again; somebody works on it
_NEITHER: Final = {"2": "pending", "pending": "pending", "3": "in maintenance", "maintenance": "in maintenance"}
# names of the variables, as templates give them, too
_HEARTBEAT: Final = ("heartbeat", "heartbeatJSON")
_MONITOR: Final = ("monitor", "monitorJSON")
_MESSAGE: Final = ("msg", "message", "Body", "body", "text")
# [Shop] [🔴 Down] timeout of 48000ms exceeded
_WRITTEN: Final = re.compile(r"\s*\[(?P<name>.{1,300}?)\] \[\W{0,8}(?P<word>Up|Down)\]")
# [Shop][https://shop.example] server certificate shop.example will expire in 7 days
_EXPIRES: Final = re.compile(
    r"\s*\[(?P<name>.{1,300}?)\] ?(?:\[(?P<url>[^\]]{0,300})\])?"
    r".{0,300}?\bexpire[sd]?\b.{0,60}?(?P<days>-?\d{1,5}) days?\b",
    re.IGNORECASE,
)
_DOMAIN: Final = re.compile(r"\bdomain\b", re.IGNORECASE)
_NO_ZONE: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?", re.ASCII)
_RUNBOOK: Final = ("runbook_url", "runbook")


def _adapt(request: Request) -> Adapted:
    fields, warnings = Fields(_document(request)), list[str]()
    said = Lenient(fields, warnings)
    beat, monitor = _object(fields, _HEARTBEAT, warnings), _object(fields, _MONITOR, warnings)
    message = said.text(*_MESSAGE)
    try:
        told = _state(beat, message)
        if told in _NEITHER:
            return Adapted(ignored=f"the monitor is {_NEITHER[told]}: neither up nor down")
        event = _notice(message, monitor) if told is None else _event(told, message, Lenient(beat, warnings), monitor)
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),), warnings=tuple(warnings))
    return Adapted(events=(event,), warnings=tuple(warnings))


def _document(request: Request) -> dict[str, object]:
    """What is told, however it was sent."""
    if not request.body.strip():
        return dict(parse_qsl(request.query or "", max_num_fields=100))
    parts = read_parts(request)
    document = request.document if parts is None else read_json(parts.get("data", "").encode(errors="replace"))
    if not isinstance(document, dict):
        raise Unreadable("not a notification of Uptime Kuma: an object is expected")
    return document


def _object(fields: Fields, names: tuple[str, ...], warnings: list[str]) -> Fields:
    """An object inside, or its JSON text; an empty one where there is none."""
    name = fields.name_of(names) or names[0]
    given = fields.values.get(name)
    if isinstance(given, str):
        try:
            given = read_json(given.encode(errors="replace"))
        except Unreadable as error:
            warnings.append(f"{fields.at(name)}: {error}; left out")
    return Fields(given if isinstance(given, dict) else {}, fields.at(name))


def _state(beat: Fields, message: str | None) -> str | None:
    """The word for the monitor's state, from the heartbeat or the message; None: this is about something else."""
    status = beat.text("status")
    if status is not None:
        word = status.strip().lower()
        if word not in _STATUSES and word not in _NEITHER:
            allowed = "0 (down), 1 (up), 2 (pending), 3 (maintenance)"
            raise BadField(beat.at("status"), f"unknown word {word[:60]!r}; one of: {allowed}")
        return word
    written = _WRITTEN.match(message or "")
    return written.group("word").lower() if written else None


def _event(word: str, message: str | None, beat: Lenient, of_monitor: Fields) -> AlertEvent:
    monitor = Lenient(of_monitor, beat.warnings)
    written = _WRITTEN.match(message or "")
    name = monitor.text("name", "pathName") or (written.group("name") if written else None)
    key = monitor.text("id") or beat.text("monitorID", "monitor_id") or name
    if key is None:
        raise BadField(of_monitor.at("id"), "missing, and so is any name of the monitor")
    status, moment = _STATUSES[word], _moment(beat)
    labels = read_tags(of_monitor.values.get("tags"))
    severity = labels.get("severity")
    # a reminder that it is still down has its own time, which is no start
    starts = status is AlertStatus.FIRING and beat.text("important") not in ("false", "0")
    return AlertEvent(
        status=status,
        identity=key,
        dedup_key=key,
        title=name or f"monitor {key}",
        severity=severity_of(severity),
        severity_raw=severity,
        starts_at=moment if starts else _down_since(beat) if status is AlertStatus.RESOLVED else None,
        ends_at=moment if status is AlertStatus.RESOLVED else None,
        changed_at=moment,
        pending_for=_tried_for(beat, monitor) if starts else None,
        description=beat.text("msg") or _untitled(message, written),
        service=first_of(labels, ("service", "app")) or name,
        host=_host(monitor) or host_of(labels),
        environment=environment_of(labels),
        labels=labels,
        source_url=_address(monitor),
        runbook=first_of(labels, _RUNBOOK),
    )


def _untitled(message: str | None, written: re.Match[str] | None) -> str | None:
    return message[written.end() :].strip() or None if message and written else message


def _moment(beat: Lenient) -> datetime | None:
    """When the state was seen: in UTC without saying so, else by the server's clock with its offset beside it."""
    stated = _in_zone(beat.text("time"), "Z")
    return stated or _in_zone(beat.text("localDateTime"), beat.text("timezoneOffset")) or beat.time("time")


def _down_since(beat: Lenient) -> datetime | None:
    return _in_zone(beat.text("lastDownTime"), "Z")


def _in_zone(text: str | None, zone: str | None) -> datetime | None:
    if not text or not zone or not _NO_ZONE.fullmatch(text):
        return None
    try:
        return read_time(f"{text}{zone}")
    except BadTime:
        return None


def _tried_for(beat: Lenient, monitor: Lenient) -> float | None:
    """How long it had failed when it was called down: as often as it was tried again, at the interval for that."""
    retries, interval = beat.number("retries"), monitor.seconds("retryInterval")
    if retries is None:
        retries = monitor.number("maxretries")
    return retries * interval if retries and retries > 0 and interval else None


def _host(monitor: Lenient) -> str | None:
    """Monitors of ports have a host name, and an address without one."""
    return monitor.text("hostname") or host_of_url(monitor.text("url"))


def _address(monitor: Lenient) -> str | None:
    url = monitor.text("url")
    return url if host_of_url(url) else None


def _notice(message: str | None, of_monitor: Fields) -> AlertEvent | TestEvent:
    """A message without a heartbeat: a certificate or a domain runs out, else somebody pressed the test button."""
    runs_out = _EXPIRES.match(message or "")
    if message is None or runs_out is None:
        if message is None and not of_monitor.values:
            raise BadField("/msg", "missing, and so is a heartbeat")
        return TestEvent(title=message or "")
    kind = "domain" if _DOMAIN.search(message) else "certificate"
    name, url = runs_out.group("name"), runs_out.group("url")
    monitor = of_monitor.text("id")
    key = f"{monitor}/{kind}" if monitor else made_key(kind, name, url)
    return AlertEvent(
        status=AlertStatus.FIRING,
        identity=key,
        dedup_key=key,
        title=message,
        service=name,
        host=host_of_url(url),
        source_url=url if host_of_url(url) else None,
        value=float(runs_out.group("days")),
        # it is told once for each of some numbers of days, and never taken back
        point=True,
    )


def _detect(request: Request) -> bool:
    try:
        document = _document(request)
    except Unreadable:
        return False
    if "msg" in document and "heartbeat" in document:
        return True
    if "heartbeatJSON" in document or "monitorJSON" in document:
        return True
    return str(document.get("Title", document.get("title", ""))).startswith("Uptime Kuma Alert")


ADAPTER = Adapter(
    name="uptime_kuma",
    version=1,
    about=About(
        title="Uptime Kuma",
        paste="Settings > Notifications > Setup Notification > Webhook: Post URL {url}, request body "
        "`Preset - application/json`.",
        reads="The monitor's id, name, address and tags (service, severity, env); the heartbeat's status, time, "
        "message and retries; certificates and domains that run out, as moments; forms of parts, GET, and custom "
        "bodies that hold {{ msg }} or the variables as JSON.",
        cannot_know="A severity, unless a tag states one; how long it was tried before, in versions that leave out the "
        "interval of retries; the time in custom bodies without the heartbeat. PENDING and MAINTENANCE are ignored.",
    ),
    detect=_detect,
    gets=True,
    adapt=_adapt,
    secrets=(
        "basic_auth_user",
        "basic_auth_pass",
        "oauth_client_id",
        "oauth_client_secret",
        "authWorkstation",
        "authDomain",
        "pushToken",
        "databaseConnectionString",
        "mqttUsername",
        "mqttPassword",
        "radiusUsername",
        "radiusPassword",
        "radiusSecret",
        "rabbitmqUsername",
        "rabbitmqPassword",
        "kafkaProducerSaslOptions",
        "grpcMetadata",
        "headers",
        "tlsCa",
        "tlsCert",
        "tlsKey",
    ),
)
