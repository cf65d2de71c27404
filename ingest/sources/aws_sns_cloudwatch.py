"""CloudWatch alarms through SNS: the message inside the envelope, or bare (raw message delivery)."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.cloudwatch import (
    host_of_dimensions,
    measured_value,
    pending_seconds,
    reason_data,
    service_of_dimensions,
)
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable, read_json
from ingest.reading.labels import environment_of
from ingest.reading.lenient import Lenient
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus

__all__ = ["ADAPTER"]

_STATES: Final = {"ALARM": AlertStatus.FIRING, "OK": AlertStatus.RESOLVED}
_NO_DATA: Final = "INSUFFICIENT_DATA"
_HANDSHAKES: Final = {
    "SubscriptionConfirmation": "SNS asks to confirm the subscription of {topic}: open this delivery's SubscribeURL",
    "UnsubscribeConfirmation": "the subscription of {topic} has ended: no more alarms will come from it",
}
# arn:partition:service:region:account:…
_ARN: Final = re.compile(r"arn:(aws[\w-]*):[^:]+:([\w-]+):(\d*):.+")
_ACTIONS: Final = ("AlarmActions", "OKActions", "InsufficientDataActions")


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict):
        raise Unreadable("neither an SNS message nor a CloudWatch alarm: an object is expected")
    try:
        if "TopicArn" in document and "Type" in document:
            return _envelope(Fields(document))
        return _message(Fields(document), request.headers.get("x-amz-sns-topic-arn"))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))


def _envelope(fields: Fields) -> Adapted:
    kind, topic = fields.needed("Type"), fields.needed("TopicArn")
    if kind in _HANDSHAKES:
        # never fetched here: the address comes from outside, and an adapter has no network
        return Adapted(control=_HANDSHAKES[kind].format(topic=topic))
    if kind != "Notification":
        raise BadField(fields.at("Type"), f"unknown word {kind[:60]!r}; one of: Notification, {', '.join(_HANDSHAKES)}")
    message = _inner_document(fields)
    if not isinstance(message, dict) or "AlarmName" not in message:
        return Adapted(ignored="a message that is not about a CloudWatch alarm")
    # The same in every try of Amazon's, like the header: a proxy may have dropped that. Who copies an envelope by hand
    # may leave the id as it was: with another message it is another delivery.
    said, text = fields.values.get("MessageId"), fields.values.get("Message")
    key = f"{said}#{text}" if isinstance(said, str) and said else None
    return msgspec.structs.replace(_message(Fields(message, fields.at("Message")), topic), key=key)


def _inner_document(fields: Fields) -> object:
    """What the envelope holds; None for plain text, which is no alarm."""
    message = fields.values.get("Message")
    if not isinstance(message, str):
        return message
    try:
        return read_json(message.encode(errors="replace"))
    except Unreadable as error:
        if message.lstrip().startswith("{"):
            raise BadField(fields.at("Message"), str(error)) from error
        return None


def _message(fields: Fields, topic: str | None) -> Adapted:
    name = fields.needed("AlarmName")
    state = fields.needed("NewStateValue")
    if state == _NO_DATA:
        return Adapted(ignored=f"the alarm {name} has too little data: neither firing nor resolved, it stays as it was")
    if state not in _STATES:
        allowed = ", ".join((*_STATES, _NO_DATA))
        raise BadField(fields.at("NewStateValue"), f"unknown word {state[:60]!r}; one of: {allowed}")
    warnings: list[str] = []
    event = _event(fields, Lenient(fields, warnings), _STATES[state], topic)
    return Adapted(events=(event,), warnings=tuple(warnings))


def _event(fields: Fields, mild: Lenient, status: AlertStatus, topic: str | None) -> AlertEvent:
    key = _alarm_arn(fields, mild, topic)
    changed_at = mild.time("StateChangeTime")
    reason = mild.text("NewStateReason")
    data = reason_data(fields.values.get("NewStateReasonData"), fields.at("NewStateReasonData"), mild.warnings)
    trigger = mild.inner("Trigger")
    labels, namespace = _metric(trigger)
    firing = status is AlertStatus.FIRING
    return AlertEvent(
        status=status,
        identity=key,
        dedup_key=key,
        title=fields.needed("AlarmName"),
        starts_at=changed_at if firing else None,
        ends_at=None if firing else changed_at,
        changed_at=changed_at,
        pending_for=pending_seconds(changed_at, reason, data, trigger) if firing else None,
        description=mild.text("AlarmDescription") or reason,
        service=service_of_dimensions(labels) or namespace,
        host=host_of_dimensions(labels),
        environment=environment_of({name.lower(): value for name, value in labels.items()}),
        labels=labels,
        value=measured_value(reason, data),
    )


def _alarm_arn(fields: Fields, mild: Lenient, topic: str | None) -> str:
    """The alarm's ARN; old bodies lack it, and `Region` is only a display name: actions lie in the alarm's region."""
    stated = mild.text("AlarmArn")
    if stated:
        return stated
    name, account = fields.needed("AlarmName"), mild.text("AWSAccountId")
    for text in (topic, *_action_arns(fields.values)):
        arn = _ARN.fullmatch(text or "")
        if arn:
            return f"arn:{arn.group(1)}:cloudwatch:{arn.group(2)}:{account or arn.group(3)}:alarm:{name}"
    return "/".join(part for part in (account, mild.text("Region"), name) if part)


def _action_arns(values: Mapping[str, object]) -> list[str]:
    given = [values.get(name) for name in _ACTIONS]
    return [arn for each in given if isinstance(each, list) for arn in each if isinstance(arn, str)]


def _metric(trigger: Lenient) -> tuple[dict[str, str], str | None]:
    """The dimensions as labels, and the namespace; of a calculated metric those of all that go into it."""
    labels: dict[str, str] = {}
    namespace = trigger.text("Namespace")
    metrics = [metric.inner("MetricStat").inner("Metric") for metric in trigger.list_of("Metrics")]
    for metric in (trigger, *metrics):
        namespace = namespace or metric.text("Namespace")
        for dimension in metric.list_of("Dimensions"):
            # lower case in simple alarms, capitals in composite ones
            name, value = dimension.text("name", "Name"), dimension.text("value", "Value")
            if name and value:
                labels.setdefault(name, value)
    return labels, namespace


def _detect(request: Request) -> bool:
    if "x-amz-sns-message-type" in request.headers:
        return True
    document = request.sniffed
    return isinstance(document, dict) and ({"Type", "TopicArn"} <= document.keys() or _is_alarm(document))


def _is_alarm(document: Mapping[str, object]) -> bool:
    return {"AlarmName", "NewStateValue"} <= document.keys()


ADAPTER = Adapter(
    name="aws_sns_cloudwatch",
    version=1,
    about=About(
        title="Amazon CloudWatch through SNS",
        paste="SNS > Topic > Create subscription: protocol HTTPS, endpoint {url}; then set the alarm's ALARM and OK "
        "actions to the topic. Raw message delivery may be on or off.",
        reads="Alarm name, description, state and its time, ARN, dimensions, namespace, the listed datapoints, else "
        "period and evaluation periods: the impact begins with the oldest datapoint that was bad.",
        cannot_know="A severity; since when a composite alarm's condition held. Insufficient data changes nothing.",
    ),
    detect=_detect,
    adapt=_adapt,
    rank=20,
)
