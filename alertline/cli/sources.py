"""`sources`: which senders there are, and what a pasted body would become."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click
import msgspec
import orjson

from alertline.cli.options import config_option, data_option, settings_from

if TYPE_CHECKING:
    from alertline.config import Settings
    from ingest.trying import Tried, TriedEvent
    from review.sources import Sender

__all__ = ["sources"]

_FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)


@click.group(invoke_without_command=True)
@data_option
@config_option
@_FORMAT
@click.pass_context
def sources(context: click.Context, data: str | None, config: Path | None, form: str) -> None:
    """List the sources and integrations: what to paste into the sender, what is read, what cannot be known.

    Where a server has run, also what each sender delivered last, how often, and what was wrong; /sources shows it too.

    \\b
    alertline sources
    alertline sources try body.json
    """
    if context.invoked_subcommand is None:
        settings = settings_from(config, data=data)
        senders = asyncio.run(_senders(settings))
        if form == "json":
            listed = _listed(settings) | {"seen": [msgspec.to_builtins(each.seen) for each in senders if each.seen]}
            click.echo(orjson.dumps(listed, option=orjson.OPT_INDENT_2).decode())
        else:
            click.echo("\n".join((*_list_text(settings), *_seen_text(senders))))


async def _senders(settings: "Settings") -> "list[Sender]":
    """The senders with what the log says of them; nothing where no server has run."""
    from alertline.wiring.embedded import folder_of
    from alertline.wiring.integrations import integrations_of
    from alertline.wiring.senders import senders_of

    folder = folder_of(settings)
    if not settings.kafka.servers and not folder.log_file.exists():
        return []
    log = await folder.open_events()
    try:
        return await senders_of(log, integrations_of(settings), {}, {})
    finally:
        await log.close()


def _seen_text(senders: "list[Sender]") -> Iterator[str]:
    for each in senders:
        if (seen := each.seen) is None:
            continue
        rate = "" if seen.per_hour is None else f", {seen.per_hour:.1f} an hour"
        errors = f", {seen.quarantined} not readable, {seen.partial} in part only" * bool(seen.last_error)
        clock = "" if seen.ahead_s is None else f", its clock at least {seen.ahead_s} s ahead"
        last = f"last delivery {seen.last_at:%Y-%m-%d %H:%M:%S}"
        yield f"seen {each.name}: {last}, {seen.deliveries} deliveries{rate}{errors}{clock}"


def _address(settings: "Settings", name: str) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}/v1/webhooks/{name}"


def _listed(settings: "Settings") -> dict[str, object]:
    from alertline.wiring.integrations import integrations_of
    from ingest.catalogue import adapters

    found = integrations_of(settings)
    return {
        "sources": [
            {
                "name": adapter.name,
                "title": adapter.about.title,
                "paste": adapter.about.paste.replace("{url}", _address(settings, adapter.name)),
                "reads": adapter.about.reads,
                "cannot_know": adapter.about.cannot_know,
                "resolves": adapter.resolves,
            }
            for adapter in adapters().values()
        ],
        "integrations": [
            {
                "name": each.name,
                "source": each.source,
                "stream": each.stream,
                "address": _address(settings, each.name),
                "mapping": each.mapping is not None,
                "secret": bool(settings.integrations[each.name].secrets),
            }
            for each in found.all()
            if each.name in settings.integrations
        ],
    }


def _list_text(settings: "Settings") -> Iterator[str]:
    from alertline.wiring.integrations import integrations_of
    from ingest.catalogue import adapters

    found = integrations_of(settings)
    for adapter in adapters().values():
        about = adapter.about
        yield f"{adapter.name}: {about.title}" + ("" if adapter.resolves else " (never tells when an alert is over)")
        yield f"  paste       {about.paste.replace('{url}', _address(settings, adapter.name))}"
        yield f"  reads       {about.reads}"
        yield f"  cannot know {about.cannot_know}"
        yield ""
    for each in found.all():
        if each.name in settings.integrations:
            mapped = ", with a mapping" if each.mapping is not None else ""
            address = _address(settings, each.name)
            yield f"integration {each.name}: {each.source}{mapped}, stream {each.stream}, {address}"


def _header(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for value in values:
        name, colon, said = value.partition(":")
        if not colon or not name.strip():
            raise click.BadParameter("a header is written as 'Name: value'")
        pairs.append((name.strip(), said.strip()))
    return tuple(pairs)


@sources.command("try")
@click.argument("file", type=click.File("rb", lazy=False))
@click.option("--source", help="Read it as this source type; without it the body decides.")
@click.option("--integration", help="Read it as this integration of the configuration, by its mapping if it has one.")
@click.option("--header", "headers", multiple=True, callback=_header, help="A header of the request, 'Name: value'.")
@config_option
@_FORMAT
def sources_try(
    file: BinaryIO,
    source: str | None,
    integration: str | None,
    headers: tuple[tuple[str, str], ...],
    config: Path | None,
    form: str,
) -> None:
    """Say what a pasted body (a file, or - for standard input) becomes, and which path each part comes from.

    Paths are JSON pointers. Nothing is received: no server is asked, nothing is written.

    \\b
    alertline sources try body.json
    alertline sources try body.json --integration acme --config alertline.toml
    alertline sources try body.json --source alertmanager --format json
    """
    from alertline.clock import now
    from alertline.errors import AlertlineError
    from alertline.wiring.integrations import integrations_of
    from ingest.intake import Posted, request_of
    from ingest.trying import UnknownIntegration, read_without_receiving

    if source is not None and integration is not None:
        raise click.UsageError("one of --source and --integration")
    settings = settings_from(config)
    body = file.read()
    request = request_of(Posted(integration=integration or source or "", body=body, headers=headers, received_at=now()))
    try:
        tried = read_without_receiving(request, integrations_of(settings), integration or source)
    except UnknownIntegration as error:
        raise AlertlineError(str(error)) from error
    if form == "json":
        click.echo(orjson.dumps(_tried(tried, settings), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode())
    else:
        click.echo("\n".join(_tried_text(tried, settings)))


def _parts(each: "TriedEvent", tried: "Tried", settings: "Settings") -> list[tuple[str, object, str]]:
    """The parts with the scope and the service as the correlator would have them, rules applied."""
    from alertline.configuring import configuration_of
    from alertline.incidents.policy import policy_of
    from alertline.incidents.rules import ruled
    from alertline.incidents.scopes import scope_of
    from schemas.events import AlertEvent

    parts = {part.name: (part.value, part.path) for part in each.parts}
    if isinstance(each.event, AlertEvent):
        stream = tried.integration.stream
        event = ruled(each.event, tried.integration.source, stream, policy_of(configuration_of(settings)))
        rule = "a rule of the configuration"
        where = parts.pop("environment", (None, "nothing says which environment"))[1]
        changed = event.environment != each.event.environment
        parts = {"scope": (scope_of(stream, event.environment), rule if changed else where)} | parts
        if event.service != each.event.service:
            parts["service"] = event.service, rule
    return [(name, value, path) for name, (value, path) in parts.items()]


def _tried(tried: "Tried", settings: "Settings") -> dict[str, object]:
    import msgspec

    record = tried.record
    return {
        "source": tried.integration.source,
        "integration": tried.integration.name,
        "recognised": tried.recognised,
        "adapter": tried.adapter,
        "outcome": "control" if record is None else record.outcome,
        "reason": None if record is None else record.reason,
        "items": [
            {
                "kind": each.kind,
                "guessed": each.guessed,
                "parts": {name: {"value": value, "from": path} for name, value, path in _parts(each, tried, settings)},
            }
            for each in tried.events
        ],
        "rejected": [] if record is None else msgspec.to_builtins(record.rejected),
        "warnings": [] if record is None else list(record.warnings),
    }


def _tried_text(tried: "Tried", settings: "Settings") -> Iterator[str]:
    how = "as asked" if tried.named else "recognised by the body" if tried.recognised else "nobody recognises the body"
    yield f"source      {tried.integration.source} ({how}), read by {tried.adapter}"
    if tried.integration.name != tried.integration.source:
        yield f"integration {tried.integration.name}, stream {tried.integration.stream}"
    record = tried.record
    yield f"outcome     {'control' if record is None else record.outcome}" + (
        f": {record.reason}" if record is not None and record.reason else ""
    )
    for number, each in enumerate(tried.events, start=1):
        yield ""
        yield f"{each.kind} {number} of {len(tried.events)}" + (", guessed" if each.guessed else "")
        rows = [(name, _shown(value), path) for name, value, path in _parts(each, tried, settings)]
        width = max((len(value) for _, value, _ in rows), default=0)
        yield from (f"  {name:<13}{value:<{width}}  {path}" for name, value, path in rows)
    for one in record.rejected if record is not None else ():
        yield f"rejected    item {one.index}, {one.pointer or 'the body'}: {one.reason}"
    for warning in record.warnings if record is not None else ():
        yield f"warning     {warning}"


def _shown(value: object) -> str:
    """A value on one line, cut where it is long."""
    from datetime import datetime

    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    text = ", ".join(f"{name}={said}" for name, said in value.items()) if isinstance(value, dict) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:59] + "…"
