"""Argo CD: its notifications engine. The body is whatever template its user wrote, or the application as it is."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import environment_of, stated, string_labels
from ingest.reading.lenient import Lenient
from ingest.reading.templates import Template, spelled_alike
from schemas.events import AlertEvent, Change, TestEvent
from schemas.vocabulary import AlertStatus, ChangeKind

__all__ = ["ADAPTER"]

_VARIABLE: Final = re.compile(r"\{\{.*\}\}|<no value>|<nil>", re.DOTALL)
_APP: Final = ("app", "appname", "application", "applicationname", "argoapp", "argocdapp", "appmetadataname", "name")
_PHASE: Final = ("operationphase", "operationstatephase", "syncphase", "phase", "operationstatus", "syncresult")
_HEALTH: Final = ("healthstatus", "health", "apphealth", "apphealthstatus")
_REVISION: Final = ("revision", "syncrevision", "syncresultrevision", "commitsha", "commit", "sha", "gitrevision")
_TRIGGER: Final = ("trigger", "event", "eventtype", "type", "reason", "template")
_CHECK: Final = "continuous-delivery/"  # the context of a commit's status, as the manual has it
_PHASES: Final = {
    **{word.lower(): word for word in ("Succeeded", "Failed", "Error", "Running", "Terminating")},
    "success": "Succeeded",
    "failure": "Failed",
    "pending": "Running",
}
# by the triggers of the catalogue: on-sync-succeeded
_TRIGGERED: Final = (
    ("sync-succeeded", "Succeeded"),
    ("deployed", "Succeeded"),
    ("sync-failed", "Failed"),
    ("sync-running", "Running"),
)
_HEALTHS: Final = {
    "degraded": AlertStatus.FIRING,
    "missing": AlertStatus.FIRING,
    "healthy": AlertStatus.RESOLVED,
}


class _State(msgspec.Struct, kw_only=True):
    """What a notification says of one application."""

    app: str
    phase: str | None
    health: str | None
    trigger: str
    revision: str | None
    began_at: datetime | None
    done_at: datetime | None
    told_at: datetime | None
    message: str | None
    environment: str | None
    url: str | None
    labels: dict[str, str]


def _adapt(request: Request) -> Adapted:
    document = request.document
    if not isinstance(document, dict):
        raise Unreadable("not an Argo CD notification: an object is expected")
    warnings: list[str] = []
    try:
        application = _application(document)
        if application is not None:
            state = _of_application(application, document, warnings)
        else:
            said = Template.read(document, _VARIABLE)
            if said.unexpanded and said.name_of(_APP) is None:
                return Adapted(events=(TestEvent(title="a body whose variables were not expanded"),))
            state = _of_template(said, warnings)
        return _told(state, warnings)
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))


def _application(document: Mapping[str, object]) -> Fields | None:
    """The application itself, where the template is its JSON."""
    for name in ("", "app", "application"):
        value = document.get(name) if name else document
        if (
            isinstance(value, dict)
            and isinstance(value.get("metadata"), dict)
            and isinstance(value.get("status"), dict)
        ):
            return Fields(value, f"/{name}" if name else "")
    return None


def _of_application(application: Fields, document: Mapping[str, object], warnings: list[str]) -> _State:
    whole, around = Lenient(application, warnings), Lenient(Fields(dict(document)), [])
    metadata = Fields.of(application.values["metadata"], application.at("metadata"))
    status = whole.inner("status")
    operation, health = status.inner("operationState"), status.inner("health")
    labels = metadata.values.get("labels")
    return _State(
        app=metadata.needed("name"),
        phase=operation.text("phase"),
        health=health.text("status"),
        trigger=(around.text("trigger", "event") or "").lower().replace("_", "-"),
        revision=operation.inner("syncResult").text("revision") or status.inner("sync").text("revision"),
        began_at=operation.time("startedAt"),
        done_at=operation.time("finishedAt"),
        told_at=health.time("lastTransitionTime"),
        message=operation.text("message") or health.text("message"),
        environment=environment_of(string_labels(labels)) if isinstance(labels, dict) else None,
        url=None,
        labels=stated(project=whole.inner("spec").text("project"), sync=status.inner("sync").text("status")),
    )


def _of_template(said: Template, warnings: list[str]) -> _State:
    plain = Template({n: v for n, v in said.values.items() if not isinstance(v, dict | list)}, "", said.places)
    mild = Lenient(plain, warnings)
    check = mild.text("context") or ""
    app = mild.text(*_APP) or (check.removeprefix(_CHECK) if check.startswith(_CHECK) else None)
    if not app:
        raise BadField(said.pointer, "no name of an application (app, application)")
    trigger = (mild.text(*_TRIGGER) or "").lower().replace("_", "-").replace(" ", "-")
    return _State(
        app=app,
        phase=mild.text(*_PHASE) or _one_of(_PHASES, mild.text("status"), mild.text("state"), mild.text("syncstatus")),
        health=mild.text(*_HEALTH) or _one_of(_HEALTHS, mild.text("status"), mild.text("state")),
        trigger=trigger,
        revision=mild.text(*_REVISION),
        began_at=mild.time("startedat", "operationstartedat", "operationstatestartedat"),
        done_at=mild.time("finishedat", "operationfinishedat", "operationstatefinishedat", "deployedat"),
        told_at=mild.time("timestamp", "time", "date", "lasttransitiontime"),
        message=mild.text("message", "operationmessage", "operationstatemessage", "description", "text"),
        environment=mild.text("environment", "env", "stage"),
        url=mild.text("url", "appurl", "applicationurl", "targeturl", "link", "argocdappurl"),
        labels=stated(project=mild.text("project", "appproject"), sync=mild.text("syncstatus", "sync")),
    )


def _one_of(words: Mapping[str, object], *given: str | None) -> str | None:
    return next((word for word in given if word and word.lower() in words), None)


def _told(state: _State, warnings: list[str]) -> Adapted:
    by_trigger = next((phase for word, phase in _TRIGGERED if word in state.trigger), None)
    phase = state.phase or by_trigger
    about_health = "health" in state.trigger or "degraded" in state.trigger
    if phase and not about_health:
        phase = _PHASES.get(phase.lower(), phase)
        parts = (state.app, state.revision, phase, state.done_at.isoformat() if state.done_at else None)
        # the default triggers repeat themselves whenever the application is looked at
        key = "\0".join(part or "" for part in parts)
        return Adapted(events=(_change(state, phase),), warnings=tuple(warnings), key=key if state.revision else None)
    if about_health and not state.health:
        state.health = "Degraded"
    if state.health and state.health.lower() in _HEALTHS:
        return Adapted(events=(_alert(state, _HEALTHS[state.health.lower()]),), warnings=tuple(warnings))
    if state.health or state.labels.get("sync"):
        words = ", ".join(word for word in (state.health, state.labels.get("sync")) if word)
        return Adapted(ignored=f"{state.app} is {words[:80]}: neither well nor ill, and nothing was changed")
    raise BadField("", "neither the phase of a sync (operationPhase) nor a health (healthStatus)")


def _change(state: _State, phase: str) -> Change:
    done = state.done_at or state.told_at
    return Change(
        kind=ChangeKind.ROLLBACK if "rollback" in state.trigger else ChangeKind.DEPLOY,
        text=f"Argo CD sync of {state.app}: {phase}",
        at=(state.began_at or done) if phase == "Running" else done or state.began_at,
        service=state.app,
        scope=state.environment,
        labels=state.labels | stated(revision=state.revision, outcome=phase.lower()),
        source_url=state.url,
    )


def _alert(state: _State, status: AlertStatus) -> AlertEvent:
    resolved = status is AlertStatus.RESOLVED
    return AlertEvent(
        status=status,
        identity=state.app,
        dedup_key=state.app,
        title=f"Argo CD application {state.app}: {state.health}",
        severity_raw=state.health,
        starts_at=None if resolved else state.told_at,
        ends_at=state.told_at if resolved else None,
        description=state.message,
        service=state.app,
        environment=state.environment,
        labels=state.labels,
        source_url=state.url,
        routine=resolved,
    )


def _detect(request: Request) -> bool:
    document = request.sniffed
    if not isinstance(document, dict):
        return False
    application = _application(document)
    if application is not None:
        return str(application.values.get("apiVersion", "")).startswith("argoproj.io/") or "operationState" in str(
            application.values["status"]
        )
    if str(document.get("context", "")).startswith(_CHECK):
        return True
    names = {spelled_alike(name) for name in document}
    return not names.isdisjoint(_APP[:-1]) and not names.isdisjoint(("operationphase", "syncstatus", "healthstatus"))


ADAPTER = Adapter(
    name="argocd",
    version=1,
    about=About(
        title="Argo CD",
        paste="argocd-notifications-cm: service.webhook.alertline with url {url} and header Content-Type: "
        "application/json; in the templates method POST, body "
        '{"app": "{{.app.metadata.name}}", "operationPhase": "{{.app.status.operationState.phase}}", '
        '"finishedAt": "{{.app.status.operationState.finishedAt}}", '
        '"revision": "{{.app.status.sync.revision}}", "healthStatus": "{{.app.status.health.status}}"}; '
        'for health alone {"app": "…", "healthStatus": "…", "timestamp": "…"}.',
        reads="A sync's phase, revision, start and finish as a change; without a phase, or by the trigger's name, the "
        "health of the application as an alert; the same under other usual names, the whole application as JSON, and "
        "the manual's commit status.",
        cannot_know="Whatever the template leaves out; without a revision repeats cannot be told from another sync.",
    ),
    detect=_detect,
    adapt=_adapt,
)
