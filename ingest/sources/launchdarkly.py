"""LaunchDarkly: entries of its audit log, of which those about flags and what flags depend on are changes."""

import re
from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.fields import BadField, Fields
from ingest.reading.labels import stated
from ingest.reading.lenient import Lenient
from schemas.events import Change
from schemas.vocabulary import ChangeKind

__all__ = ["ADAPTER"]

_SITE: Final = "https://app.launchdarkly.com"
_KINDS: Final = {
    **dict.fromkeys(("flag", "segment", "experiment", "holdout", "release-pipeline"), ChangeKind.FLAG),
    **dict.fromkeys(("environment", "project", "destination", "relay-proxy-config"), ChangeKind.CONFIG),
    **dict.fromkeys(("ai-config", "ai-model-config", "metric", "metric-group", "context-kind"), ChangeKind.CONFIG),
}
# proj/shop:env/production:flag/fast-checkout;tag
_PART: Final = re.compile(r"(?:^|:)([a-z-]+)/([^:;]+)")
_EVERY: Final = "*"


def _adapt(request: Request) -> Adapted:
    warnings: list[str] = []
    try:
        fields = Fields.of(request.document, "")
        kind = fields.needed("kind")
        if kind not in _KINDS:
            return Adapted(ignored=f"{kind[:60]}: nothing that a system depends on was changed")
        change = _change(fields, Lenient(fields, warnings), kind)
        key = Lenient(fields, warnings).text("_id")
    except BadField as error:
        return Adapted(rejected=(error.rejected(0),))
    return Adapted(events=(change,), warnings=tuple(warnings), key=key)


def _change(fields: Fields, entry: Lenient, kind: str) -> Change:
    parts = _parts(entry)
    project, environment, key = parts.get("proj"), parts.get("env"), parts.get(kind)
    name = entry.text("name") or entry.inner("target").text("name") or key
    if not name:
        raise BadField(fields.at("name"), "missing")
    # `title` would say the same with the name and address of the person who did it
    verb = entry.text("titleVerb") or f"changed the {kind}"
    where = f" in {environment}" if environment and kind != "environment" else ""
    return Change(
        kind=_KINDS[kind],
        text=f"{verb[:1].upper()}{verb[1:]} {name}{where}",
        at=entry.time("date"),
        service=project,
        scope=environment,
        actor=entry.inner("token").text("name") or entry.inner("app").text("name"),
        labels={**stated(project=project, environment=environment), **({kind: key} if key else {})},
        source_url=_link(entry),
    )


def _parts(entry: Lenient) -> dict[str, str]:
    """What was accessed, by the parts of its name; a part of which several or all were accessed is none."""
    given = [access.text("resource") or "" for access in entry.list_of("accesses")]
    named = [dict(_PART.findall(resource)) for resource in given or _resources(entry)]
    found: dict[str, str] = {}
    for part in dict.fromkeys(name for each in named for name in each):
        values = dict.fromkeys(each[part] for each in named if part in each)
        if len(values) == 1 and _EVERY not in values:
            found[part] = next(iter(values))
    return found


def _resources(entry: Lenient) -> list[str]:
    return entry.inner("target").texts("resources")


def _link(entry: Lenient) -> str | None:
    path = entry.inner("_links").inner("site").text("href")
    return f"{_SITE}{path}" if path and path.startswith("/") else path


def _detect(request: Request) -> bool:
    if "x-ld-signature" in request.headers:
        return True
    document = request.sniffed
    return isinstance(document, dict) and {"_id", "date", "accesses", "kind"} <= document.keys()


ADAPTER = Adapter(
    name="launchdarkly",
    version=1,
    about=About(
        title="LaunchDarkly",
        paste="Integrations > Webhooks > Add integration: URL {url}, policy proj/*:env/production:flag/*.",
        reads="What was done (titleVerb) to which flag, segment, environment or project, when, and in which project "
        "and environment; the name of the access token that did it.",
        cannot_know="Who did it: names and addresses of members are not kept. It may deliver out of order.",
    ),
    detect=_detect,
    adapt=_adapt,
    resolves=False,
    secrets=("email", "firstName", "lastName", "title"),
)
