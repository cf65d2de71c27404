"""What a CloudWatch alarm says, however it comes: since when its datapoints were bad, and what its dimensions name."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from ingest.reading.fields import Fields
from ingest.reading.json_body import Unreadable, read_json
from ingest.reading.labels import first_of
from ingest.reading.lenient import Lenient

__all__ = ["host_of_dimensions", "measured_value", "pending_seconds", "reason_data", "service_of_dimensions"]

# "3 out of the last 5 datapoints [4.3 (18/02/24 06:04:00), …] were greater than the threshold (1.5)"
_LISTED: Final = re.compile(r"\bdatapoints? \[([^\]]*)\]")
_LISTED_AT: Final = re.compile(r"\((\d\d/\d\d/\d\d \d\d:\d\d:\d\d)\)", re.ASCII)
_LISTED_VALUE: Final = re.compile(r"\bdatapoints? [\[(](-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)", re.ASCII)
_LONGEST: Final = 366 * 86400.0  # seconds: beyond any period that can be configured, the numbers are nonsense
_MOST_POINTS: Final = 10_000
_SERVICE: Final = ("service", "Service", "ServiceName", "service_name", "app")
# the dimension that names the thing itself, the most telling first; others only divide it
_HOST: Final = (
    *("InstanceId", "host", "Host", "HostName", "hostname", "instance", "NodeName", "PodName"),
    *("DBInstanceIdentifier", "DBClusterIdentifier", "CacheClusterId", "TableName", "BucketName", "QueueName"),
    *("FunctionName", "LoadBalancer", "LoadBalancerName", "AutoScalingGroupName", "TopicName", "StreamName"),
    *("ApiName", "ApiId", "DistributionId", "DomainName", "ClusterName", "VolumeId", "TargetGroup"),
)


def service_of_dimensions(dimensions: Mapping[str, str]) -> str | None:
    """The service that the dimensions of an alarm's metrics name."""
    return first_of(dimensions, _SERVICE)


def host_of_dimensions(dimensions: Mapping[str, str]) -> str | None:
    """What the alarm watches: the dimension that names the thing itself, else the last one."""
    return first_of(dimensions, _HOST) or next(reversed(list(dimensions.values())), None)


def reason_data(given: object, pointer: str, warnings: list[str]) -> Lenient:
    """The machine-readable reason of a state change, an object or its JSON text; an empty one where there is none."""
    if isinstance(given, str):
        try:
            given = read_json(given.encode(errors="replace"))
        except Unreadable:
            given = None
    return Lenient(Fields(given if isinstance(given, dict) else {}, pointer), warnings)


def measured_value(reason: str | None, data: Lenient) -> float | None:
    """The newest datapoint: the first one that the text lists, the last one of the data."""
    found = _LISTED_VALUE.search(reason or "")
    if found:
        return float(found.group(1))
    recent = data.numbers("recentDatapoints")
    return recent[-1] if recent else None


def pending_seconds(changed_at: datetime | None, reason: str | None, data: Lenient, trigger: Lenient) -> float | None:
    """How long the condition had held when the alarm changed its state.

    A datapoint covers the period that begins at its time: the start of the oldest bad one is when it began. Where none
    is listed, the condition held for as many periods as the alarm demands.
    """
    onset = min((*_listed_times(reason), *_evaluated_times(data, trigger)), default=None)
    if onset is None:
        onset = _first_recent(data, trigger)
    if onset is not None and changed_at is not None and timedelta(0) <= changed_at - onset <= timedelta(days=366):
        return (changed_at - onset).total_seconds()
    metrics = [metric.inner("MetricStat").number("Period") for metric in trigger.list_of("Metrics")]
    period = trigger.number("Period") or max((each for each in metrics if each), default=None)
    demanded = trigger.number("DatapointsToAlarm") or trigger.number("EvaluationPeriods")
    window = period * demanded if period and demanded else None
    return window if window is not None and 0 < window <= _LONGEST else None


def _listed_times(reason: str | None) -> Iterable[datetime]:
    listed = _LISTED.search(reason or "")
    for text in _LISTED_AT.findall(listed.group(1)) if listed else ():
        try:
            yield datetime.strptime(text, "%d/%m/%y %H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            continue  # the thirtieth of February: the others still count


def _evaluated_times(data: Lenient, trigger: Lenient) -> Iterable[datetime]:
    for point in data.list_of("evaluatedDatapoints"):
        moment, value = point.time("timestamp"), point.number("value")
        if moment is not None and value is not None and _is_bad(value, data, trigger):
            yield moment


def _first_recent(data: Lenient, trigger: Lenient) -> datetime | None:
    """The start of the oldest bad one of the recent datapoints, which follow each other from the start date on."""
    start, period = data.time("startDate"), data.number("period")
    if start is None or period is None or not 0 < period <= _LONGEST:
        return None
    values = data.numbers("recentDatapoints")[:_MOST_POINTS]
    bad = next((index for index, value in enumerate(values) if _is_bad(value, data, trigger)), None)
    try:
        return None if bad is None else start + timedelta(seconds=bad * period)
    except OverflowError:
        return None  # beyond the calendar


def _is_bad(value: float, data: Lenient, trigger: Lenient) -> bool:
    """Whether a datapoint lies beyond the threshold; a comparison that we cannot make takes every one for bad."""
    threshold = data.number("threshold")
    if threshold is None:
        threshold = trigger.number("Threshold")
    if threshold is None:
        return True
    match trigger.text("ComparisonOperator"):
        case "GreaterThanThreshold":
            return value > threshold
        case "GreaterThanOrEqualToThreshold":
            return value >= threshold
        case "LessThanThreshold":
            return value < threshold
        case "LessThanOrEqualToThreshold":
            return value <= threshold
        case _:
            return True
