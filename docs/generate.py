"""Write the pages that say what the code says: settings.md, routes.md, sources.md, openapi.json in docs (`make docs`).

`--check` writes nothing; it names the pages that differ and exits 1.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

import msgspec

from alertline.clock import now
from alertline.cluster import Kafka
from alertline.config import (
    BodyMapping,
    Integration,
    Maintenance,
    Pending,
    Rule,
    Rules,
    Settings,
    Thresholds,
    Topology,
    Windows,
)
from alertline.eventlog.memory import MemoryLog
from alertline.web.access import Permission, principal_of
from alertline.web.health import health_routes
from alertline.web.routes import Route, route_table
from alertline.wiring.integrations import integrations_of
from alertline.wiring.server import build_app, routes_of
from ingest.adapter import Adapter
from ingest.catalogue import adapters
from ingest.receivers import Receiver
from review.commanding import Orders
from review.describing.document import document
from review.pages import review_routes
from review.reading import Reader
from review.reports.making import ReportSource
from review.reports.routes import report_routes
from schemas.docstrings import describe

__all__ = ["EXAMPLE", "answers", "differing", "main", "pages", "routes", "variables"]

ROOT: Final = Path(__file__).resolve().parent.parent
EXAMPLE: Final = """\
port = 8080
data = "alertline-data"
log_format = "json"

[windows]
quiet = "5m"
reopen = "10m"

# senders post to /v1/webhooks/grafana-eu
[integrations.grafana-eu]
source = "grafana"

# bodies of a tool that Alertline does not know: where its parts stand
[integrations.acme]
source = "generic"

[integrations.acme.mapping]
items = "problems"
title = "headline"
status = "phase"

[integrations.acme.mapping.words]
firing = ["acute"]
resolved = ["over"]

[topology]
backstage = ["catalog-info.yaml"]

[topology.depends_on]
api = ["db", "cache"]

[rules]
correlate_by = ["trace_id", "deploy_id"]

# the environment is the first part of the cluster's name
[[rules.scope]]
match = { source = "grafana" }
from = "cluster"
regex = "^([a-z]+)-"

[[pending]]
match = { source = "checkmk" }
for = "5m"

[[maintenance]]
from = 2025-03-04T22:00:00Z
to = 2025-03-05T01:00:00Z
match = { service = "db" }
reason = "major upgrade"
"""
# table in the file, its class, and whether the environment can set its values
_TABLES: Final = (
    ("", Settings, True),
    ("kafka", Kafka, True),
    ("windows", Windows, True),
    ("thresholds", Thresholds, True),
    ("integrations.NAME", Integration, False),
    ("integrations.NAME.mapping", BodyMapping, False),
    ("topology", Topology, False),
    ("rules", Rules, False),
    ("[rules.scope]", Rule, False),
    ("[rules.service]", Rule, False),
    ("[pending]", Pending, False),
    ("[maintenance]", Maintenance, False),
)
_OWN_TABLES: Final = {
    Settings: ("kafka", "windows", "thresholds", "integrations", "topology", "rules", "maintenance", "pending"),
    Rules: ("scope", "service"),
    Integration: ("mapping",),
}
_SETTINGS_HEAD: Final = """\
# Settings

<!-- Written by `make docs` from the classes of alertline/config.py. Edit those. -->

Everything has a default: no file is needed. A value is taken from the first place that has it: a flag of the command
(`--host`, `--port`, `--data`, `--log-format`), the environment, the file (`--config FILE`, else `alertline.toml` in the
working directory). Durations are written as `90s`, `5m`, `1h30m`.

A wrong or unknown setting is one line that names it, and exit status 2; `alertline config check` says the same without
starting anything. What `windows`, `thresholds`, `topology`, `rules`, `pending` and `maintenance` are for, with an
example: [configuration.md](configuration.md). They are written into the log; the rest is only of this machine.
"""
_ROUTES_HEAD: Final = """\
# Routes

<!-- Written by `make docs` from the routes of the server: review/, ingest/receivers.py, alertline/web/health.py. -->

Every route names the permission that it needs; who holds which: [authentication.md](authentication.md). What the
routes answer to whoever may: [api.md](api.md). With `auth = "local"`, on loopback, whoever shows nothing is the local
operator, who may do everything; a token that is shown counts all the same.

## Who is answered what

A number is the answer of the server; where `yes` stands the route itself answers. Of `ingest` routes: the
integration's own secret is as good as a token for it, and of a GET only what can be a delivery is one: any other is 405
for everybody.

"""
_ROUTES_TABLE: Final = """
## Routes

| method | path | permission |
|---|---|---|
"""
# what a request shows -> the scopes behind it; None: nobody knows it
_SHOWN: Final[Mapping[str, tuple[str, ...] | None]] = {
    "nothing": None,
    "a token that is unknown, revoked or expired": None,
    "a token for another integration": ("ingest:OTHER",),
    "a token for this integration": ("ingest:NAME",),
    "a token for all integrations": ("ingest:*",),
    "a token that may read": ("read",),
    "a token that may write": ("write",),
    "a token that may do everything": ("admin",),
    "the session of the sign-in link": ("admin",),
    "a session that a token for reading opened": ("read",),
}
_SOURCES_HEAD: Final = """\
# Sources

<!-- Written by `make docs` from what the modules in ingest/sources/ say of themselves. Edit those. -->

Every source has its own address, `/v1/webhooks/` and its name; `{url}` stands for it below, with the server before it.
`POST /v1/webhooks` without a name recognises the sender by the body. Named integrations, and mappings for other
tools: [configuration.md](configuration.md#bodies-of-other-tools). Senders that speak to Alertmanager, PagerDuty,
Opsgenie, VictorOps or Slack change one address: [senders.md](senders.md). What a body becomes, before anything is sent:

```sh
alertline sources
alertline sources try body.json
```
"""


def pages() -> dict[Path, str]:
    """Every generated page with its text."""
    docs = ROOT / "docs"
    return {
        docs / "settings.md": settings_page(),
        docs / "routes.md": routes_page(),
        docs / "sources.md": sources_page(),
        docs / "openapi.json": openapi_page(),
    }


def openapi_page() -> str:
    """docs/openapi.json: what /openapi.json answers."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=1).decode() + "\n"


def settings_page() -> str:
    """docs/settings.md."""
    parts = [_SETTINGS_HEAD, *(_table(*each) for each in _TABLES), f"## Example\n\n```toml\n{EXAMPLE}```\n"]
    return "\n".join(parts)


def variables() -> dict[str, str]:
    """The environment variables, each with the dotted name of its setting."""
    dotted = [
        f"{table}.{field.name}" if table else field.name
        for table, shape, from_environment in _TABLES
        if from_environment
        for field in _values(shape)
    ]
    return {"ALERTLINE_" + name.replace(".", "_").upper(): name for name in dotted}


def _values(shape: type[msgspec.Struct]) -> Iterator[msgspec.structs.FieldInfo]:
    """The settings of a class that are values, not tables of their own."""
    for field in msgspec.structs.fields(shape):
        if field.name not in _OWN_TABLES.get(shape, ()):
            yield field


def _table(table: str, shape: type[msgspec.Struct], from_environment: bool) -> str:
    summary, told = describe(shape.__doc__ or "", shape.__struct_fields__)
    heading = f"`[{table}]`" if table else "Top level"
    lines = [f"## {heading}", "", summary, "", "| setting | default | environment | what it is |", "|---|---|---|---|"]
    names = {dotted: variable for variable, dotted in variables().items()}
    for field in _values(shape):
        dotted = f"{table}.{field.name}" if table else field.name
        variable = f"`{names[dotted]}`" if from_environment else ""
        lines.append(f"| `{field.encode_name}` | {_default(field)} | {variable} | {told[field.name]} |")
    return "\n".join(lines) + "\n"


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "needed"
    value = field.default if field.default is not msgspec.NODEFAULT else {}
    return f"`{msgspec.json.encode(value).decode()}`"


def routes() -> list[Route]:
    """The routes of the whole service, as `serve` builds it. Nothing is served: no handler is called."""
    receiver = Receiver(MemoryLog(), integrations_of(Settings()), now)
    shown = [*review_routes(cast("Reader", None), cast("Orders", None)), *report_routes(cast("ReportSource", None))]
    every = routes_of(receiver, shown, health_routes(_nothing_missing))
    return route_table(build_app(routes=every, recorded_time=False, max_body=Settings().max_body))


async def _nothing_missing() -> Mapping[str, str]:
    return {}


def routes_page() -> str:
    """docs/routes.md."""
    rows = sorted((route.address, route.method, route.permission) for route in routes())
    listed = "".join(f"| {method} | `{path}` | {permission} |\n" for path, method, permission in rows)
    return _ROUTES_HEAD + _answers_table() + _ROUTES_TABLE + listed


def _answers_table() -> str:
    lines = [f"| shown | {' | '.join(Permission)} |", "|---|" + "---|" * len(Permission)]
    for shown, by_permission in answers().items():
        lines.append(f"| {shown} | {' | '.join(by_permission[each] for each in Permission)} |")
    return "\n".join(lines) + "\n"


def answers() -> dict[str, dict[Permission, str]]:
    """What each kind of credential is answered on routes of each permission; `yes`: the route itself answers."""
    return {shown: {each: _answer(shown, scopes, each) for each in Permission} for shown, scopes in _SHOWN.items()}


def _answer(shown: str, scopes: tuple[str, ...] | None, permission: Permission) -> str:
    if permission is Permission.PUBLIC:
        return "yes"
    if scopes is None:
        return "401"
    principal = principal_of("", scopes)
    delivers = principal.may_deliver("NAME") and "session" not in shown
    return "yes" if (delivers if permission is Permission.INGEST else principal.may(permission)) else "403"


def sources_page() -> str:
    """docs/sources.md."""
    rows = [f"| [`{each.name}`](#{each.name}) | {each.about.title} |" for each in adapters().values()]
    table = "\n".join(("| source | sender |", "|---|---|", *rows))
    return "\n".join((_SOURCES_HEAD, table, "", *map(_source, adapters().values())))


def _source(adapter: Adapter) -> str:
    about = adapter.about
    parts = [
        f"## {adapter.name}",
        about.title,
        f"**Paste**\n\n```text\n{about.paste}\n```",
        f"**Reads.** {about.reads}",
    ]
    parts.append(f"**Cannot know.** {about.cannot_know}")
    if not adapter.resolves:
        parts.append("It never tells when an alert is over: its alerts are points in time.")
    if adapter.secrets:
        parts.append(f"**Never kept.** {', '.join(f'`{name}`' for name in adapter.secrets)}")
    return "\n\n".join(parts) + "\n"


def differing(expected: Mapping[Path, str]) -> list[str]:
    """Names of the pages that are missing or say something else."""
    return [
        path.relative_to(ROOT).as_posix()
        for path, text in expected.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write, or with --check compare."""
    parser = argparse.ArgumentParser(prog="python -m docs.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 with the names of differing pages")
    if not parser.parse_args(arguments).check:
        for path, text in pages().items():
            path.write_text(text, encoding="utf-8")
        return 0
    names = differing(pages())
    if names:
        sys.stderr.write(f"differs from the code, run `make docs`: {', '.join(names)}\n")
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
