"""UptimeRobot: webhooks of alert contacts. A query, a form or JSON, in the words of its variables."""

import re
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.batches import Told, read_each
from ingest.reading.fields import BadField, Fields, items_of
from ingest.reading.forms import document_form_or_query, first_object
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, service_of
from ingest.reading.lenient import Lenient
from ingest.reading.local_times import local_time
from ingest.reading.tags import read_tags
from ingest.reading.templates import Template
from ingest.reading.urls import host_of_url
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

# some copy the names of the variables without their stars
_VARIABLE: Final = re.compile(
    r"\*\w+\*|monitor(?:ID|URL|FriendlyName|AlertContacts)|alert(?:Type|TypeFriendlyName|Details|Duration|DateTime)"
    r"|ssl(?:ExpiryDate|ExpiryDaysLeft)",
    re.ASCII,
)
_MONITOR: Final = ("monitorid", "id")
_NAME: Final = ("monitorfriendlyname", "friendlyname", "monitorname", "name")
_ADDRESS: Final = ("monitorurl", "url")
_TYPE: Final = ("alerttype", "type")
_WORD: Final = ("alerttypefriendlyname", "alerttypename", "status", "state")
_DETAILS: Final = ("alertdetails", "details", "reason", "message")
_MOMENT: Final = ("alertdatetime", "datetime", "timestamp")
_EXPIRES: Final = "3"
_TYPES: Final = {
    "1": AlertStatus.FIRING,
    "2": AlertStatus.RESOLVED,
    _EXPIRES: AlertStatus.FIRING,
    "down": AlertStatus.FIRING,
    "up": AlertStatus.RESOLVED,
}
# of the log of events: a monitor was started or paused
_NO_VERDICT: Final = frozenset(("0", "8", "9", "98", "99", "started", "paused", "maintenance", "not checked yet"))
_EXPIRY: Final = re.compile(r"\b(?:ssl|certificate|domain)\b", re.IGNORECASE)
_DOMAIN: Final = re.compile(r"\bdomain\b", re.IGNORECASE)


def _adapt(request: Request) -> Adapted:
    document = document_form_or_query(request)
    if not document or not isinstance(document, dict | list):
        raise Unreadable("not an alert of UptimeRobot: an object, a form or a query is expected")
    return read_each(items_of(document), _told)


def _told(fields: Fields, warnings: list[str]) -> Told:
    said = Template.read(fields.values, _VARIABLE, fields.pointer).plain()
    mild = Lenient(said, warnings)
    key = mild.text(*_MONITOR) or mild.text(*_ADDRESS) or mild.text(*_NAME)
    if key is None:
        if said.unexpanded:
            return TestEvent(title="a body whose variables were not expanded")
        raise BadField(said.at(_MONITOR[0]), "missing")
    number, word = mild.text(*_TYPE), mild.text(*_WORD)
    told = [each.lower() for each in (number, word) if each]
    if not _NO_VERDICT.isdisjoint(told):
        return f"{word or number}: neither up nor down"
    status = next((_TYPES[each] for each in told if each in _TYPES), None)
    expires = number == _EXPIRES or (status is None and word is not None and _EXPIRY.search(word) is not None)
    if status is None and not expires:
        raise BadField(said.at(said.name_of((*_TYPE, *_WORD)) or _TYPE[0]), "1, 2 or 3 (Down, Up, expiry) is expected")
    return _event(said, mild, status or AlertStatus.FIRING, (key, word, expires))


def _event(said: Template, mild: Lenient, status: AlertStatus, about: tuple[str, str | None, bool]) -> AlertEvent:
    key, word, expires = about
    name, details, address = mild.text(*_NAME), mild.text(*_DETAILS), mild.text(*_ADDRESS)
    labels = read_tags(said.values.get("monitortags") or said.values.get("tags"))
    moment = local_time(said, mild.warnings, None, *_MOMENT)
    resolved = status is AlertStatus.RESOLVED
    stated = word or ("Up" if resolved else "Down")
    # a certificate or a domain that expires is another condition, which no Up ends
    suffix = "/domain" if _DOMAIN.search(f"{word} {details}") else "/ssl"
    return AlertEvent(
        status=status,
        identity=f"{key}{suffix}" if expires else key,
        dedup_key=f"{key}/ssl" if expires else key,
        title=details if expires and details else f"{name or address or key} is {stated}",
        severity_raw=word,
        starts_at=None if resolved else moment,
        ends_at=moment if resolved else None,
        description=details,
        service=service_of(labels) or name,
        host=host_of_url(address),
        environment=environment_of(labels),
        labels=labels,
        source_url=address if address and address.startswith("http") else None,
        point=expires,
    )


def _detect(request: Request) -> bool:
    first = first_object(request)
    if first is None:
        return False
    names = Template.read(first, _VARIABLE).names()
    return "alerttype" in names and not names.isdisjoint(("monitorfriendlyname", "alerttypefriendlyname"))


ADAPTER = Adapter(
    name="uptimerobot",
    version=1,
    about=About(
        title="UptimeRobot",
        paste='Integrations > Webhook, URL {url}, POST value, sent as JSON: {"monitorID": "*monitorID*", "monitorURL": '
        '"*monitorURL*", "monitorFriendlyName": "*monitorFriendlyName*", "alertType": "*alertType*", '
        '"alertTypeFriendlyName": "*alertTypeFriendlyName*", "alertDetails": "*alertDetails*", "alertDateTime": '
        '"*alertDateTime*"}.',
        reads="Monitor, type (down, up, expiry of a certificate or domain), time, details, address; as JSON, form or "
        "query, in camel or snake case.",
        cannot_know="How bad it is. That an expiring certificate was renewed: such an alert is a moment, and no Up "
        "ends it.",
    ),
    detect=_detect,
    gets=True,
    adapt=_adapt,
    secrets=("monitorAlertContacts", "monitor_alert_contacts"),
)
