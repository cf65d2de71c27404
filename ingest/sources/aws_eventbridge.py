"""Amazon EventBridge: CloudWatch alarms, AWS Health, and deployments, as AWS's services put them on an event bus."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading import cloudwatch
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of
from ingest.reading.lenient import Lenient
from ingest.reading.times import in_utc
from schemas.events import AlertEvent, Change
from schemas.vocabulary import AlertStatus, ChangeKind

__all__ = ["ADAPTER"]

_STATES: Final = {"ALARM": AlertStatus.FIRING, "OK": AlertStatus.RESOLVED}
_NO_DATA: Final = "INSUFFICIENT_DATA"
_HEALTH_STATES: Final = {"open": AlertStatus.FIRING, "closed": AlertStatus.RESOLVED}
_HEALTH_ISSUES: Final = ("issue", "investigation")
# the words with which AWS's deployment services say that they are done, well or not
_DEPLOYED: Final = re.compile(
    r"success|succeeded|failure|failed|service_deployment_(?:completed|failed)|(?:create|update|.*rollback)_complete"
)
_DEPLOYMENTS: Final = (
    "CodeDeploy Deployment State-change Notification",
    "CodePipeline Pipeline Execution State Change",
    "ECS Deployment State Change",
    "CloudFormation Stack Status Change",
)
_ALARM: Final = "CloudWatch Alarm State Change"
_CONTRIBUTOR: Final = "CloudWatch Alarm Contributor State Change"
_CONFIGURATION: Final = "CloudWatch Alarm Configuration Change"
_HEALTH: Final = "AWS Health Event"


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict) or not isinstance(document.get("detail"), dict):
        raise Unreadable("not an event of EventBridge: an object with an object `detail` is expected")
    fields = Fields(document)
    try:
        kind = fields.needed("detail-type")
        return _READERS.get(kind, _other)(fields, Fields(document["detail"], "/detail"))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))


def _alarm(fields: Fields, detail: Fields) -> Adapted:
    name = detail.needed("alarmName")
    state = Fields.of(detail.values.get("state"), detail.at("state"))
    word = state.needed("value")
    if word == _NO_DATA:
        return Adapted(ignored=f"the alarm {name} has too little data: neither firing nor resolved, it stays as it was")
    if word not in _STATES:
        allowed = ", ".join((*_STATES, _NO_DATA))
        raise BadField(state.at("value"), f"unknown word {word[:60]!r}; one of: {allowed}")
    warnings: list[str] = []
    event = _alarm_event(fields, Lenient(detail, warnings), Lenient(state, warnings), _STATES[word])
    return Adapted(events=(event,), warnings=tuple(warnings))


def _alarm_event(fields: Fields, detail: Lenient, state: Lenient, status: AlertStatus) -> AlertEvent:
    name = detail.text("alarmName") or ""
    configuration, before = detail.inner("configuration"), detail.inner("previousState")
    key, of_contributor = _alarm_arn(fields, name), _contributor(detail)
    if of_contributor:
        key = f"{key}/{of_contributor[0]}"
    changed_at, reason = state.time("timestamp"), state.text("reason")
    data = cloudwatch.reason_data(state.values.get("reasonData"), "/detail/state/reasonData", state.warnings)
    labels, namespace = _metrics(configuration)
    labels |= of_contributor[1] if of_contributor else {}
    firing, fired_before = status is AlertStatus.FIRING, before.text("value") == "ALARM"
    return AlertEvent(
        status=status,
        identity=key,
        dedup_key=key,
        title=name,
        # on recovery the event says when the alarm had gone off
        starts_at=changed_at if firing else before.time("timestamp") if fired_before else None,
        ends_at=None if firing else changed_at,
        changed_at=changed_at,
        pending_for=cloudwatch.pending_seconds(changed_at, reason, data, _trigger(configuration)) if firing else None,
        description=configuration.text("description") or reason,
        service=cloudwatch.service_of_dimensions(labels) or namespace,
        host=cloudwatch.host_of_dimensions(labels),
        environment=environment_of({label.lower(): value for label, value in labels.items()}),
        labels=labels,
        value=cloudwatch.measured_value(reason, data),
    )


def _alarm_arn(fields: Fields, name: str) -> str:
    """The alarm's ARN; hand-made events may lack the list of resources."""
    mild = Lenient(fields, [])
    for arn in mild.texts("resources"):
        if ":alarm:" in arn:
            return arn
    return f"arn:aws:cloudwatch:{mild.text('region') or ''}:{mild.text('account') or ''}:alarm:{name}"


def _contributor(detail: Lenient) -> tuple[str, dict[str, str]] | None:
    """Which of the series of an alarm over many this is about: its id and what tells it from the others."""
    given = detail.inner("alarmContributor")
    known = given.text("id", "contributorId")
    attributes = given.labels("attributes", "contributorAttributes")
    return (known, attributes) if known else None


def _metrics(configuration: Lenient) -> tuple[dict[str, str], str | None]:
    """The dimensions of all metrics as labels, and the first namespace; expressions have neither."""
    labels: dict[str, str] = {}
    namespace = None
    for entry in configuration.list_of("metrics"):
        metric = entry.inner("metricStat").inner("metric")
        namespace = namespace or metric.text("namespace")
        labels = metric.labels("dimensions") | labels
    return labels, namespace


def _trigger(configuration: Lenient) -> Lenient:
    """The configuration in the words that an alarm's notification has for it."""
    periods = [entry.inner("metricStat").number("period") for entry in configuration.list_of("metrics")]
    told: dict[str, object] = {
        "Period": max((period for period in periods if period), default=None),
        "Threshold": configuration.number("threshold"),
        "ComparisonOperator": configuration.text("comparisonOperator"),
        "EvaluationPeriods": configuration.number("evaluationPeriods"),
        "DatapointsToAlarm": configuration.number("datapointsToAlarm"),
    }
    return Lenient(Fields(told, "/detail/configuration"), configuration.warnings)


def _configuration(fields: Fields, detail: Fields) -> Adapted:
    warnings: list[str] = []
    done = Lenient(detail, warnings).text("operation") or "update"
    text = f"CloudWatch alarm {detail.needed('alarmName')}: {done}"
    at = Lenient(fields, warnings).time("time")
    return Adapted(events=(Change(kind=ChangeKind.CONFIG, text=text, at=at),), warnings=tuple(warnings))


def _health(fields: Fields, detail: Fields) -> Adapted:
    warnings: list[str] = []
    mild = Lenient(detail, warnings)
    code, category = detail.needed("eventTypeCode"), mild.text("eventTypeCategory") or ""
    word = (mild.text("statusCode") or "open").lower()
    begins, ends = _http_time(mild, "startTime"), _http_time(mild, "endTime")
    described = next(
        (text for each in mild.list_of("eventDescription") if (text := each.text("latestDescription"))), None
    )
    service = mild.text("service")
    if category == "scheduledChange":
        change = Change(kind=ChangeKind.MAINTENANCE, text=code, at=begins, ended_at=ends, service=service)
        return Adapted(events=(change,), warnings=tuple(warnings))
    if category not in _HEALTH_ISSUES or word not in _HEALTH_STATES:
        return Adapted(ignored=f"AWS Health: {code[:80]} is no issue ({category[:40]}, {word[:40]})")
    status = _HEALTH_STATES[word]
    key = mild.text("eventArn") or "/".join(part for part in (Lenient(fields, warnings).text("account"), code) if part)
    entities = [name for each in mild.list_of("affectedEntities") if (name := each.text("entityValue"))]
    event = AlertEvent(
        status=status,
        identity=key,
        dedup_key=key,
        title=code,
        starts_at=begins,
        ends_at=ends if status is AlertStatus.RESOLVED else None,
        changed_at=_http_time(mild, "lastUpdatedTime"),
        description=described,
        service=service,
        host=entities[0] if len(entities) == 1 else None,
        labels={name: said for name in ("service", "eventRegion") if (said := mild.text(name))},
    )
    return Adapted(events=(event,), warnings=tuple(warnings))


def _http_time(mild: Lenient, name: str) -> datetime | None:
    """A time as AWS Health writes it: Sat, 04 Jun 2022 05:00:00 GMT."""
    text = mild.text(name)
    try:
        moment = parsedate_to_datetime(text) if text and "," in text else None
        return mild.time(name) if moment is None else in_utc(moment.replace(tzinfo=moment.tzinfo or UTC))
    except (ValueError, OverflowError):
        return mild.time(name)  # which tells that it cannot be read


def _deployment(fields: Fields, detail: Fields) -> Adapted:
    warnings: list[str] = []
    mild = Lenient(detail, warnings)
    word = mild.text("state", "eventName") or mild.inner("status-details").text("status") or ""
    if not _DEPLOYED.fullmatch(word.lower()):
        return Adapted(ignored=f"a deployment under way ({word[:60]}): it counts when it is done")
    about = Lenient(fields, warnings)
    named = mild.text("application", "pipeline") or _name_of(next(iter(about.texts("resources")), None))
    change = Change(
        kind=ChangeKind.ROLLBACK if "rollback" in word.lower() else ChangeKind.DEPLOY,
        text=" ".join(part for part in (about.text("detail-type"), named, word) if part),
        at=about.time("time"),
        service=named,
    )
    return Adapted(events=(change,), warnings=tuple(warnings))


def _name_of(arn: str | None) -> str | None:
    """The name in an ARN: its last part, for a stack the one before its id."""
    if arn is None:
        return None
    parts = arn.rsplit(":", 1)[-1].split("/")
    return parts[1] if parts[0] == "stack" and len(parts) > 1 else parts[-1]


def _other(fields: Fields, _detail: Fields) -> Adapted:
    return Adapted(ignored=f"{fields.needed('detail-type')[:80]}: neither an alarm nor a change that we know")


_READERS: Final[dict[str, Callable[[Fields, Fields], Adapted]]] = {
    _ALARM: _alarm,
    _CONTRIBUTOR: _alarm,
    _CONFIGURATION: _configuration,
    _HEALTH: _health,
    **dict.fromkeys(_DEPLOYMENTS, _deployment),
}


def _detect(request: Request) -> bool:
    document = request.sniffed
    return isinstance(document, dict) and {"detail-type", "source", "detail"} <= document.keys()


ADAPTER = Adapter(
    name="aws_eventbridge",
    version=1,
    about=About(
        title="Amazon EventBridge",
        paste="EventBridge > API destinations: {url}, method POST, a connection with the token; a rule with the "
        'pattern {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"]} and this target. '
        "More sources: aws.health, aws.codedeploy, aws.codepipeline, aws.ecs, aws.cloudformation.",
        reads="Of alarms the name, state and its time, since when it was in ALARM, ARN, description, metrics, "
        "dimensions and datapoints; AWS Health issues as alerts, scheduled changes as maintenance; deployments done "
        "of CodeDeploy, CodePipeline, ECS and CloudFormation, and configuration changes of alarms, as changes.",
        cannot_know="A severity; since when a composite alarm's condition held. Insufficient data changes nothing. "
        "Events with an input transformer are another format.",
    ),
    detect=_detect,
    adapt=_adapt,
)
