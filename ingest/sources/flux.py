"""Flux: events of its notification controller. An error is an alert on the object, news of success end it."""

from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.labels import environment_of, stated, string_labels
from ingest.reading.lenient import Lenient
from schemas.events import AlertEvent, Change
from schemas.vocabulary import AlertStatus, ChangeKind, Severity

__all__ = ["ADAPTER"]

_ERROR: Final = "error"
_GOOD: Final = ("info", "trace")
# it is at work, or waits for another object: that ends nothing
_UNDER_WAY: Final = ("Progressing", "ProgressingWithRetry", "DependencyNotReady", "ArtifactNotReady", "Suspended")


def _adapt(request: Request) -> Adapted:
    try:
        fields = Fields.of(request.document, "")
        warnings: list[str] = []
        return _read(fields, Lenient(fields, warnings), warnings)
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))


def _read(fields: Fields, mild: Lenient, warnings: list[str]) -> Adapted:
    severity, reason = fields.needed("severity").lower(), mild.text("reason") or ""
    if severity != _ERROR and severity not in _GOOD:
        allowed = ", ".join((_ERROR, *_GOOD))
        raise BadField(fields.at("severity"), f"unknown word {severity[:60]!r}; one of: {allowed}")
    metadata = _metadata(fields)
    revision = metadata.get("revision")
    events: list[AlertEvent | Change] = []
    if severity == _ERROR or reason not in _UNDER_WAY:
        events.append(_alert(fields, mild, severity, metadata))
    # traces tell of every look, whether or not it changed anything
    if severity == "info" and revision:
        events.append(_change(len(events), fields, mild, metadata))
    ignored = None if events else f"{reason}: nothing is over, and nothing was changed"
    return Adapted(events=tuple(events), warnings=tuple(warnings), ignored=ignored)


def _metadata(fields: Fields) -> dict[str, str]:
    """The metadata without the groups before its names: kustomize.toolkit.fluxcd.io/revision."""
    given = fields.values.get("metadata")
    found = string_labels(given) if isinstance(given, dict) else {}
    return {name.rpartition("/")[2]: value for name, value in found.items()}


def _thing(fields: Fields) -> tuple[Fields, str]:
    """The object, and what people call it."""
    about = Fields.of(fields.values.get("involvedObject"), fields.at("involvedObject"))
    place = "/".join(part for part in (about.text("namespace"), about.needed("name")) if part)
    return about, f"{about.text('kind') or 'Object'} {place}"


def _alert(fields: Fields, mild: Lenient, severity: str, metadata: dict[str, str]) -> AlertEvent:
    about, called = _thing(fields)
    key = about.text("uid") or called
    at, failed = mild.time("timestamp"), severity == _ERROR
    return AlertEvent(
        status=AlertStatus.FIRING if failed else AlertStatus.RESOLVED,
        identity=key,
        dedup_key=key,
        title=f"{called} {mild.text('reason') or ''}".strip(),
        severity=Severity.ERROR if failed else Severity.UNKNOWN,
        severity_raw=severity,
        starts_at=at if failed else None,
        ends_at=None if failed else at,
        description=mild.text("message"),
        service=about.needed("name"),
        environment=_environment(metadata),
        labels=metadata | stated(kind=about.text("kind"), namespace=about.text("namespace"), name=about.text("name")),
        # it is told after every success, mostly with nothing wrong before
        routine=not failed,
    )


def _change(item: int, fields: Fields, mild: Lenient, metadata: dict[str, str]) -> Change:
    about, called = _thing(fields)
    reason, revision = mild.text("reason") or "", metadata["revision"]
    rolled_back = "rollback" in reason.lower()
    done = "rolled back to" if rolled_back else "is being reconciled to" if reason in _UNDER_WAY else "reconciled to"
    return Change(
        item=item,
        kind=ChangeKind.ROLLBACK if rolled_back else ChangeKind.DEPLOY,
        text=f"{called} {done} {revision}",
        at=mild.time("timestamp"),
        service=about.needed("name"),
        scope=_environment(metadata),
        labels=metadata,
    )


def _environment(metadata: dict[str, str]) -> str | None:
    return environment_of({name.lower(): value for name, value in metadata.items()})


def _detect(request: Request) -> bool:
    document = request.sniffed
    if not isinstance(document, dict) or not isinstance(document.get("involvedObject"), dict):
        return False
    return "gotk-component" in request.headers or {"severity", "reportingController"} <= document.keys()


ADAPTER = Adapter(
    name="flux",
    version=1,
    about=About(
        title="Flux",
        paste="kind: Provider, type: generic (or generic-hmac), address: {url}; an Alert with eventSeverity: info.",
        reads="Errors as alerts on the object; info as their end and, with a revision, as a change; reason, message, "
        "timestamp, metadata (env or environment as the environment).",
        cannot_know="Since when the object had failed before it was told, and how bad that is. With eventSeverity: "
        "error nothing ends the alerts.",
    ),
    detect=_detect,
    adapt=_adapt,
)
