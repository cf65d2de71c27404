"""Azure Monitor: action groups, in the common alert schema and in the older ones of each kind of alert."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, first_of, service_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from schemas.events import AlertEvent, Change
from schemas.vocabulary import AlertStatus, ChangeKind, Severity

__all__ = ["ADAPTER"]

_COMMON: Final = "azuremonitorcommonalertschema"
_ACTIVITY: Final = "microsoft.insights/activitylogs"
_LOG: Final = "microsoft.insights/logalert"
_CONDITIONS: Final = {
    "fired": AlertStatus.FIRING,
    "activated": AlertStatus.FIRING,
    "resolved": AlertStatus.RESOLVED,
    "deactivated": AlertStatus.RESOLVED,
}
# here, as nowhere else, 0 is the worst; older schemas write the bare number, the older log alerts a word
_STEPS: Final = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO, Severity.INFO)
_STEP: Final = re.compile(r"(?:sev)?([0-4])", re.IGNORECASE | re.ASCII)
_ISO_WINDOW: Final = re.compile(r"PT(?:(\d{1,4})H)?(?:(\d{1,4})M)?(?:(\d{1,4})S)?", re.ASCII)
# the first version of log alerts writes 3/22/2019 1:36:31 PM, which is UTC
_US_TIME: Final = re.compile(r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M", re.ASCII)
_HEALTH: Final = ("servicehealth", "resourcehealth")
_STATELESS: Final = ("loganalytics", "applicationinsights", "costalerts")


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict) or not (isinstance(document.get("data"), dict) or "context" in document):
        raise Unreadable("not an alert of Azure Monitor: an object with an object `data` or `context` is expected")
    fields = Fields(document)
    warnings: list[str] = []
    schema = (Lenient(fields, warnings).text("schemaId") or "").lower()
    try:
        if "operation" in document and "context" in document:
            return _autoscale(fields)
        read = _READERS.get(schema, _common if schema == _COMMON else _metric)
        return Adapted(events=(read(fields, warnings),), warnings=tuple(warnings))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))


def _common(fields: Fields, warnings: list[str]) -> AlertEvent:
    data = Fields.of(fields.values["data"], "/data")
    essentials = Fields.of(data.values.get("essentials"), "/data/essentials")
    told, context = Lenient(essentials, warnings), Lenient(data, warnings).inner("alertContext")
    service = (told.text("monitoringService") or "").lower().replace(" ", "")
    of_activity = (told.text("signalType") or "").lower().replace(" ", "") == "activitylog"
    health = service in _HEALTH
    status = _status(essentials, "monitorCondition")
    if health and _is_over(context):
        status = AlertStatus.RESOLVED
    fired, key = told.time("firedDateTime"), essentials.needed("alertId")
    labels = _labels(context, Lenient(data, warnings), with_properties=not of_activity)
    lowered = {name.lower(): value for name, value in labels.items()}
    word = told.text("severity")
    ended = told.time("resolvedDateTime") or (fired if health else None)
    return AlertEvent(
        status=status,
        identity=_identity(told, context) or key.lower(),
        dedup_key=key,
        title=told.text("alertRule")
        or context.inner("AlertData").text("BudgetName")
        or told.text("description")
        or key,
        severity=_severity(word),
        severity_raw=word,
        starts_at=None if health and status is AlertStatus.RESOLVED else fired,
        ends_at=ended if status is AlertStatus.RESOLVED else None,
        pending_for=_window(context.text("for")),
        description=told.text("description") or _described(context),
        service=service_of(lowered),
        host=None if service == "costalerts" else _host(told),
        environment=environment_of(lowered),
        labels=labels,
        source_url=told.text("investigationLink") or _link(context),
        runbook=first_of(lowered, ("runbook", "runbook_url", "runbookurl")),
        value=_value(context),
        # what an activity log or a stateless query found is never resolved
        point=of_activity or service in _STATELESS,
    )


def _status(fields: Fields, name: str) -> AlertStatus:
    word = fields.needed(name)
    status = _CONDITIONS.get(word.lower())
    if status is None:
        raise BadField(fields.at(name), f"unknown word {word[:60]!r}; one of: {', '.join(_CONDITIONS)}")
    return status


def _is_over(context: Lenient) -> bool:
    """Whether a health event tells of its end: such alerts stay Fired whatever happens. A test's end says nothing."""
    if (context.inner("properties").text("IsSynthetic") or "").lower() == "true":
        return False
    return (context.text("status") or "").lower() == "resolved"


def _severity(word: str | None) -> Severity:
    step = _STEP.fullmatch(word or "")
    if step:
        return _STEPS[int(step.group(1))]
    return severity_of("info" if word and word.lower() == "verbose" else word)


def _labels(context: Lenient, data: Lenient, *, with_properties: bool) -> dict[str, str]:
    """Dimensions, labels of Prometheus rules, and what users attach; the properties of an activity are prose."""
    found: dict[str, str] = {}
    if with_properties:
        found |= context.labels("properties")
    for criterion in _criteria(context):
        for dimension in (*criterion.list_of("dimensions"), *criterion.list_of("Dimensions")):
            name, value = dimension.text("name"), dimension.text("value")
            if name and value:
                found.setdefault(name, value)
    return found | context.labels("labels") | data.labels("customProperties")


def _criteria(context: Lenient) -> list[Lenient]:
    """The criteria of a metric or query; the older schemas have a single one, with its fields beside it."""
    condition = context.inner("condition")
    return condition.list_of("allOf") or [condition, context]


def _identity(told: Lenient, context: Lenient) -> str | None:
    """The rule, its target, and the dimensions that tell its instances apart, or the event of a service's health.

    Azure writes the same id in different cases.
    """
    rule = told.text("alertRuleId", "alertRule")
    if not rule:
        return None
    dimensions = [
        f"{dimension.text('name')}={dimension.text('value')}"
        for criterion in _criteria(context)
        for dimension in criterion.list_of("dimensions") + criterion.list_of("Dimensions")
    ]
    tracked = context.inner("properties").text("trackingId")
    parts = [
        rule,
        *sorted(told.texts("alertTargetIDs")),
        *sorted(dict.fromkeys(dimensions)),
        *([tracked] if tracked else []),
    ]
    return "|".join(parts).lower()


def _host(told: Lenient) -> str | None:
    """The first configuration item; where the list is missing, the name of the resource that the rule looks at."""
    items = told.texts("configurationItems")
    if items:
        return items[0]
    targets = told.texts("alertTargetIDs") if told.values.get("configurationItems") is None else []
    return targets[0].rsplit("/", 1)[-1] if targets and "/providers/" in targets[0].lower() else None


def _described(context: Lenient) -> str | None:
    about = context.inner("properties")
    return (
        context.inner("annotations").text("description", "summary")
        or about.text("title")
        or context.text("DetectionSummary")
    )


def _link(context: Lenient) -> str | None:
    links = [
        criterion.text("linkToFilteredSearchResultsUI", "linkToSearchResultsUI") for criterion in _criteria(context)
    ]
    return next((link for link in links if link), None) or context.text(
        "LinkToFilteredSearchResultsUI", "LinkToSearchResults", "portalLink"
    )


def _value(context: Lenient) -> float | None:
    values = [criterion.number("metricValue") for criterion in _criteria(context)]
    return next((value for value in values if value is not None), context.number("expressionValue", "ResultCount"))


def _window(text: str | None) -> float | None:
    """An ISO 8601 duration, as Prometheus rules in Azure have for how long the condition has to hold."""
    found = _ISO_WINDOW.fullmatch(text or "")
    if not found or not any(found.groups()):
        return None
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _metric(fields: Fields, warnings: list[str]) -> AlertEvent:
    """Metric alerts before the common schema, and the classic ones, which have no `data` around them."""
    inside = fields.values.get("data")
    around = Fields(inside, "/data") if isinstance(inside, dict) else fields
    context = Fields.of(around.values.get("context"), around.at("context"))
    status, told = _status(around, "status"), Lenient(context, warnings)
    key, moment = context.needed("id"), told.time("timestamp")
    labels = _labels(told, Lenient(around, warnings), with_properties=False)
    labels |= Lenient(around, warnings).labels("properties")
    lowered = {name.lower(): value for name, value in labels.items()}
    resource, word = told.text("resourceId"), told.text("severity")
    firing = status is AlertStatus.FIRING
    return AlertEvent(
        status=status,
        identity=f"{key}|{resource}".lower() if resource else key.lower(),
        dedup_key=key,
        title=told.text("name") or key.rsplit("/", 1)[-1],
        severity=_severity(word),
        severity_raw=word,
        starts_at=moment if firing else None,
        ends_at=None if firing else moment,
        changed_at=moment,
        description=told.text("description"),
        service=service_of(lowered),
        host=told.text("resourceName"),
        environment=environment_of(lowered),
        labels=labels,
        source_url=told.text("portalLink"),
        value=_value(told),
    )


def _activity(fields: Fields, warnings: list[str]) -> AlertEvent:
    """An entry of the activity log that a rule looks for: a moment, never resolved."""
    data = Fields.of(fields.values.get("data"), "/data")
    entry = Lenient(data, warnings).inner("context").inner("activityLog")
    what, resource = entry.text("operationName") or "activity", entry.text("resourceId")
    word, moment = entry.text("level"), entry.time("eventTimestamp")
    key = entry.text("eventDataId", "correlationId") or f"{what}|{resource}"
    return AlertEvent(
        status=_status(data, "status"),
        identity=f"{what}|{resource}".lower(),
        dedup_key=key,
        title=entry.inner("properties").text("title") or what,
        severity=_severity(word),
        severity_raw=word,
        starts_at=moment,
        description=entry.text("description") or entry.text("status"),
        host=resource.rsplit("/", 1)[-1] if resource and "/providers/" in resource.lower() else None,
        labels={name: said for name in ("status", "resourceGroupName", "eventSource") if (said := entry.text(name))},
        point=True,
    )


def _log_alert(fields: Fields, warnings: list[str]) -> AlertEvent:
    """A log alert before the common schema: what a query found, never resolved."""
    data = Fields.of(fields.values.get("data"), "/data")
    told = Lenient(data, warnings)
    rule, word = data.needed("AlertRuleName"), told.text("Severity", "SeverityDescription")
    labels = _labels(told, told, with_properties=False)
    lowered = {name.lower(): value for name, value in labels.items()}
    key = "/".join(part for part in (told.text("SubscriptionId"), rule) if part)
    return AlertEvent(
        status=AlertStatus.FIRING,
        identity=key.lower(),
        dedup_key=key,
        title=rule,
        severity=_severity(word),
        severity_raw=word,
        starts_at=_us_time(told, "SearchIntervalEndtimeUtc"),
        description=told.text("Description"),
        service=service_of(lowered),
        host=next(iter(told.texts("AffectedConfigurationItems")), None),
        environment=environment_of(lowered),
        labels=labels,
        source_url=_link(told),
        value=told.number("ResultCount"),
        point=True,
    )


def _us_time(told: Lenient, name: str) -> datetime | None:
    text = told.text(name)
    if text is None or not _US_TIME.fullmatch(text):
        return told.time(name)
    try:
        return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)
    except ValueError:
        return None  # a thirteenth month


def _autoscale(fields: Fields) -> Adapted:
    """Autoscale tells of what it did: a change, no alert."""
    warnings: list[str] = []
    context, done = Lenient(fields, warnings).inner("context"), fields.needed("operation")
    change = Change(
        kind=ChangeKind.CONFIG,
        text=context.text("details") or f"{done}: {context.text('resourceName') or 'a resource'}",
        at=context.time("timestamp"),
        source_url=context.text("portalLink"),
    )
    return Adapted(events=(change,), warnings=tuple(warnings))


_READERS: Final[dict[str, Callable[[Fields, list[str]], AlertEvent]]] = {_ACTIVITY: _activity, _LOG: _log_alert}


def _detect(request: Request) -> bool:
    document = request.sniffed
    if not isinstance(document, dict):
        return False
    schema, context = document.get("schemaId"), document.get("context")
    if isinstance(schema, str) and schema.lower().startswith(("azuremonitor", "microsoft.insights/")):
        return True
    return isinstance(context, dict) and {"conditionType", "resourceId"} <= context.keys()


ADAPTER = Adapter(
    name="azure_monitor",
    version=1,
    about=About(
        title="Azure Monitor",
        paste="Monitor > Alerts > Action groups > Actions > Webhook: URI {url}, enable the common alert schema: Yes; "
        "in the alert rule leave `Automatically resolve alerts` on, and name service and environment as custom "
        "properties.",
        reads="Alert id, rule, targets, dimensions, monitor condition, fired and resolved times, severity, "
        "description, custom properties (service, environment, runbook), measured value; for Prometheus rules how "
        "long the condition had to hold. Also classic metric alerts, activity log, log alerts and autoscale in old "
        "schemas.",
        cannot_know="The end of what an activity log, a budget or a log alert of the first version found: those are "
        "moments. A test of an action group looks like a real alert.",
    ),
    detect=_detect,
    adapt=_adapt,
    secrets=("claims", "caller", "httpRequest", "BudgetCreator"),
)
