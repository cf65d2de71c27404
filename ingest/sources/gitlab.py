"""GitLab: deployments, releases, flags, pipelines and pushes are changes; alerts and incidents are alerts."""

from collections.abc import Callable, Mapping
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.labels import stated
from ingest.reading.lenient import Lenient
from ingest.reading.severities import severity_of
from schemas.events import AlertEvent, Change
from schemas.vocabulary import AlertStatus, ChangeKind

__all__ = ["ADAPTER"]

_HEADER: Final = "x-gitlab-event"
# nothing has been changed yet
_IDLE: Final = ("created", "blocked", "skipped", "pending", "waiting_for_resource", "preparing", "manual", "scheduled")
_PIPELINE_DONE: Final = ("success", "failed", "canceled")
_LIVE: Final = ("main", "master", "trunk", "production", "prod", "live")
_NO_COMMIT: Final = "0" * 40
_ALERT_STATES: Final = {
    "triggered": AlertStatus.FIRING,
    "acknowledged": AlertStatus.ACKNOWLEDGED,
    "resolved": AlertStatus.RESOLVED,
}
_INCIDENT_ACTIONS: Final = {
    "open": AlertStatus.FIRING,
    "reopen": AlertStatus.FIRING,
    "close": AlertStatus.RESOLVED,
}
# what GitLab's own alert endpoint takes: its senders need only another address
_ENDPOINT: Final = ("monitoring_tool", "gitlab_environment_name", "start_time", "end_time", "hosts", "fingerprint")


class _Nothing(Exception):
    """The event is understood and concerns nobody; the message says why."""


def _adapt(request: Request) -> Adapted:
    warnings: list[str] = []
    try:
        fields = Fields.of(request.document, "")
        kind = fields.text("object_kind", "event_name") or ""
        read = _READERS.get(kind)
        if read is None and not kind and _is_for_endpoint(fields.values):
            read = _endpoint
        if read is None:
            raise _Nothing(f"{kind[:60] or 'an event of no kind'} tells neither of a change nor of an alert")
        event = read(fields, Lenient(fields, warnings))
    except _Nothing as error:
        return Adapted(ignored=str(error))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))
    return Adapted(events=(event,), warnings=tuple(warnings))


def _is_for_endpoint(values: Mapping[str, object]) -> bool:
    return "title" in values and any(name in values for name in _ENDPOINT)


def _project(fields: Fields) -> str:
    project = Fields.of(fields.values.get("project"), fields.at("project"))
    return project.text("path_with_namespace") or project.needed("name")


def _actor(whole: Lenient) -> str | None:
    """The account that did it, never a person's own name."""
    return whole.inner("user").text("username") or whole.text("user_username")


def _deployment(fields: Fields, whole: Lenient) -> Change:
    status, project = fields.needed("status"), _project(fields)
    if status in _IDLE:
        raise _Nothing(f"the deployment is {status}: nothing was changed yet")
    ref, environment = whole.text("ref") or whole.text("short_sha"), whole.text("environment")
    where = f" to {environment}" if environment else ""
    return Change(
        kind=ChangeKind.DEPLOY,
        text=f"Deployment of {project}{f'@{ref}' if ref else ''}{where}: {status}",
        at=whole.time("status_changed_at"),
        service=project,
        scope=environment,
        actor=_actor(whole),
        labels=stated(
            outcome=status,
            sha=whole.text("short_sha"),
            ref=ref,
            tier=whole.text("environment_tier"),
            deployment=whole.text("deployment_id"),
        ),
        source_url=whole.text("deployable_url", "commit_url"),
    )


def _release(fields: Fields, whole: Lenient) -> Change:
    action = whole.text("action")
    if action not in (None, "create"):
        raise _Nothing(f"release {action}: only a new one is told of")
    project, tag = _project(fields), fields.needed("tag")
    return Change(
        kind=ChangeKind.DEPLOY,
        text=f"Release {tag} of {project}",
        at=whole.time("released_at", "created_at"),
        service=project,
        labels=stated(version=tag, name=whole.text("name"), sha=whole.inner("commit").text("id")),
        source_url=whole.text("url"),
    )


def _feature_flag(fields: Fields, whole: Lenient) -> Change:
    flag = Fields.of(fields.values.get("object_attributes"), fields.at("object_attributes"))
    name, active = flag.needed("name"), flag.values.get("active")
    turned = "changed" if active is None else "turned on" if active is True else "turned off"
    return Change(
        kind=ChangeKind.FLAG,
        text=f"Feature flag {name} {turned}",
        service=_project(fields),
        actor=_actor(whole),
        labels={"flag": name},
    )


def _pipeline(fields: Fields, whole: Lenient) -> Change:
    about = Fields.of(fields.values.get("object_attributes"), fields.at("object_attributes"))
    status, told, project = about.needed("status"), whole.inner("object_attributes"), _project(fields)
    if status not in _PIPELINE_DONE:
        raise _Nothing(f"the pipeline is {status[:60]}: nothing was changed yet")
    ref = told.text("ref") or ""
    if told.text("source") == "merge_request_event" or not (told.text("tag") == "true" or _is_live(ref, whole)):
        raise _Nothing(f"the pipeline of {ref[:80]} is not one that deploys, as far as we know")
    return Change(
        kind=ChangeKind.DEPLOY,
        text=f"Pipeline of {project}@{ref}: {status}",
        at=told.time("finished_at", "created_at"),
        service=project,
        actor=_actor(whole),
        labels=stated(outcome=status, sha=told.text("sha"), ref=ref, pipeline=told.text("id")),
        source_url=told.text("url"),
    )


def _is_live(ref: str, whole: Lenient) -> bool:
    return ref in (whole.inner("project").text("default_branch"), *_LIVE)


def _push(fields: Fields, whole: Lenient) -> Change:
    ref, project = fields.needed("ref"), _project(fields)
    name, sha = ref.removeprefix("refs/heads/").removeprefix("refs/tags/"), whole.text("checkout_sha", "after")
    if whole.text("after") == _NO_COMMIT:
        raise _Nothing(f"{ref[:80]} was deleted")
    if not ref.startswith("refs/tags/") and not _is_live(name, whole):
        raise _Nothing(f"{name[:80]} is not a branch that is deployed from, as far as we know")
    commits = whole.list_of("commits")
    # the list is cut to the newest twenty; the one checked out is the head
    head = next((each for each in commits if each.text("id") == sha), commits[-1] if commits else None)
    said = ((head.text("title", "message") if head else None) or "").partition("\n")[0].strip()
    return Change(
        kind=ChangeKind.DEPLOY,
        text=f"Push to {project}@{name}" + (f": {said}" if said else ""),
        at=head.time("timestamp") if head else None,
        service=project,
        actor=_actor(whole),
        labels=stated(sha=sha, ref=ref),
        source_url=head.text("url") if head else None,
    )


def _alert(fields: Fields, whole: Lenient) -> AlertEvent:
    about = Fields.of(fields.values.get("object_attributes"), fields.at("object_attributes"))
    told, word = whole.inner("object_attributes"), about.needed("status")
    if word == "ignored":
        raise _Nothing("the alert is ignored: neither firing nor resolved")
    if word not in _ALERT_STATES:
        allowed = ", ".join((*_ALERT_STATES, "ignored"))
        raise BadField(about.at("status"), f"unknown word {word[:60]!r}; one of: {allowed}")
    status, title, url = _ALERT_STATES[word], about.needed("title"), told.text("url")
    severity, key = told.text("severity"), url or told.text("iid", "id") or title
    project = whole.inner("project").text("path_with_namespace")
    return AlertEvent(
        status=status,
        # GitLab opens another alert when the same comes again
        identity=f"{project}/{title}" if project else title,
        dedup_key=key,
        title=title,
        severity=severity_of(severity),
        severity_raw=severity,
        starts_at=told.time("started_at"),
        ends_at=told.time("ended_at") if status is AlertStatus.RESOLVED else None,
        description=told.text("description"),
        service=told.text("service") or project,
        environment=told.text("environment"),
        source_url=url,
    )


def _issue(fields: Fields, whole: Lenient) -> AlertEvent:
    about = Fields.of(fields.values.get("object_attributes"), fields.at("object_attributes"))
    told = whole.inner("object_attributes")
    if (told.text("type", "issue_type", "work_item_type") or "").lower() != "incident":
        raise _Nothing("an issue that is no incident")
    closed = told.text("state") == "closed"
    usual = AlertStatus.RESOLVED if closed else AlertStatus.FIRING
    status = _INCIDENT_ACTIONS.get(told.text("action") or "", usual)
    project, severity, key = _project(fields), told.text("severity"), about.needed("iid")
    changed = told.time("closed_at", "updated_at") if status is AlertStatus.RESOLVED else None
    return AlertEvent(
        status=status,
        identity=f"{project}#{key}",
        dedup_key=f"{project}#{key}",
        title=about.needed("title"),
        severity=severity_of(severity),
        severity_raw=severity,
        starts_at=told.time("created_at"),
        ends_at=changed,
        description=told.text("description"),
        service=project,
        labels={label: "" for each in told.list_of("labels") if (label := each.text("title"))},
        source_url=told.text("url"),
    )


def _endpoint(fields: Fields, whole: Lenient) -> AlertEvent:
    title, service, ended = fields.needed("title"), whole.text("service"), whole.time("end_time")
    key, severity, hosts = whole.text("fingerprint"), whole.text("severity"), fields.values.get("hosts")
    first = hosts[0] if isinstance(hosts, list) and hosts else hosts
    host = first if isinstance(first, str) else None
    key = key or "/".join(part for part in (service, host, title) if part)
    return AlertEvent(
        status=AlertStatus.RESOLVED if ended else AlertStatus.FIRING,
        identity=key,
        dedup_key=key,
        title=title,
        severity=severity_of(severity or "critical"),  # GitLab's own default
        severity_raw=severity,
        starts_at=whole.time("start_time"),
        ends_at=ended,
        description=whole.text("description"),
        service=service,
        host=host or None,
        environment=whole.text("gitlab_environment_name"),
        labels=stated(monitoring_tool=whole.text("monitoring_tool")),
    )


_READERS: Final[Mapping[str, Callable[[Fields, Lenient], AlertEvent | Change]]] = {
    "deployment": _deployment,
    "release": _release,
    "feature_flag": _feature_flag,
    "pipeline": _pipeline,
    "push": _push,
    "tag_push": _push,
    "alert": _alert,
    "issue": _issue,
    "work_item": _issue,
    "incident": _issue,
}


def _detect(request: Request) -> bool:
    if _HEADER in request.headers:
        return True
    document = request.sniffed
    if not isinstance(document, dict):
        return False
    project = document.get("project")
    known = document.get("object_kind") in _READERS and isinstance(project, dict) and "path_with_namespace" in project
    return known or (_is_for_endpoint(document) and "gitlab_environment_name" in document)


ADAPTER = Adapter(
    name="gitlab",
    version=1,
    about=About(
        title="GitLab",
        paste="Settings > Webhooks > Add new webhook: URL {url}, triggers Deployment events, Releases events, Feature "
        "flag events, Issues events (for incidents); Pipeline and Push events where these deploy. The body that "
        "GitLab's own alert endpoint takes is understood, too.",
        reads="Deployments (project, ref, environment, status), new releases, flags, finished pipelines of tags and "
        "of the default branch, pushes there; alerts and incidents with status, severity and times.",
        cannot_know="When a flag was turned. Which pipelines deploy: every one that is told of counts.",
    ),
    detect=_detect,
    adapt=_adapt,
    rank=20,
    secrets=("email", "user_email", "avatar_url", "user_avatar"),
)
