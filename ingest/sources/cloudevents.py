"""CloudEvents: what any system may say, told apart by its type: a change, an alert, or by best effort."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.cloud_events import CloudEvent, events_of, is_binary
from ingest.reading.common_names import named_parts, unwrap
from ingest.reading.fields import BadField, Fields
from ingest.reading.labels import environment_of, host_of, service_of, text_of
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from ingest.reading.statuses import status_of
from ingest.reading.tags import read_tags
from ingest.reading.templates import spelled_alike
from schemas.events import AlertEvent, Change, Rejected
from schemas.vocabulary import AlertStatus, ChangeKind

__all__ = ["ADAPTER"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST_TYPE: Final = 200  # what is remembered must not fill memory
_WORD: Final = re.compile(r"[a-z]+")
# words of a type, the strongest meaning first
_CHANGES: Final = (
    (ChangeKind.ROLLBACK, _words("rollback rolledback rollbacked reverted revert")),
    (ChangeKind.FLAG, _words("flag flags featureflag toggle toggled")),
    (ChangeKind.MAINTENANCE, _words("maintenance")),
    (ChangeKind.CONFIG, _words("config configuration configmap setting settings migration")),
    (
        ChangeKind.DEPLOY,
        _words("deploy deploys deployed deployment release released rollout rolledout upgrade upgraded"),
    ),
)
_ALERTS: Final = _words(
    "alert alerts alerting alarm alarms incident problem outage monitor monitoring anomaly threshold"
)
_ALERT_STATES: Final = _words("firing alerting alarm triggered problem critical resolved recovered ok acknowledged")
_NEITHER: Final = _words(
    "pending nodata no_data insufficient_data suppressed silenced muted paused maintenance unknown"
)
# how types end: com.example.alert.fired; what `status_of` does not know
_HAPPENED: Final = {
    **dict.fromkeys(("fired", "raised", "detected", "started", "created", "breached", "activated"), AlertStatus.FIRING),
    **dict.fromkeys(("ended", "deactivated", "cancelled", "expired"), AlertStatus.RESOLVED),
}
_STATE: Final = ("status", "state", "alertstatus", "alertstate", "newstate", "currentstate")
_KEY: Final = ("dedupkey", "dedupid", "fingerprint", "alertkey", "alertid", "incidentid", "problemid", "key", "id")
_SERVICE: Final = ("service", "servicename", "application", "app", "component")
_VERSION: Final = ("version", "tag", "release", "revision", "artifactid", "sha", "commit")
_ENVIRONMENT: Final = ("environment", "env", "stage")


class _Said:
    """One event in the parts that we look for.

    Attributes:
        values: its data, without what lies around it, by the common spelling of names; what the data lacks is taken
            from the attributes, extensions included. pointer: where the data stands. words: those of its type.
    """

    def __init__(self, event: CloudEvent, warnings: list[str]) -> None:
        self.type, self.warnings = event.attributes.needed("type"), warnings
        self.words = _words_of(self.type[:_LONGEST_TYPE])
        inner, inside = unwrap(event.data) if isinstance(event.data, dict) else ({}, "")
        self.inner, self.pointer = inner, event.pointer + inside
        self.values: dict[str, object] = {}
        for name, value in inner.items():
            self.values.setdefault(spelled_alike(name), value)
        self.attributes = {spelled_alike(name): value for name, value in event.attributes.values.items()}
        self.time = Lenient(event.attributes, warnings).time("time")
        self.words_of_data = event.data if isinstance(event.data, str) else None

    def text(self, *names: str) -> str | None:
        """A text of the data, else of an extension; an object stands for its name or id."""
        return _text_of(self.values, names) or _text_of(self.attributes, tuple(name for name in names if name != "id"))

    def number(self, *names: str) -> float | None:
        """A number of the data."""
        return Fields(self.values).number(*names)

    def moment(self, *names: str) -> datetime | None:
        """A time of the data."""
        return Lenient(Fields(self.values, self.pointer), self.warnings).time(*names)

    @property
    def labels(self) -> dict[str, str]:
        """The labels or tags of the data."""
        return read_tags(self.values.get("labels") or self.values.get("tags"))


@lru_cache(maxsize=1024)
def _words_of(kind: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(_CAMEL.sub(".", kind).lower()))


def _text_of(values: Mapping[str, object], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = values.get(name)
        if value is None:
            continue
        if isinstance(value, dict):
            value = value.get("name") or value.get("id")
        if isinstance(value, str | int | float) and not isinstance(value, bool) and (text := text_of(value).strip()):
            return text
    return None


def _adapt(request: Request) -> Adapted:
    events: list[AlertEvent | Change] = []
    rejected: list[Rejected] = []
    warnings: list[str] = []
    passed: list[str] = []
    given = events_of(request)
    for item, one in enumerate(given):
        try:
            if isinstance(one, BadField):
                raise one
            said = _Said(one, warnings)
            event = _event(item, said)
        except BadField as error:
            rejected.append(error.rejected(item))
            continue
        if event is None:
            passed.append(said.type)
        else:
            events.append(event)
    ignored = f"{passed[0][:80]} tells neither of an alert nor of a change" if passed else None
    return Adapted(
        events=tuple(events),
        rejected=tuple(rejected),
        warnings=tuple(warnings),
        ignored=ignored if given else "an empty batch",
        key=_key_of(given[0]) if len(given) == 1 else None,
    )


def _key_of(one: CloudEvent | BadField) -> str | None:
    """What the event keeps however often it is sent: its source and id."""
    if isinstance(one, BadField):
        return None
    source, identifier = (_text_of(one.attributes.values, (name,)) for name in ("source", "id"))
    return f"{source}#{identifier}" if source and identifier else None


def _event(item: int, said: _Said) -> AlertEvent | Change | None:
    """The event; None where it concerns neither alerts nor changes."""
    if not _ALERTS.isdisjoint(said.words):
        return _alert(item, said)
    kind = next((kind for kind, words in _CHANGES if not words.isdisjoint(said.words)), None)
    if kind is not None:
        return _change(item, said, kind)
    word = said.text(*_STATE)
    if said.text("severity", "priority") or (word is not None and word.lower() in _ALERT_STATES):
        return _alert(item, said, guessed=True)
    return None


def _alert(item: int, said: _Said, *, guessed: bool = False) -> AlertEvent | None:
    status = _status(said)
    if status is None:
        return None
    resolved = status is AlertStatus.RESOLVED
    subject = _text_of(said.attributes, ("subject",))
    # in our words, so that the one time that is told becomes the right one
    told = said.inner | {"status": "resolved" if resolved else "firing"}
    found = named_parts(told) or named_parts(told | {"title": subject or said.type}) or Fields({})
    fields = Lenient(Fields(found.values, said.pointer), said.warnings)
    labels, title = said.labels, fields.text("title") or subject or said.type
    severity = said.text("severity", "priority", "level", "urgency") or labels.get("severity")
    stated = fields.time("starts_at")
    source = _text_of(said.attributes, ("source",)) or ""
    key = said.text(*_KEY) or f"{source}#{subject or title}"
    return AlertEvent(
        item=item,
        status=status,
        identity=key,
        dedup_key=key,
        title=title,
        severity=severity_of(severity),
        severity_raw=severity,
        starts_at=stated or (None if resolved else said.time),
        ends_at=(fields.time("ends_at") or said.time) if resolved else None,
        # beside a stated start the event's own time is when the state changed
        changed_at=said.time if stated else None,
        pending_for=Lenient(Fields(said.values, said.pointer), said.warnings).seconds("pendingfor"),
        description=fields.text("description") or said.words_of_data,
        service=said.text(*_SERVICE) or service_of(labels),
        host=fields.text("host") or host_of(labels),
        environment=said.text(*_ENVIRONMENT) or environment_of(labels),
        labels=labels,
        source_url=fields.text("url"),
        runbook=said.text("runbook", "runbookurl"),
        value=said.number("value"),
        guessed=guessed,
    )


def _status(said: _Said) -> AlertStatus | None:
    """What an alert's event says of it: by its data, else by how its type ends; None for what is neither."""
    word = said.text(*_STATE)
    if word is not None and word.lower().replace(" ", "_") in _NEITHER:
        return None
    told = status_of(word)
    if told is not None:
        return told
    by_type = (_HAPPENED.get(each) or status_of(each) for each in reversed(said.words))
    found = next((status for status in by_type if status is not None), None)
    if found is None and word is not None:
        raise BadField(said.pointer, f"unknown word {word[:60]!r} for the state of an alert")
    return found or AlertStatus.FIRING


def _change(item: int, said: _Said, kind: ChangeKind) -> Change:
    subject = _text_of(said.attributes, ("subject",)) or said.text("id")
    service, version = said.text(*_SERVICE), said.text(*_VERSION)
    labels = said.labels
    told = {"version": version, "outcome": said.text("outcome", "result", "status", "state")}
    return Change(
        item=item,
        kind=kind,
        text=said.text("title", "summary", "message", "text")
        or " ".join(part for part in (said.type, service or subject, version) if part),
        at=said.time or said.moment("finishedat", "timestamp", "time", "startedat"),
        service=service or service_of(labels),
        scope=said.text(*_ENVIRONMENT) or environment_of(labels),
        labels=labels | {name: value for name, value in told.items() if value},
        source_url=said.text("url", "link"),
    )


def _detect(request: Request) -> bool:
    if is_binary(request) or request.headers.get("content-type", "").lower().startswith("application/cloudevents"):
        return True
    document = request.sniffed
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, dict) and {"specversion", "type", "source", "id"} <= first.keys()


ADAPTER = Adapter(
    name="cloudevents",
    version=1,
    about=About(
        title="CloudEvents 1.0",
        paste="Post events to {url}, in binary, structured or batch mode.",
        reads="The type: words such as deployment, release, rollback, flag, config, maintenance make a change, words "
        "such as alert, incident, outage an alert, whose status is that of the data (status, state), else the last "
        "word of the type (fired, resolved). From data and extension attributes: title, dedupkey or alert id, "
        "severity, service, host, environment, version, labels; `time` as start, end or moment of the change.",
        cannot_know="What events mean whose type has none of these words: those with a severity or an alert's state "
        "are guessed at, others are ignored. Without a key, source and subject tell alerts apart.",
    ),
    detect=_detect,
    adapt=_adapt,
    rank=10,
)
