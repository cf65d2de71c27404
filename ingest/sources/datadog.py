"""Datadog: the webhooks integration. Its body is whatever template its user wrote; all values are strings."""

import re
from datetime import datetime
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.forms import document_or_form, sniffed_fields
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, host_of, service_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from ingest.reading.templates import Template, spelled_alike
from ingest.reading.times import BadTime, read_time
from schemas.events import AlertEvent, TestEvent
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

_VARIABLE: Final = re.compile(r"\$[A-Z][A-Z0-9_]*(?:\[[^\]]*\])?")
# what users call $EVENT_TITLE, $ALERT_ID and so on, spelled alike, the plainest name first
_TITLE: Final = ("alerttitle", "eventtitle", "title", "monitorname", "alertname", "summary")
_MONITOR: Final = ("alertid", "monitorid", "monitoruid")
_SCOPE: Final = ("alertscope", "scope", "scopes", "alertscopes", "monitorscope")
_CYCLE: Final = ("alertcyclekey", "cyclekey")
_AGGREGATION: Final = ("aggregkey", "aggregationkey", "aggregatekey")
_TRANSITION: Final = ("alerttransition", "transition", "monitortransition")
_STATUS: Final = ("alertstatus", "monitorstatus", "status", "state", "alertstate")
_TEXT: Final = ("textonlymsg", "eventmsg", "body", "message", "msg", "text", "textmsg", "description")
_LINK: Final = ("link", "url", "alerturl", "eventurl", "monitorurl")
_MOMENT: Final = ("date", "dateposix", "eventdate", "alertdate", "timestamp", "eventtime", "time")

_WORD: Final = r"(?:Re-?)?(?:Triggered|Warn(?:ing)?|No[ -]?Data|Alert)|Re-?notif(?:y|ied)|Recovered"
_PREFIX: Final = re.compile(rf"\s*\[(?:P[1-5]|({_WORD})(?:\s+on\s+\{{([^}}]*)\}})?)\]\s*", re.IGNORECASE)
_STATED: Final = re.compile(rf"\b(?:was|is)\s+({_WORD})\b", re.IGNORECASE)
_STATED_AT: Final = re.compile(r"\bat (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.ASCII)
# the first trigger, not a later "Re-Triggered"
_TRIGGERED_AT: Final = re.compile(r"(?<![\w-])Triggered at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_ENDED: Final = re.compile(r"(?:.*\b)?(?:recover\w*|resolved?|ok|closed?|success)(?:\b.*)?", re.IGNORECASE)
_RENOTIFIED: Final = re.compile(r"re-?notif(?:y|ied)", re.IGNORECASE)
_PRIORITY: Final = re.compile(r"P[1-5]", re.IGNORECASE)
_TEST: Final = re.compile(r"\s*\[TEST\]", re.IGNORECASE)


def _adapt(request: Request) -> Adapted:
    document = document_or_form(request)
    if not isinstance(document, dict):
        raise Unreadable("not a Datadog notification: an object is expected")
    said = Template.read(document, _VARIABLE)
    warnings: list[str] = []
    try:
        event = _event(said, Lenient(said, warnings))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))
    return Adapted(events=(event,), warnings=tuple(warnings))


def _event(said: Template, mild: Lenient) -> AlertEvent | TestEvent:
    title = mild.text(*_TITLE)
    if (title and _TEST.match(title)) or (title is None and said.unexpanded):
        # the test button of a monitor, or of the integration, which has nothing to put into the variables
        return TestEvent(title=title or "a body whose variables were not expanded")
    labels, scope = _labels_and_scope(said, mild, title)
    dedup_key, identity = _keys(mild, scope, title)
    if dedup_key is None or identity is None:
        raise BadField(said.pointer, "neither a title nor any key of a monitor ($ALERT_ID, $ALERT_CYCLE_KEY)")
    word = _word(mild, title)
    resolved = word is not None and _ENDED.fullmatch(word) is not None
    moment, severity = _moment(mild), _severity(mild)
    return AlertEvent(
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        identity=identity,
        dedup_key=dedup_key,
        title=title or f"monitor {identity}",
        severity=severity_of(severity),
        severity_raw=severity,
        starts_at=None if resolved else _start(mild, word, moment),
        ends_at=moment if resolved else None,
        changed_at=moment,
        pending_for=mild.seconds("pendingfor") if "pendingfor" in said.values else _window(labels, mild),
        description=_plain(mild.text(*_TEXT)),
        service=mild.text("service", "servicename") or service_of(labels),
        host=mild.text("hostname", "host") or host_of(labels),
        environment=mild.text("environment", "env") or environment_of(labels),
        labels=labels,
        source_url=mild.text(*_LINK),
        runbook=mild.text("runbook", "runbookurl"),
        value=said.number("value", "alertvalue", "metricvalue"),
        # a plain event that mentions the webhook: nothing will ever say that it is over
        point=word is None,
    )


def _labels_and_scope(said: Template, mild: Lenient, title: str | None) -> tuple[dict[str, str], str]:
    """The tags as labels, and the scope: the group of the monitor that this is about ("" where it has no groups)."""
    scope = mild.text(*_SCOPE) or ""
    if not scope and title:
        # "[Triggered on {host:db-1}] …"
        scope = next((match.group(2) for match in _prefixes(title) if match.group(2)), "")
    if scope == "*":
        scope = ""
    labels = read_tags(
        next((said.values[name] for name in ("tags", "alerttags", "eventtags") if name in said.values), None)
    )
    for name, value in read_tags(scope).items():
        labels.setdefault(name, value)
    return labels, scope


def _prefixes(title: str) -> list[re.Match[str]]:
    """What Datadog itself puts before a monitor's name."""
    found, at = [], 0
    while (match := _PREFIX.match(title, at)) is not None:
        found.append(match)
        at = match.end()
    return found


def _keys(mild: Lenient, scope: str, title: str | None) -> tuple[str | None, str | None]:
    """The key of the episode and the identity of the condition.

    The cycle key is made anew for every episode; monitor and scope stay, and so does the aggregation key.
    """
    monitor, cycle, aggregation = mild.text(*_MONITOR), mild.text(*_CYCLE), mild.text(*_AGGREGATION)
    plain = None
    if monitor is not None:
        plain = f"{monitor}/{scope}" if scope else monitor
    # a template that tells no scope: the aggregation key tells a monitor's groups apart
    identity = f"{monitor}/{aggregation}" if monitor and aggregation and not scope else plain or aggregation or cycle
    dedup_key = cycle or aggregation or plain
    if dedup_key is None and title:
        prefixes = _prefixes(title)
        name = title[prefixes[-1].end() :] if prefixes else title
        dedup_key = identity = f"{name.strip() or title}/{scope}" if scope else name.strip() or title
    return dedup_key, identity


def _word(mild: Lenient, title: str | None) -> str | None:
    """Datadog's word for what happened; None where nothing in the body tells."""
    told = mild.text(*_TRANSITION)
    if told:
        return told
    status = mild.text(*_STATUS)
    if status:
        stated = _STATED.search(status)
        return stated.group(1) if stated else status if len(status) <= 20 else "Triggered"
    prefixed = next((match.group(1) for match in _prefixes(title or "") if match.group(1)), None)
    if prefixed:
        return prefixed
    kind = mild.text("alerttype")
    return "Recovered" if kind == "success" else "Triggered" if kind in ("error", "warning") else None


def _moment(mild: Lenient) -> datetime | None:
    """When it happened, by Datadog's clock."""
    stated = mild.time(*_MOMENT)
    return stated or _at(_STATED_AT, mild.text(*_STATUS)) or mild.time("lastupdated")


def _start(mild: Lenient, word: str | None, moment: datetime | None) -> datetime | None:
    """When the episode began. A renotification carries its own, later date, which is no start at all."""
    if word is not None and _RENOTIFIED.fullmatch(word):
        return _at(_TRIGGERED_AT, mild.text(*_STATUS))
    return moment


def _at(pattern: re.Pattern[str], text: str | None) -> datetime | None:
    found = pattern.search(text or "")
    try:
        return read_time(f"{found.group(1)}Z") if found else None
    except BadTime:
        return None


def _severity(mild: Lenient) -> str | None:
    """The monitor's priority, else the kind of the alert; $PRIORITY alone is normal or low, and says nothing."""
    for name in ("alertpriority", "monitorpriority", "priority", "severity"):
        told = mild.text(name)
        if told and (_PRIORITY.fullmatch(told) or (name == "severity" and told.lower() not in ("normal", "low"))):
            return told
    kind = mild.text("alerttype")
    return None if kind == "success" else kind


def _window(labels: dict[str, str], mild: Lenient) -> float | None:
    return Lenient(Fields(dict(labels), "/tags"), mild.warnings).seconds("pending_for")


def _plain(text: str | None) -> str | None:
    """The text without the fences of Datadog's Markdown."""
    return text.replace("%%%", "").strip() or None if text else None


def _detect(request: Request) -> bool:
    document = sniffed_fields(request)
    if document is None:
        return False
    if "datadog" in request.headers.get("user-agent", "").lower():
        return True
    names = Template.read(document, _VARIABLE).values
    if not names.keys().isdisjoint(("alerttransition", *_CYCLE, "aggregkey")):
        return True
    if any("datadoghq." in str(names.get(name)) for name in _LINK):
        return True
    # the template that a new webhook comes with
    return {"eventtype", "lastupdated", "title", "date", "org"} <= {spelled_alike(name) for name in document}


ADAPTER = Adapter(
    name="datadog",
    version=1,
    about=About(
        title="Datadog",
        paste='Integrations > Webhooks > New, URL {url}, payload: {"alert_id": "$ALERT_ID", "alert_title": '
        '"$ALERT_TITLE", "alert_transition": "$ALERT_TRANSITION", "alert_cycle_key": "$ALERT_CYCLE_KEY", '
        '"aggreg_key": "$AGGREG_KEY", "alert_scope": "$ALERT_SCOPE", "alert_status": "$ALERT_STATUS", "alert_type": '
        '"$ALERT_TYPE", "alert_priority": "$ALERT_PRIORITY", "hostname": "$HOSTNAME", "tags": "$TAGS", "date": '
        '"$DATE", "link": "$LINK", "text_only_msg": "$TEXT_ONLY_MSG"}',
        reads="Transition, title, date, monitor id, cycle key, aggregation key, scope, priority, type, status text, "
        "host, tags (service, host, env), link, text, pending_for; in JSON or as a form, under any usual spelling.",
        cannot_know="When an episode began, from a renotification alone; the evaluation window; anything that the "
        "template leaves out: without a date the time of receipt stands in. $EVENT_MSG with quotes makes the body "
        "unreadable: use $TEXT_ONLY_MSG.",
    ),
    detect=_detect,
    adapt=_adapt,
    secrets=("email",),
)
