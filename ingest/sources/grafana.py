"""Grafana: unified alerting (9 and newer), which writes Alertmanager's body and more; legacy bodies (8 and older)."""

from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.alert_group import read_group
from ingest.reading.fields import BadField, Fields
from ingest.reading.labels import environment_of, host_of, service_of
from ingest.reading.severities import severity_of
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

_LEGACY_STATES: Final = {
    "alerting": AlertStatus.FIRING,
    "ok": AlertStatus.RESOLVED,
    "no_data": AlertStatus.FIRING,
}
# neither firing nor resolved: the rule was stopped, or its pending period runs
_LEGACY_IGNORED: Final = ("paused", "pending")
_LEGACY_MARK: Final = b'"rule'  # ruleId, ruleName: spares unified bodies a second reading


def _adapt(request: Request) -> Adapted:
    # unified bodies have ruleUID per alert, so the mark alone decides nothing
    if _LEGACY_MARK in request.body and _is_legacy(request.document):
        return _read_legacy(Fields.of(request.document, ""))
    return read_group(request)


def _is_legacy(document: object) -> bool:
    return isinstance(document, dict) and "alerts" not in document and "state" in document and "ruleId" in document


def _read_legacy(fields: Fields) -> Adapted:
    """Read one rule's notification. It states no times at all, and on recovery no labels."""
    try:
        state = (fields.text("state") or "").lower()
        if state in _LEGACY_IGNORED:
            return Adapted(ignored=f"the rule's state is {state}: neither firing nor resolved")
        if state not in _LEGACY_STATES:
            allowed = ", ".join((*_LEGACY_STATES, *_LEGACY_IGNORED))
            raise BadField(fields.at("state"), f"unknown word {state[:60]!r}; one of: {allowed}")
        return Adapted(events=(_legacy_event(fields, _LEGACY_STATES[state]),))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))


def _legacy_event(fields: Fields, status: AlertStatus) -> AlertEvent:
    match = _first_match(fields)
    labels = match.labels("tags") | fields.labels("tags")
    key = fields.needed("ruleId")
    severity = labels.get("severity")
    return AlertEvent(
        status=status,
        identity=key,
        dedup_key=key,
        title=fields.text("ruleName", "title") or f"rule {key}",
        severity=severity_of(severity),
        severity_raw=severity,
        description=fields.text("message"),
        service=service_of({name: value for name, value in labels.items() if name != "job"}),
        host=host_of(labels),
        environment=environment_of(labels),
        labels=labels,
        source_url=fields.text("ruleUrl"),
        value=match.number("value"),
    )


def _first_match(fields: Fields) -> Fields:
    matches = fields.values.get("evalMatches")
    first = matches[0] if isinstance(matches, list) and matches else None
    return Fields(first if isinstance(first, dict) else {}, fields.at("evalMatches") + "/0")


def _detect(request: Request) -> bool:
    document = request.sniffed
    if _is_legacy(document):
        return True
    return isinstance(document, dict) and isinstance(document.get("alerts"), list) and "orgId" in document


ADAPTER = Adapter(
    name="grafana",
    version=1,
    about=About(
        title="Grafana Alerting",
        paste="Contact point > Webhook > URL: {url}, HTTP method POST, leave `Disable resolved message` off.",
        reads="Every alert of the group by its own status: startsAt, endsAt, fingerprint, labels, annotations summary, "
        "title, description, runbook_url and pending_for; of legacy bodies the rule, its state and the first match.",
        cannot_know="The rule's pending period unless pending_for repeats it; any time in legacy bodies (Grafana 8 and "
        "older): there the time of receipt stands in.",
    ),
    detect=_detect,
    adapt=_adapt,
)
