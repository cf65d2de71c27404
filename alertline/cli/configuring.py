"""`config`: explaining a configuration file, and putting it in force."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from alertline.cli.options import config_option, installation_options, settings_from
from alertline.config import DEFAULT_FILE, Settings, check_address
from schemas.configuration import Configuration, Thresholds, Windows, digest_of

__all__ = ["config"]


@click.group()
def config() -> None:
    """Explain a configuration file, or put it in force.

    What decides how alerts are correlated (windows, thresholds, topology, rules, maintenance, pending windows) is
    written into the log, so the same log always comes to the same incidents. `serve` does that by itself when it
    starts and something changed.
    """


@config.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@config_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="A summary, or the configuration as the log would hold it.",
)
def config_check(file: Path | None, config: Path | None, form: str) -> None:
    """Check a configuration file (default: alertline.toml) and print what holds by it.

    A mistake is one line with its place and what would be right; the exit status is 2 then. A note is about what is
    allowed and probably not meant: services that the topology does not know, maintenance that is over, circles.
    Nothing is started and nothing changed.

    \\b
    alertline config check
    alertline config check staging.toml
    alertline config check --format json | jq .depends_on
    """
    from alertline.clock import now
    from alertline.configuring import configuration_of, notes
    from alertline.wiring.integrations import integrations_of
    from alertline.wiring.keys import keys_of

    settings = settings_from(file or config)
    check_address(settings)
    integrations_of(settings, keys_of(settings, os.environ))
    found = configuration_of(settings)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    for line in _summary(file or config or DEFAULT_FILE, settings, found):
        click.echo(line)
    for note in notes(found, now()):
        click.echo(f"note: {note}")


def _summary(file: Path, settings: Settings, found: Configuration) -> Iterator[str]:
    from alertline.configuring import duration_text

    yield f"{file if file.exists() else 'no file'}: no mistakes"
    windows, usual = found.windows, Windows()
    for name in Windows.__struct_fields__:
        value, default = getattr(windows, name), getattr(usual, name)
        if value != default or name in ("quiet", "reopen"):
            yield _line(name, duration_text(value) + (f"  (default {duration_text(default)})" * (value != default)))
    limits = [f"{name} {getattr(found.thresholds, name)}" for name in Thresholds.__struct_fields__]
    yield _line("thresholds", ", ".join(limits))
    services = {*found.depends_on, *(one for calls in found.depends_on.values() for one in calls)}
    files = len(settings.topology.backstage) + len(settings.topology.csv)
    calls = sum(map(len, found.depends_on.values()))
    yield _line("topology", f"{len(services)} services, {calls} calls" + (f", {files} files read" if files else ""))
    yield _line("correlate_by", ", ".join(found.correlate_by) or "nothing")
    yield _line("rules", f"{len(found.scope_rules)} for the scope, {len(found.service_rules)} for the service")
    yield _line("pending", f"{len(found.pending)} rules")
    for window in found.maintenance:
        matched = ", ".join(f"{name}={pattern}" for name, pattern in window.match.items()) or "every alert"
        yield _line("maintenance", f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC: {matched}")
    for name, each in settings.integrations.items():
        yield _line("integration", f"{name}: {each.source}, stream {each.stream}")
    yield _line("digest", digest_of(found))


def _line(name: str, value: str) -> str:
    return f"  {name:<18}{value}"


@config.command("apply")
@installation_options
@click.option(
    "--recorded-time", is_flag=True, help="The server plays recorded time: log time stays where it is in each stream."
)
def config_apply(recorded_time: bool, **where: Any) -> None:
    """Put a configuration in force from now on, also beside a running server, without a restart.

    It is appended to every stream of the log in which another one holds. What was decided stays; open incidents go on
    by the new numbers. A server puts its own file in force whenever it starts: change that file, and apply it.
    Addresses, folders and integrations are no part of it: those need a restart.

    \\b
    alertline config check && alertline config apply
    alertline config apply --config staging.toml --data /var/lib/alertline
    alertline config apply --kafka b1:9092,b2:9092 --database postgresql://alertline@db/alertline
    """
    asyncio.run(_apply(settings_from(**where), recorded_time=recorded_time))


async def _apply(settings: Settings, *, recorded_time: bool) -> None:
    from alertline.clock import now
    from alertline.configuring import configuration_of
    from alertline.store.reader import StoreReader
    from alertline.wiring.configuring import configure, streams_of
    from alertline.wiring.embedded import folder_of

    found = configuration_of(settings)
    folder = folder_of(settings)
    folder.require()
    events = await folder.open_events()
    try:
        engine = await folder.open_store()
        try:
            at = None if recorded_time else now()
            with folder.store_errors():
                done = await configure(events, StoreReader(engine), found, streams_of(settings), at)
        finally:
            await engine.dispose()
    finally:
        await events.close()
    where = f"holds from here on in: {', '.join(done.changed)}" if done.changed else "holds already"
    click.echo(f"{digest_of(found)} {where}")
