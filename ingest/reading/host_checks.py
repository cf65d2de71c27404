"""Notifications in the words of Nagios, which Icinga and Checkmk speak too: a host, or a service of it, has a state.

None of them sends JSON by itself: the body is what a script made of the macros, flat or nested, with or without the
prefixes of the environment (NAGIOS_, ICINGA_, NOTIFY_).
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from ingest.reading.batches import Told
from ingest.reading.fields import BadField, Fields
from ingest.reading.labels import environment_of, string_labels
from ingest.reading.lenient import Lenient
from ingest.reading.local_times import local_time, read_zone
from ingest.reading.tags import read_tags
from ingest.reading.templates import Template, spelled_alike
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus, Severity

__all__ = ["check_names", "read_check"]

_VARIABLE: Final = re.compile(r"\$\{?[A-Za-z_][\w.]*\}?\$?")
_PREFIXES: Final = ("nagios", "icinga", "notify")
_PREFIX_LENGTH: Final = 6
_LABEL: Final = re.compile(r"(?:NOTIFY_)?(?:HOST|SERVICE)?(?:LABEL|TAG)_(.+)", re.IGNORECASE)

_TYPE: Final = ("notificationtype",)
_HOST: Final = ("hostname", "host", "hostdisplayname", "hostalias", "alias", "hostaddress", "address", "ip")
_SERVICE: Final = ("servicedesc", "servicedescription", "servicename", "service", "servicedisplayname")
_HOST_STATE: Final = ("hoststate", "hostshortstate", "checkresultstate", "state", "status", "hoststateid")
_SERVICE_STATE: Final = (
    "servicestate",
    "serviceshortstate",
    "checkresultstate",
    "state",
    "severity",
    "status",
    "servicestateid",
    "checkresultexitstatus",
    "exitstatus",
)
_STATE_TYPE: Final = ("statetype", "checkresultstatetype")
_OUTPUT: Final = ("checkresultoutput", "output", "pluginoutput", "message", "text", "info", "additionalinfo", "details")
# when the notification was made; the finest first
_MOMENT: Final = ("microtime", "checkresultexecutionend", "executionend", "timet", "timestamp", "longdatetime")
_ROUGHLY: Final = ("datetime", "shortdatetime", "notificationtime")
_CHANGED: Final = ("lasthardstatechange", "laststatechange")
_NUMBER: Final = ("notificationnumber", "number")
_LINK: Final = ("url", "link", "serviceurl", "hosturl", "problemurl", "eventlink", "serviceactionurl", "hostactionurl")
_NOTES: Final = ("runbook", "runbookurl", "servicenotesurl", "hostnotesurl", "notesurl")
_ENVIRONMENT: Final = ("environment", "env", "serviceenvironment", "serviceenv", "hostenvironment", "hostenv")

_FURTHER: Final = (
    "what", "objecttype", "title", "summary", "subject", "timezone", "tz", "zone", "tags", "pendingfor",
    "maxcheckattempts", "retryinterval", "hostoutput", "serviceoutput", "hostnotificationnumber",
    "servicenotificationnumber", "lasthoststatechange", "lastservicestatechange",
)  # fmt: skip
_KNOWN: Final = frozenset(_FURTHER).union(
    *(_TYPE, _HOST, _SERVICE, _HOST_STATE, _SERVICE_STATE, _STATE_TYPE, _OUTPUT, _MOMENT, _ROUGHLY, _CHANGED),
    *(_NUMBER, _LINK, _NOTES, _ENVIRONMENT),
)
# beyond it a body is a dump of the whole environment, of which little is read
_MANY: Final = 40

_STATUSES: Final = (
    ("problem", AlertStatus.FIRING),
    ("recover", AlertStatus.RESOLVED),
    ("ack", AlertStatus.ACKNOWLEDGED),
)
# flapping, downtimes and what people send by hand tell of no change of state
_NO_CHANGE: Final = ("flapping", "downtime", "custom", "alerthandler")
_SERVICE_WORDS: Final = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_HOST_WORDS: Final = ("UP", "DOWN", "UNREACHABLE")
_SEVERITIES: Final = {
    "critical": Severity.CRITICAL,
    "crit": Severity.CRITICAL,
    "down": Severity.CRITICAL,
    "unreachable": Severity.ERROR,
    "unreach": Severity.ERROR,
    "unre": Severity.ERROR,
    "warning": Severity.WARNING,
    "warn": Severity.WARNING,
    "unknown": Severity.UNKNOWN,
    "unkn": Severity.UNKNOWN,
}
_GOOD: Final = frozenset(("ok", "up"))
_PENDING: Final = frozenset(("pending", "pend"))


def check_names(document: dict[str, object]) -> set[str]:
    """The names of a body by their common spelling, without prefixes, expanded or not: what it is recognised by."""
    return _without_prefixes(Template.read(document, _VARIABLE)).names()


def read_check(fields: Fields, warnings: list[str]) -> Told:
    """One notification.

    Raises:
        BadField: it names no host, or its words are unknown.
    """
    given = fields.values
    if len(given) > _MANY:
        given = {name: value for name, value in given.items() if isinstance(value, dict) or _is_known(name)}
    whole = _without_prefixes(Template.read(given, _VARIABLE, fields.pointer))
    said = whole.plain()
    mild = Lenient(said, warnings)
    host, service = mild.text(*_HOST), _service(said, mild)
    if host is None:
        if said.unexpanded:
            return TestEvent(title="a body whose macros were not expanded")
        raise BadField(said.at("hostname"), "missing: the host")
    state = _state(said, mild, service)
    status = _status(said, mild, state)
    if not isinstance(status, AlertStatus):
        return status
    if status is not AlertStatus.ACKNOWLEDGED and (mild.text(*_STATE_TYPE) or "").upper() == "SOFT":
        return "a soft state: the check is still being repeated"
    return _event(fields, whole, said, mild, status, (host, service, state))


@lru_cache(maxsize=4096)  # the environment has the same names every time
def _is_known(name: str) -> bool:
    spelled = spelled_alike(name)
    return spelled in _KNOWN or (spelled.startswith(_PREFIXES) and spelled[_PREFIX_LENGTH:] in _KNOWN)


@lru_cache(maxsize=4096)
def _label_of(name: str) -> str | None:
    """The label that a variable of the environment holds: NOTIFY_HOSTLABEL_service."""
    match = _LABEL.fullmatch(name)
    return match.group(1) if match else None


def _without_prefixes(said: Template) -> Template:
    if not any(name.startswith(_PREFIXES) for name in said.values):
        return said
    values, places = dict(said.values), dict(said.places)
    for name in said.values:
        if name.startswith(_PREFIXES):
            bare = name[_PREFIX_LENGTH:]
            values.setdefault(bare, said.values[name])
            places.setdefault(bare, said.places.get(name, (name,)))
    return msgspec.structs.replace(said, values=values, places=places)


def _service(said: Template, mild: Lenient) -> str | None:
    """The service; None for a notification about the host itself."""
    about = mild.text("what", "objecttype") or ""
    if about.upper() == "HOST":
        return None
    service = mild.text(*_SERVICE)
    # Icinga's full name: web-1!http
    return service.rpartition("!")[2] or service if service else None


def _state(said: Template, mild: Lenient, service: str | None) -> str | None:
    """The state in the sender's word; numbers as the words that they stand for."""
    state = mild.text(*(_SERVICE_STATE if service else _HOST_STATE))
    if state is None:
        return None
    words = _SERVICE_WORDS if service else _HOST_WORDS
    number = state.removesuffix(".0")
    return words[int(number)] if number in ("0", "1", "2", "3")[: len(words)] else state


def _status(said: Template, mild: Lenient, state: str | None) -> AlertStatus | str:
    """What the notification says, or in words why that is nothing; its type comes before the state."""
    kind = mild.text(*_TYPE)
    if kind:
        word = kind.lower()
        for beginning, status in _STATUSES:
            if word.startswith(beginning):
                return status
        if word.startswith(_NO_CHANGE):
            return f"{kind[:60]}: neither a problem nor a recovery"
        raise BadField(said.at(said.name_of(_TYPE) or ""), f"unknown word {kind[:60]!r}; PROBLEM, RECOVERY, …")
    word = (state or "").lower()
    if word in _PENDING:
        return "a check that has not run yet"
    if word in _GOOD:
        return AlertStatus.RESOLVED
    if word.startswith("ack"):
        return AlertStatus.ACKNOWLEDGED
    if word in _SEVERITIES:
        return AlertStatus.FIRING
    raise BadField(said.at(_TYPE[0]), "missing, and no state that is known stands for it")


def _event(
    fields: Fields,
    whole: Template,
    said: Template,
    mild: Lenient,
    status: AlertStatus,
    about: tuple[str, str | None, str | None],
) -> AlertEvent:
    host, service, state = about
    labels, key = _labels(fields, whole), f"{host}/{service or ''}"
    changed, moment = _times(said, mild, service)
    start, end = _interval(status, changed, moment, repeated=_is_repeated(mild, service))
    link = mild.text(*_LINK)
    return AlertEvent(
        status=status,
        identity=key,
        dedup_key=key,
        title=mild.text("title", "summary", "subject") or _title(whole, mild, about),
        severity=_SEVERITIES.get((state or "").lower(), Severity.UNKNOWN),
        severity_raw=state,
        starts_at=start,
        ends_at=end,
        changed_at=moment if status is AlertStatus.ACKNOWLEDGED else None,
        pending_for=_window(mild, labels, service),
        description=mild.text("serviceoutput" if service else "hostoutput", *_OUTPUT),
        service=service,
        host=host,
        environment=mild.text(*_ENVIRONMENT) or environment_of(labels),
        labels=labels,
        source_url=link if link and link.startswith("http") else None,
        runbook=mild.text(*_NOTES),
    )


def _is_repeated(mild: Lenient, service: str | None) -> bool:
    number = mild.number(f"{'service' if service else 'host'}notificationnumber", *_NUMBER)
    return number is not None and number > 1


def _interval(
    status: AlertStatus, changed: datetime | None, moment: datetime | None, *, repeated: bool
) -> tuple[datetime | None, datetime | None]:
    """When the problem began and when it ended, as far as the notification tells."""
    if status is AlertStatus.RESOLVED:
        return None, changed or moment
    # a repetition is made long after the problem began, and so is its acknowledgement
    return changed or (moment if status is AlertStatus.FIRING and not repeated else None), None


def _title(whole: Template, mild: Lenient, about: tuple[str, str | None, str | None]) -> str:
    host, service, state = about
    if isinstance(whole.values.get("host"), dict):
        host = mild.text("hostdisplayname") or host
        if service:
            return f"{mild.text('servicedisplayname') or service} on {host}"
    name = f"{host}/{service}" if service else host
    return f"{name} is {state}" if state else name


def _times(said: Template, mild: Lenient, service: str | None) -> tuple[datetime | None, datetime | None]:
    """When the state changed for good, and when the notification was made."""
    stated = mild.text("timezone", "zone", "tz")
    zone = read_zone(stated) if stated else None
    what = "service" if service else "host"
    names = [f"{what}{name}" for name in _CHANGED] + [f"last{what}statechange"]
    if f"host{_CHANGED[1]}" not in said.values and f"host{_CHANGED[0]}" not in said.values:
        names += _CHANGED  # of this check: nothing else has one
    changed = local_time(said, mild.warnings, zone, *names)
    return changed, local_time(said, mild.warnings, zone, *_MOMENT, *_ROUGHLY)


def _window(mild: Lenient, labels: dict[str, str], service: str | None) -> float | None:
    """How long the check was repeated before its state counted."""
    stated = mild.seconds("pendingfor") or Lenient(Fields(dict(labels)), mild.warnings).seconds("pending_for")
    if stated is not None:
        return stated
    what = "service" if service else "host"
    attempts = mild.number(f"{what}maxcheckattempts", "maxcheckattempts")
    interval = mild.number(f"{what}retryinterval", "retryinterval")
    return (attempts - 1) * interval if attempts and interval and attempts > 1 and interval > 0 else None


def _labels(fields: Fields, whole: Template) -> dict[str, str]:
    """Custom variables, labels and tags of the host and the service."""
    labels: dict[str, str] = {}
    for name in ("servicevars", "hostvars", "vars", "labels", "servicelabels", "hostlabels"):
        value = whole.values.get(name)
        if isinstance(value, dict):
            labels = string_labels(value) | labels
    labels = read_tags(whole.values.get("tags")) | labels
    for name, value in fields.values.items():
        label = _label_of(name) if isinstance(value, str) else None
        if label is not None:
            labels.setdefault(label, str(value))
    return labels
