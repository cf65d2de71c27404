"""Kubernetes: Event objects as the cluster has them, plain, in a list, or as exporters wrap them."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields, items_of
from ingest.reading.labels import environment_of, service_of, stated, string_labels
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from schemas.events import AlertEvent, Change, Rejected
from schemas.vocabulary import AlertStatus, ChangeKind

__all__ = ["ADAPTER"]

# what an exporter puts around it; in a watch stream beside "type": "ADDED"
_WRAPPERS: Final = ("object", "event", "kubernetes_event", "kubernetesEvent")
# the cluster's own suffixes have neither vowels nor digits that look like them
_RANDOM: Final = "[bcdfghjklmnpqrstvwxz2456789]"
_POD: Final = (
    re.compile(rf"(.+?)-{_RANDOM}{{6,10}}-{_RANDOM}{{5}}"),  # of a deployment
    re.compile(rf"(.+?)-\d{{8,10}}-{_RANDOM}{{5}}"),  # of a cron job
    re.compile(rf"(.+?)-{_RANDOM}{{5}}"),  # of a daemon set or a job
    re.compile(r"(.+?)-\d{1,4}"),  # of a stateful set
)
_SET: Final = (re.compile(rf"(.+?)-{_RANDOM}{{6,10}}"),)
_JOB: Final = (re.compile(r"(.+?)-\d{8,10}"),)
_OWNERS: Final[Mapping[str, tuple[re.Pattern[str], ...]]] = {"Pod": _POD, "ReplicaSet": _SET, "Job": _JOB}
_SERVICES: Final = frozenset(
    ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Service", "Ingress", "HorizontalPodAutoscaler", *_OWNERS)
)
_LONGEST: Final = 253  # no name in a cluster is longer
_NODE_WORK: Final = frozenset(("NodeNotSchedulable", "NodeSchedulable", "Cordon", "Uncordon", "Drain", "Rebooted"))


def _adapt(request: Request) -> Adapted:
    events: list[AlertEvent | Change] = []
    rejected: list[Rejected] = []
    warnings: list[str] = []
    items = items_of(request.document, "items")
    for item, (pointer, value) in enumerate(items):
        try:
            events.append(_event(item, _unwrapped(Fields.of(value, pointer)), warnings))
        except BadField as error:
            rejected.append(error.rejected(item))
    ignored = None if items else "an empty list"
    return Adapted(events=tuple(events), rejected=tuple(rejected), warnings=tuple(warnings), ignored=ignored)


def _unwrapped(fields: Fields) -> Fields:
    for name in _WRAPPERS:
        inner = fields.values.get(name)
        if isinstance(inner, dict) and _about_object(inner):
            return Fields(inner, fields.at(name))
    return fields


def _about_object(values: Mapping[str, object]) -> bool:
    return isinstance(values.get("involvedObject", values.get("regarding")), dict)


def _event(item: int, fields: Fields, warnings: list[str]) -> AlertEvent | Change:
    kind, reason = fields.text("type") or "Normal", fields.needed("reason")
    # events.k8s.io/v1 says regarding and note
    name = fields.name_of(("involvedObject", "regarding")) or "involvedObject"
    about = Fields.of(fields.values.get(name), fields.at(name))
    event = Lenient(fields, warnings)
    what, called = about.needed("kind"), about.needed("name")
    space = Lenient(about, warnings).text("namespace") or event.inner("metadata").text("namespace")
    title = f"{reason} {what} {space}/{called}" if space else f"{reason} {what} {called}"
    given = about.values.get("labels")
    labels = string_labels(given) if isinstance(given, dict) else {}
    service = service_of(labels) or (_owner(what, called) if len(called) <= _LONGEST else None)
    labels |= _labels(event, space, what, called, reason)
    if kind.lower() == "normal":
        return _change(item, event, title, service, labels)
    key = "/".join(part for part in (space, what, called, reason) if part)
    first, last = _first(event), _last(event)
    return AlertEvent(
        item=item,
        status=AlertStatus.FIRING,
        identity=key,
        dedup_key=key,
        title=title,
        severity=severity_of(kind),
        severity_raw=kind,
        starts_at=first or last,
        changed_at=last if first else None,
        description=event.text("message", "note"),
        service=service,
        host=_host(event, what, called),
        environment=environment_of(labels),
        labels=labels,
        point=True,
    )


def _change(item: int, event: Lenient, title: str, service: str | None, labels: dict[str, str]) -> Change:
    text = event.text("message", "note")
    return Change(
        item=item,
        kind=_kind(labels["reason"]),
        text=f"{title}: {text}" if text else title,
        at=_last(event) or _first(event),
        service=service,
        scope=environment_of(labels),
        labels=labels,
    )


def _first(event: Lenient) -> datetime | None:
    """When it was first seen; the object's own creation where nothing else is told."""
    stated = event.time("firstTimestamp", "deprecatedFirstTimestamp", "eventTime")
    return stated or event.inner("metadata").time("creationTimestamp")


def _last(event: Lenient) -> datetime | None:
    """When it was last seen: events are counted, not repeated."""
    counted = event.inner("series").time("lastObservedTime")
    return counted or event.time("lastTimestamp", "deprecatedLastTimestamp", "eventTime")


def _labels(event: Lenient, space: str | None, kind: str, name: str, reason: str) -> dict[str, str]:
    return stated(
        namespace=space,
        kind=kind,
        name=name,
        reason=reason,
        component=event.text("reportingController", "reportingComponent") or _source(event).text("component"),
        cluster=event.text("clusterName", "cluster"),
        container=_container(event),
    )


def _source(event: Lenient) -> Lenient:
    """Who saw it."""
    return event.inner("source" if event.inner("source").text("component", "host") else "deprecatedSource")


def _container(event: Lenient) -> str | None:
    path = event.inner("involvedObject").text("fieldPath") or event.inner("regarding").text("fieldPath") or ""
    found = re.fullmatch(r"spec\.(?:initC|c)ontainers\{([^}]+)\}", path)
    return found.group(1) if found else None


def _host(event: Lenient, kind: str, name: str) -> str | None:
    """The node: the thing itself, or where it runs. Of controllers the instance is their own pod."""
    if kind == "Node":
        return name
    source = _source(event)
    on_node = "kubelet" in (source.text("component"), event.text("reportingController", "reportingComponent"))
    return source.text("host") or (event.text("reportingInstance") if on_node else None)


@lru_cache(maxsize=4096)  # events of one pod come in numbers
def _owner(kind: str, name: str) -> str | None:
    """The workload that an object belongs to, by the names that the cluster makes for its parts."""
    for pattern in _OWNERS.get(kind, ()):
        found = pattern.fullmatch(name)
        if found:
            return found.group(1)
    return name if kind in _SERVICES else None


def _kind(reason: str) -> ChangeKind:
    if "rollback" in reason.lower():
        return ChangeKind.ROLLBACK
    return ChangeKind.MAINTENANCE if reason in _NODE_WORK else ChangeKind.DEPLOY


def _detect(request: Request) -> bool:
    items = items_of(request.sniffed, "items")
    first = items[0][1] if items else None
    if not isinstance(first, dict):
        return False
    event = _unwrapped(Fields(first)).values
    # Flux writes of objects, too, with a severity of its own
    return _about_object(event) and "reason" in event and "severity" not in event and "metadata" in event


ADAPTER = Adapter(
    name="kubernetes",
    version=1,
    about=About(
        title="Kubernetes events",
        paste="An exporter of events (kubernetes-event-exporter, eventrouter, Argo Events) with a webhook sink: {url}, "
        "the event as JSON.",
        reads="Warnings as points: namespace, kind, name and reason, message, first and last time, node, and the "
        "workload by the names of its pods. Normal events as changes.",
        cannot_know="When a warning is over: after an hour without news its incident is taken for resolved. "
        "Environments, unless the object's labels name one.",
    ),
    detect=_detect,
    adapt=_adapt,
    resolves=False,
)
