"""Zabbix: webhook media types. The body is what the media type's script made of its parameters; all values are text."""

import re
from datetime import datetime, tzinfo
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.batches import Told, read_each
from ingest.reading.fields import BadField, Fields, items_of
from ingest.reading.forms import document_or_form, first_object
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, host_of, service_of, string_labels
from ingest.reading.lenient import Lenient
from ingest.reading.local_times import local_time, read_zone
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from ingest.reading.templates import Template
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus, Severity

__all__ = ["ADAPTER"]

_MACRO: Final = r"\{(?:\$|#)?[A-Z][A-Z0-9_.]*(?::[^{}]*|\.\"[^\"{}]*\")?\}"
# a field of nothing but macros that nobody expanded, as they come of the media type's test
_VARIABLE: Final = re.compile(rf"(?:(?:{_MACRO}|\*UNKNOWN\*)[\s/:,.-]*)+")
_BUILT_IN: Final = re.compile(r"\{(?:ALERT|EVENT|HOST|ITEM|TRIGGER)\.[A-Z0-9_.]+\}")
_ANY_MACRO: Final = re.compile(rf"{_MACRO}|\*UNKNOWN\*")

# what media types call {EVENT.ID}, {TRIGGER.ID} and so on, spelled alike, the plainest name first
_EVENT: Final = ("eventid", "problemid", "problemeventid", "alertuid", "id")
_TRIGGER: Final = ("triggerid",)
_NAME: Final = ("eventname", "problemname", "triggername", "trigger", "problem", "name", "title", "summary")
_SUBJECT: Final = ("alertsubject", "subject", "sendsubject")
_HOST: Final = ("hostname", "hosthost", "host", "hostvisiblename", "hostdns", "hostconn", "hostip")
_TEXT: Final = (
    "eventopdata",
    "triggeropdata",
    "opdata",
    "alertmessage",
    "message",
    "triggerdescription",
    "triggerdesc",
)
_SEVERITY: Final = ("eventseverity", "triggerseverity", "severity", "triggerseveritytext", "priority")
_NUMBERED: Final = ("eventnseverity", "triggernseverity", "nseverity")
_LINK: Final = ("eventlink", "eventurl", "problemurl", "link", "linktoupstreamdetails", "url", "alerturl")
_TAGS: Final = ("eventtagsjson", "tagsjson", "eventtags", "tags", "eventtag", "triggertags")
_ZONE: Final = ("timezone", "eventtimezone", "servertimezone", "zabbixtimezone", "zone", "tz", "utcoffset")
_STATUS: Final = ("eventstatus", "triggerstatus", "problemstatus", "status", "state", "eventstate")
_STARTED: Final = ("eventtimestamp", "eventclock", "eventdatetime", "starttime", "startedat", "problemstart")
_ENDED: Final = ("eventrecoverytimestamp", "recoverytimestamp", "rclock", "eventrecoverydatetime", "recoverydatetime")
_VALUE: Final = ("eventvalue", "eventisproblem", "triggervalue")
_UPDATE: Final = ("eventupdatestatus", "eventisupdate", "eventupdate")
_UPDATED: Final = ("eventupdatetimestamp", "updatetimestamp", "eventupdatedatetime")

_WORDS: Final = {
    AlertStatus.FIRING: "problem firing alerting alert trigger triggered open active 1",
    AlertStatus.RESOLVED: "ok resolved recovery recovered closed resolve 0",
    AlertStatus.ACKNOWLEDGED: "acknowledged ack acknowledge",
}
_STATUSES: Final = {word: status for status, words in _WORDS.items() for word in words.split()}
_UPDATES: Final = ("updated", "update")
_SEVERITIES: Final = (
    Severity.UNKNOWN,
    Severity.INFO,
    Severity.WARNING,
    Severity.WARNING,
    Severity.ERROR,
    Severity.CRITICAL,
)
# neither has a state that ends
_NO_STATE: Final = {"1": "a discovery event", "2": "an autoregistration event"}
_ACKNOWLEDGED: Final = re.compile(r"(?<!un)(?<!not )acknowledged", re.IGNORECASE)
_CLOSED: Final = re.compile(r"\bclosed\b", re.IGNORECASE)
_RESOLVED_SUBJECT: Final = re.compile(r"\s*\W*(?:resolved|recovery|recovered|ok)\b", re.IGNORECASE)
_IN_LINK: Final = re.compile(r"[?&](triggerid|eventid)=(\d+)", re.ASCII)


def _adapt(request: Request) -> Adapted:
    document = document_or_form(request)
    if not isinstance(document, dict | list):
        raise Unreadable("not a Zabbix notification: an object is expected")
    return read_each(items_of(document), _told)


def _told(fields: Fields, warnings: list[str]) -> Told:
    whole = Template.read(fields.values, _VARIABLE, fields.pointer)
    said = whole.plain()
    mild = Lenient(said, warnings)
    if _is_test(said, mild):
        return TestEvent(title="a body whose macros were not expanded")
    stateless = _NO_STATE.get(mild.text("eventsource", "source") or "")
    if stateless is not None:
        return f"{stateless}: neither a problem nor a recovery"
    return _event(whole, said, mild)


def _is_test(said: Template, mild: Lenient) -> bool:
    """Whether it comes of the media type's test, which has nothing to put into the macros."""
    title = mild.text(*_NAME, *_SUBJECT)
    if title is None:
        return bool(said.unexpanded)
    return _BUILT_IN.search(title) is not None and mild.text(*_EVENT, *_TRIGGER) is None


def _event(whole: Template, said: Template, mild: Lenient) -> AlertEvent:
    status, labels = _status(said, mild), _labels(whole)
    title, host = mild.text(*_NAME, *_SUBJECT), mild.text(*_HOST)
    link, trigger, event = _addresses(mild)
    identity = "/".join(part for part in (trigger or title, host) if part)
    if not identity and event is None:
        raise BadField(said.pointer, "neither an event, nor a trigger, nor a name: {EVENT.ID}, {TRIGGER.ID}")
    zone = _zone(mild)
    updated = _is_update(mild)
    severity, raw = _severity(mild)
    return AlertEvent(
        status=status,
        identity=identity or event or "",
        dedup_key=event or identity,
        title=title or f"trigger {identity}",
        severity=severity,
        severity_raw=raw,
        starts_at=_start(said, mild, zone, status),
        ends_at=_end(said, mild, zone, updated=updated) if status is AlertStatus.RESOLVED else None,
        changed_at=_at(said, mild, zone, _UPDATED, "eventupdate") if updated else None,
        pending_for=mild.seconds("pendingfor") or Lenient(Fields(dict(labels)), mild.warnings).seconds("pending_for"),
        description=mild.text(*_TEXT, "description"),
        service=mild.text("service", "servicename") or service_of(labels),
        host=host or host_of(labels),
        environment=mild.text("environment", "env") or environment_of(labels),
        labels=labels,
        source_url=link,
        runbook=mild.text("runbook", "runbookurl", "triggerurl"),
        value=said.number("itemvalue", "itemlastvalue", "itemvalue1", "itemlastvalue1"),
    )


def _status(said: Template, mild: Lenient) -> AlertStatus:
    """Problem, recovery, or what was done to a problem."""
    status = _STATUSES.get((mild.text(*_VALUE) or "").lower()) or _worded(said)
    if status is AlertStatus.RESOLVED:
        return status
    action = mild.text("eventupdateaction", "updateaction")
    if _is_update(mild) or action:
        if action and _CLOSED.search(action):
            return AlertStatus.RESOLVED
        if _ACKNOWLEDGED.search(action or ""):
            return AlertStatus.ACKNOWLEDGED
        if action is None and (mild.text("eventackstatus", "eventack") or "").lower() in ("yes", "1", "true"):
            return AlertStatus.ACKNOWLEDGED
    if status is None:
        subject = mild.text(*_SUBJECT, "title")
        status = AlertStatus.RESOLVED if subject and _RESOLVED_SUBJECT.match(subject) else AlertStatus.FIRING
    return status


def _is_update(mild: Lenient) -> bool:
    return mild.text(*_UPDATE) == "1"


def _worded(said: Template) -> AlertStatus | None:
    """The status in words; None where there is none, or one that only says that something was done."""
    name = said.name_of(_STATUS)
    if name is None:
        return None
    word = (said.text(name) or "").lower()
    status = _STATUSES.get(word)
    if status is None and word not in _UPDATES:
        raise BadField(said.at(name), f"unknown word {word[:60]!r}; {{EVENT.STATUS}} says PROBLEM or RESOLVED")
    return status


def _labels(whole: Template) -> dict[str, str]:
    """The event's tags, in any of the forms that Zabbix has for them, and labels that the template adds."""
    labels: dict[str, str] = {}
    for name in _TAGS:
        for tag, value in read_tags(whole.values.get(name)).items():
            if not _ANY_MACRO.search(tag):
                labels.setdefault(tag, value)
    added = whole.values.get("labels")
    return string_labels(added) | labels if isinstance(added, dict) else labels


def _addresses(mild: Lenient) -> tuple[str | None, str | None, str | None]:
    """The address of the problem, its trigger's id and its own: each may be known by the others alone."""
    link, trigger, event = mild.text(*_LINK), mild.text(*_TRIGGER), mild.text(*_EVENT)
    told = dict(_IN_LINK.findall(link)) if link else {}
    trigger, event = trigger or told.get("triggerid"), event or told.get("eventid")
    if link is not None and _ANY_MACRO.search(link):
        link = None
    frontend = mild.text("zabbixurl", "zabbixfrontendurl")
    if link is None and frontend and trigger and event and not _ANY_MACRO.search(frontend):
        link = f"{frontend.rstrip('/')}/tr_events.php?triggerid={trigger}&eventid={event}"
    return link, trigger, event


def _severity(mild: Lenient) -> tuple[Severity, str | None]:
    """The severity and the words it was told in; the number counts, for the names can be changed."""
    word, number = mild.text(*_SEVERITY), mild.text(*_NUMBERED)
    if word and word in "012345" and number is None:
        word, number = None, word
    raw = "/".join(part for part in (word, number) if part) or None
    if number and len(number) == 1 and number in "012345":
        return _SEVERITIES[int(number)], raw
    return severity_of(word), raw


def _zone(mild: Lenient) -> tzinfo | None:
    """The zone of the server, which its macros do not tell."""
    stated = mild.text(*_ZONE)
    zone = read_zone(stated) if stated else None
    if stated and zone is None:
        mild.warnings.append(f"an unknown time zone: {stated[:60]!r}; a name such as Europe/Berlin is expected")
    return zone


def _start(said: Template, mild: Lenient, zone: tzinfo | None, status: AlertStatus) -> datetime | None:
    start = _at(said, mild, zone, _STARTED, "event")
    if start is None and status is AlertStatus.FIRING:
        # of other notifications these are the moment of sending
        return _at(said, mild, zone, ("timestamp", "clock"), "")
    return start


def _end(said: Template, mild: Lenient, zone: tzinfo | None, *, updated: bool) -> datetime | None:
    for prefix in ("eventrecovery", "recovery", "eventr", "r"):
        ended = _at(said, mild, zone, _ENDED, prefix)
        if ended is not None:
            return ended
    # closed by hand
    return _at(said, mild, zone, _UPDATED, "eventupdate") if updated else None


def _at(said: Template, mild: Lenient, zone: tzinfo | None, whole: tuple[str, ...], prefix: str) -> datetime | None:
    """A moment: in one field, or the date and the time of day in two, by the wall clock of the server."""
    stated = local_time(said, mild.warnings, zone, *whole)
    if stated is not None:
        return stated
    date, time = mild.text(f"{prefix}date"), mild.text(f"{prefix}time")
    if not date or not time:
        return None
    both = Fields({f"{prefix}date": f"{date} {time}"}, said.pointer)
    return local_time(both, mild.warnings, zone, f"{prefix}date")


def _detect(request: Request) -> bool:
    first = first_object(request)
    if first is None:
        return False
    names = Template.read(first, _VARIABLE).names()
    if not names.isdisjoint(_MARKS) or ({"eventid", "triggerid"} <= names):
        return True
    return any(isinstance(value, str) and "/tr_events.php?" in value for value in first.values())


_MARKS: Final = frozenset(
    (
        "eventackstatus",
        "eventnseverity",
        "eventopdata",
        "eventrecoverydate",
        "eventrecoveryid",
        "eventtagsjson",
        "eventupdatestatus",
        "triggernseverity",
        "zabbixurl",
    )
)

ADAPTER = Adapter(
    name="zabbix",
    version=1,
    about=About(
        title="Zabbix",
        paste="Alerts > Media types > Create, type Webhook, parameters: event_id {EVENT.ID}, event_name {EVENT.NAME}, "
        "event_value {EVENT.VALUE}, event_update_status {EVENT.UPDATE.STATUS}, event_update_action "
        "{EVENT.UPDATE.ACTION}, event_update_date {EVENT.UPDATE.DATE}, event_update_time {EVENT.UPDATE.TIME}, "
        "event_severity {EVENT.SEVERITY}, event_nseverity {EVENT.NSEVERITY}, event_opdata {EVENT.OPDATA}, event_tags "
        "{EVENT.TAGSJSON}, trigger_id {TRIGGER.ID}, host_name {HOST.NAME}, event_date {EVENT.DATE}, event_time "
        "{EVENT.TIME}, event_recovery_date {EVENT.RECOVERY.DATE}, event_recovery_time {EVENT.RECOVERY.TIME}, timezone "
        "(the server's: Europe/Berlin), zabbix_url {$ZABBIX.URL}; and as script, which posts all of them as JSON: "
        "var request = new HttpRequest(); request.addHeader('Content-Type: application/json'); "
        "request.post('{url}', value); if (request.getStatus() != 202) throw request.getStatus(); return 'OK';",
        reads="Event, trigger, host, name, value or status, updates (acknowledged, closed), severity, tags (service, "
        "environment), start and recovery, operational data, links; under any usual spelling of the macros' names.",
        cannot_know="The zone of {EVENT.DATE} and {EVENT.TIME}: without a parameter timezone they are left out and the "
        "time of receipt stands in. How long the condition held before the trigger fired.",
    ),
    detect=_detect,
    adapt=_adapt,
)
