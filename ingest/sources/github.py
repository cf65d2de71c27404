"""GitHub: deployments, releases, pushes and workflow runs are changes; everything else is ignored."""

from collections.abc import Callable, Mapping
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.forms import payload_of
from ingest.reading.json_body import Unreadable
from ingest.reading.labels import stated
from ingest.reading.lenient import Lenient
from schemas.events import Change
from schemas.vocabulary import ChangeKind

__all__ = ["ADAPTER"]

_HEADER: Final = "x-github-event"
# nothing has been changed yet, or only by another deployment
_IDLE: Final = ("queued", "pending", "waiting", "inactive")
_DID_NOTHING: Final = ("skipped", "neutral", "stale", "action_required")
_LIVE: Final = ("main", "master", "trunk", "production", "prod", "live")
_BRANCH: Final = "refs/heads/"
_TAG: Final = "refs/tags/"


class _Nothing(Exception):
    """The event is understood and changes nothing; the message says why."""


def _adapt(request: Request) -> Adapted:
    document = payload_of(request)
    if not isinstance(document, dict):
        raise Unreadable("not a GitHub webhook: an object is expected")
    event = request.headers.get(_HEADER) or _event_of(document)
    if event == "ping":
        return Adapted(control="GitHub's ping: the webhook is set up")
    warnings: list[str] = []
    try:
        read = _READERS.get(event or "")
        if read is None:
            raise _Nothing(f"{(event or 'an unknown event')[:60]} changes nothing that is observed")
        fields = Fields(document)
        change = read(fields, Lenient(fields, warnings))
    except _Nothing as error:
        return Adapted(ignored=str(error))
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))
    return Adapted(events=(change,), warnings=tuple(warnings))


def _event_of(document: Mapping[str, object]) -> str | None:
    """The event by its body, for recordings without the header."""
    if {"zen", "hook_id"} <= document.keys():
        return "ping"
    if {"ref", "before", "after"} <= document.keys():
        return "push"
    return next((name for name in _READERS if isinstance(document.get(name), dict)), None)


def _repository(fields: Fields) -> str:
    return Fields.of(fields.values.get("repository"), fields.at("repository")).needed("full_name")


def _deployment_status(fields: Fields, whole: Lenient) -> Change:
    status = Fields.of(fields.values.get("deployment_status"), fields.at("deployment_status"))
    state, told = status.needed("state"), whole.inner("deployment_status")
    if state in _IDLE:
        raise _Nothing(f"the deployment is {state}: nothing was changed")
    return _deployed(fields, whole, told, state)


def _deployment(fields: Fields, whole: Lenient) -> Change:
    Fields.of(fields.values.get("deployment"), fields.at("deployment"))
    return _deployed(fields, whole, whole.inner("deployment"), whole.text("action") or "created")


def _deployed(fields: Fields, whole: Lenient, told: Lenient, state: str) -> Change:
    repository, deployment = _repository(fields), whole.inner("deployment")
    environment = told.text("environment") or deployment.text("environment")
    ref, task = deployment.text("ref") or deployment.text("sha"), deployment.text("task") or "deploy"
    where = f" to {environment}" if environment else ""
    return Change(
        kind=ChangeKind.ROLLBACK if "rollback" in task else ChangeKind.DEPLOY,
        text=f"Deployment of {repository}{f'@{ref}' if ref else ''}{where}: {state}",
        at=told.time("created_at", "updated_at"),
        service=repository,
        scope=environment,
        actor=_actor(whole),
        labels=stated(
            outcome=state,
            sha=deployment.text("sha"),
            ref=ref,
            deployment=deployment.text("id"),
            description=told.text("description"),
        ),
        source_url=told.text("environment_url", "log_url", "target_url", "url"),
    )


def _release(fields: Fields, whole: Lenient) -> Change:
    release = Fields.of(fields.values.get("release"), fields.at("release"))
    action, told = whole.text("action"), whole.inner("release")
    if action != "published":
        raise _Nothing(f"release {action or 'of no action'}: only a published one is told of")
    repository, tag = _repository(fields), release.needed("tag_name")
    return Change(
        kind=ChangeKind.DEPLOY,
        text=f"Release {tag} of {repository}",
        at=told.time("published_at", "created_at"),
        service=repository,
        actor=_actor(whole),
        labels=stated(version=tag, name=told.text("name"), branch=told.text("target_commitish")),
        source_url=told.text("html_url"),
    )


def _push(fields: Fields, whole: Lenient) -> Change:
    repository, ref = _repository(fields), fields.needed("ref")
    if fields.values.get("deleted") is True:
        raise _Nothing(f"{ref[:80]} was deleted")
    about, head = whole.inner("repository"), whole.inner("head_commit")
    branch = ref.removeprefix(_BRANCH)
    if not ref.startswith(_TAG) and branch not in (about.text("default_branch"), about.text("master_branch"), *_LIVE):
        raise _Nothing(f"{branch[:80]} is not a branch that is deployed from, as far as we know")
    said = (head.text("message") or "").partition("\n")[0].strip()
    return Change(
        kind=ChangeKind.DEPLOY,
        text=f"Push to {repository}@{branch.removeprefix(_TAG)}" + (f": {said}" if said else ""),
        at=head.time("timestamp") or about.time("pushed_at"),
        service=repository,
        actor=_actor(whole),
        labels=stated(sha=head.text("id") or whole.text("after"), ref=ref),
        source_url=whole.text("compare") or head.text("url"),
    )


def _workflow_run(fields: Fields, whole: Lenient) -> Change:
    Fields.of(fields.values.get("workflow_run"), fields.at("workflow_run"))
    run, action = whole.inner("workflow_run"), whole.text("action")
    conclusion = run.text("conclusion")
    if action != "completed" or not conclusion or conclusion in _DID_NOTHING:
        raise _Nothing(f"the workflow run is {conclusion or action or 'of no action'}: nothing was changed")
    if (run.text("event") or "").startswith("pull_request"):
        raise _Nothing("the workflow run is that of a pull request")
    repository = _repository(fields)
    return Change(
        kind=ChangeKind.DEPLOY,
        text=f"Workflow {run.text('name') or ''}: {conclusion}",
        at=run.time("updated_at", "run_started_at", "created_at"),
        service=repository,
        actor=_actor(whole),
        labels=stated(
            outcome=conclusion,
            sha=run.text("head_sha"),
            branch=run.text("head_branch"),
            workflow=whole.inner("workflow").text("path"),
            trigger=run.text("event"),
        ),
        source_url=run.text("html_url"),
    )


def _actor(whole: Lenient) -> str | None:
    """The account that did it: the name it goes by on GitHub, never a person's own."""
    return whole.inner("sender").text("login")


_READERS: Final[Mapping[str, Callable[[Fields, Lenient], Change]]] = {
    "deployment_status": _deployment_status,
    "deployment": _deployment,
    "release": _release,
    "push": _push,
    "workflow_run": _workflow_run,
}


def _detect(request: Request) -> bool:
    if _HEADER in request.headers:
        return True
    try:
        document = payload_of(request)
    except Unreadable:
        return False
    if not isinstance(document, dict) or _event_of(document) is None:
        return False
    repository = document.get("repository")
    return isinstance(repository, dict) and "full_name" in repository and "sender" in document


ADAPTER = Adapter(
    name="github",
    version=1,
    about=About(
        title="GitHub",
        paste="Settings > Webhooks > Add webhook: payload URL {url}, content type application/json, events "
        "Deployment statuses, Releases; Pushes and Workflow runs where these deploy.",
        reads="Deployment statuses and deployments (repository, ref, environment, state), published releases, pushes "
        "of tags and to the default branch, finished workflow runs that are not of a pull request.",
        cannot_know="Which workflows deploy: every run that is told of counts. Redelivery is by hand only: a request "
        "that was lost is not sent again.",
    ),
    detect=_detect,
    adapt=_adapt,
    rank=20,
    resolves=False,
    secrets=("email", "secret"),
)
