"""`serve` and its single roles."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, TypeVar

import click

from alertline.cli.main import run
from alertline.cli.options import (
    backend_options,
    config_option,
    data_option,
    logging_option,
    network_options,
    settings_from,
)
from alertline.cluster import Role
from alertline.config import Settings, check_address
from alertline.logs import LogFormat, configure_logging

__all__ = ["correlate", "ingest", "review", "serve", "stop_signal"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def stop_signal() -> asyncio.Event:
    """Set on the first Ctrl-C or SIGTERM: finish what is at hand, then end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    return stop


_recorded_time = click.option(
    "--recorded-time",
    is_flag=True,
    help="Believe the header Alertline-Received-At, so that `send` can play recorded days. Never for real senders.",
)


_auth = click.option(
    "--auth",
    type=click.Choice(["local", "required"]),
    help="Whether whoever reaches a loopback address is its operator, or everybody signs in or shows a token [local].",
)
_recording = click.option(
    "--record", type=click.Path(path_type=Path), help="Write everything received to FILE, as a recording."
)


def _server_options(command: _Command) -> _Command:
    """What every role takes alike."""
    for option in (_recorded_time, logging_option, config_option, backend_options, data_option, network_options):
        command = option(command)
    return command


@click.command()
@_server_options
@_auth
@_recording
def serve(config: Path | None, record: Path | None, recorded_time: bool, **flags: object) -> None:
    """Run everything on this machine: receivers, correlator, pages and API.

    \b
    Senders post to     http://127.0.0.1:8080/v1/webhooks/alertmanager   (grafana, generic, alertline)
    People read         http://127.0.0.1:8080/
    Ctrl-C and SIGTERM drain: what was answered 2xx is on disk in any case.

    With --kafka and --database log and store are elsewhere, and other processes may work on them too:
    `alertline ingest`, `correlate`, `review`.
    """
    _run(Role.SERVE, config, record, recorded_time=recorded_time, flags=flags)


@click.command()
@_server_options
@_auth
@_recording
def ingest(config: Path | None, record: Path | None, recorded_time: bool, **flags: object) -> None:
    """Run only receivers, any number of them: webhooks to Kafka.

    While Kafka is away deliveries wait in a spool in the data folder: keep that folder over restarts. SIGTERM: /readyz
    says no, and after `drain` (3s) nothing new is taken.
    """
    _run(Role.INGEST, config, record, recorded_time=recorded_time, flags=flags)


@click.command()
@_server_options
@_auth
def review(config: Path | None, recorded_time: bool, **flags: object) -> None:
    """Run only pages and API, any number of them, on Kafka and a database."""
    _run(Role.REVIEW, config, None, recorded_time=recorded_time, flags=flags)


@click.command()
@_server_options
@click.option("--lifeline", is_flag=True, hidden=True, help="Stop when standard input closes; tell how it goes.")
def correlate(config: Path | None, recorded_time: bool, lifeline: bool, **flags: object) -> None:
    """Run only correlators, any number of them: each gets its share of Kafka's partitions.

    On --host and --port it serves /healthz, /readyz and /metrics. Without --kafka it works on an embedded data folder;
    `serve` starts that one by itself.
    """
    settings = settings_from(config, **flags)
    run(_correlate(settings, recorded_time=recorded_time, lifeline=lifeline))


def _run(
    role: Role, config: Path | None, record: Path | None, *, recorded_time: bool, flags: dict[str, object]
) -> None:
    settings = settings_from(config, **flags)
    check_address(settings, recorded_time=recorded_time)
    run(_serve(settings, role, config, record, recorded_time=recorded_time))


async def _serve(
    settings: Settings, role: Role, config: Path | None, record: Path | None, *, recorded_time: bool
) -> None:
    from alertline.wiring.server import ServeOptions, serving

    configure_logging(LogFormat(settings.log_format))
    stop = stop_signal()
    link = token_urlsafe() if settings.auth == "required" and role is not Role.INGEST else None
    options = ServeOptions(role=role, recorded_time=recorded_time, record=record, config=config, link=link)
    async with serving(settings, options) as address:
        _say_listening(address)
        if link is not None:
            click.echo(f"Sign in (once, within an hour): {_reached(address)}/sign-in?token={link}", err=True)
        if recorded_time:
            click.echo("Recorded time: receive times are taken from the sender. Not for real senders.", err=True)
        await stop.wait()
        click.echo("Stopping: finishing what is at hand …", err=True)


def _reached(address: str) -> str:
    """The address as a browser on this machine reaches it: nobody can go to 0.0.0.0."""
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def _say_listening(address: str) -> None:
    click.echo(f"Alertline is listening on {address}  (webhooks: {address}/v1/webhooks/<integration>)", err=True)


async def _correlate(settings: Settings, *, recorded_time: bool, lifeline: bool) -> None:
    configure_logging(LogFormat(settings.log_format))
    stop = stop_signal()  # with a lifeline it is only ignored
    if settings.kafka.servers:
        from alertline.wiring.correlating import correlate_group

        await correlate_group(
            settings, recorded_time=recorded_time, lifeline=lifeline, stop=stop, started=_say_listening
        )
        return
    from alertline.wiring.correlator import correlate as run_correlator

    await run_correlator(settings, recorded_time=recorded_time, lifeline=lifeline, stop=stop)
