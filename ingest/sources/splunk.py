"""Splunk: the webhook action of search alerts, which never resolve; and detectors of Splunk Observability, which do."""

import re
from datetime import datetime
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, fingerprint, host_of, service_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.times import BadTime, read_epoch
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

# scheduler__admin__search__RMD5…_at_1741082400_17: when the scheduler ran the search
_SCHEDULED: Final = re.compile(r"_at_(\d{10})(?:_|$)", re.ASCII)
_DETECTED: Final = {
    "anomalous": AlertStatus.FIRING,
    "ok": AlertStatus.RESOLVED,
    "manually resolved": AlertStatus.RESOLVED,
    "stopped": AlertStatus.RESOLVED,
}


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict):
        raise Unreadable("not an alert of Splunk: an object is expected")
    warnings: list[str] = []
    fields = Fields(document)
    try:
        read = _detector if "incidentId" in document and "sid" not in document else _search
        return Adapted(events=(read(fields, Lenient(fields, warnings)),), warnings=tuple(warnings))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))


def _search(fields: Fields, told: Lenient) -> AlertEvent:
    """A search that found something. Its id is new on every run, and only the first row of the result is told."""
    name, app, owner = told.text("search_name"), told.text("app"), told.text("owner")
    if not any((name, app, told.text("sid"))):
        raise BadField(fields.pointer, "neither a search (search_name), an app nor a sid")
    result = told.inner("result")
    labels = {label: value for label, value in told.labels("result").items() if not label.startswith("_")}
    # a search that was not saved: told from others by the columns that it gives
    of_columns = fingerprint(dict.fromkeys(labels, "1"))
    key = "/".join(part for part in ((app, name) if name else (app, owner, of_columns)) if part)
    word = result.text("severity")
    return AlertEvent(
        status=AlertStatus.FIRING,
        identity=key,
        dedup_key=key,
        title=name or f"a search in {app or 'Splunk'}",
        severity=severity_of(word),
        severity_raw=word,
        starts_at=_event_time(result) or _run_time(told),
        description=result.text("message", "description"),
        service=service_of(labels),
        host=host_of(labels),
        environment=environment_of(labels),
        labels=labels,
        source_url=told.text("results_link"),
        point=True,
    )


def _event_time(result: Lenient) -> datetime | None:
    """The time of the row: seconds with a fraction, or a time with a zone."""
    seconds = result.number("_time")
    try:
        return result.time("_time") if seconds is None else read_epoch(seconds)
    except BadTime:
        return None


def _run_time(told: Lenient) -> datetime | None:
    found = _SCHEDULED.search(told.text("sid") or "")
    return read_epoch(int(found.group(1))) if found else None


def _detector(fields: Fields, told: Lenient) -> AlertEvent:
    """An alert of a detector: one incident for each episode."""
    name = fields.name_of(("statusExtended", "status")) or "statusExtended"
    word = fields.needed(name).lower()
    if word not in _DETECTED:
        raise BadField(fields.at(name), f"unknown word {word[:60]!r}; one of: {', '.join(_DETECTED)}")
    status, key, moment = _DETECTED[word], fields.needed("incidentId"), told.time("timestamp")
    rule, detector = told.text("rule"), told.text("detectorId", "detector")
    labels = told.labels("dimensions")
    parts = [part for part in (detector, rule) if part]
    level = told.text("severity")
    return AlertEvent(
        status=status,
        identity="|".join([*parts, fingerprint(labels)]) if parts else key,
        dedup_key=key,
        title=told.text("messageTitle") or rule or told.text("detector") or key,
        severity=severity_of(level),
        severity_raw=level,
        starts_at=moment if status is AlertStatus.FIRING else None,
        ends_at=moment if status is AlertStatus.RESOLVED else None,
        changed_at=moment,
        description=told.text("messageBody", "description"),
        service=service_of(labels),
        host=host_of(labels),
        environment=environment_of(labels),
        labels=labels,
        source_url=told.text("detectorUrl"),
        runbook=told.text("runbookUrl"),
    )


def _detect(request: Request) -> bool:
    document = request.sniffed
    return isinstance(document, dict) and (
        {"sid", "results_link"} <= document.keys() or {"incidentId", "detectorUrl"} <= document.keys()
    )


ADAPTER = Adapter(
    name="splunk",
    version=1,
    about=About(
        title="Splunk",
        paste="Alert > Edit alert > Add actions > Webhook, URL {url} with the token in the path (Splunk can set no "
        "header); trigger once for each result to hear of every row. Splunk Observability: Data Management > "
        "Webhook, the default payload.",
        reads="Search, app, owner, the first row of the result (_time, host, service, severity), results link, and "
        "when the scheduler ran the search; of detectors the incident, rule, status, severity, dimensions and "
        "timestamp.",
        cannot_know="When what a search found was over: its alerts are moments. Rows beyond the first. Searches of "
        "one name are one alert.",
    ),
    detect=_detect,
    adapt=_adapt,
)
