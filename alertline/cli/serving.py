"""`serve` and its single roles."""

import asyncio
import signal
from pathlib import Path
from secrets import token_urlsafe

import click

from alertline.cli.main import run
from alertline.cli.options import config_option, data_option, logging_option, network_options, settings_from
from alertline.config import Settings, check_address
from alertline.telemetry import LogFormat, configure_logging

__all__ = ["correlate", "serve", "stop_signal"]


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


@click.command()
@network_options
@data_option
@config_option
@logging_option
@click.option(
    "--auth",
    type=click.Choice(["local", "required"]),
    help="Whether whoever reaches a loopback address is its operator, or everybody signs in or shows a token [local].",
)
@_recorded_time
@click.option("--record", type=click.Path(path_type=Path), help="Write everything received to FILE, as a recording.")
def serve(
    host: str | None,
    port: int | None,
    data: str | None,
    config: Path | None,
    log_format: str | None,
    auth: str | None,
    recorded_time: bool,
    record: Path | None,
) -> None:
    """Run everything on this machine: receivers, correlator, pages and API.

    \b
    Senders post to     http://127.0.0.1:8080/v1/webhooks/alertmanager   (grafana, generic, alertline)
    People read         http://127.0.0.1:8080/
    Ctrl-C and SIGTERM drain: what was answered 2xx is on disk in any case.
    """
    settings = settings_from(config, host=host, port=port, data=data, log_format=log_format, auth=auth)
    check_address(settings, recorded_time=recorded_time)
    run(_serve(settings, config, record, recorded_time=recorded_time))


async def _serve(settings: Settings, config: Path | None, record: Path | None, *, recorded_time: bool) -> None:
    from alertline.wiring.server import ServeOptions, serving

    configure_logging(LogFormat(settings.log_format))
    stop = stop_signal()
    link = token_urlsafe() if settings.auth == "required" else None
    options = ServeOptions(recorded_time=recorded_time, record=record, config=config, link=link)
    async with serving(settings, options) as address:
        click.echo(f"Alertline is listening on {address}  (webhooks: {address}/v1/webhooks/<integration>)", err=True)
        if link is not None:
            click.echo(f"Sign in (once, within an hour): {_reached(address)}/sign-in?token={link}", err=True)
        if recorded_time:
            click.echo("Recorded time: receive times are taken from the sender. Not for real senders.", err=True)
        await stop.wait()
        click.echo("Stopping: finishing what is at hand …", err=True)


def _reached(address: str) -> str:
    """The address as a browser on this machine reaches it: nobody can go to 0.0.0.0."""
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


@click.command(hidden=True)
@data_option
@config_option
@logging_option
@_recorded_time
@click.option("--lifeline", is_flag=True, help="Stop when standard input closes; say `ready` on standard output.")
def correlate(
    data: str | None, config: Path | None, log_format: str | None, recorded_time: bool, lifeline: bool
) -> None:
    """Run only the correlator on an embedded data folder (`serve` starts it by itself)."""
    settings = settings_from(config, data=data, log_format=log_format)
    run(_correlate(settings, recorded_time=recorded_time, lifeline=lifeline))


async def _correlate(settings: Settings, *, recorded_time: bool, lifeline: bool) -> None:
    from alertline.wiring.correlator import correlate as run_correlator

    configure_logging(LogFormat(settings.log_format))
    stop = stop_signal()  # with a lifeline it is only ignored
    await run_correlator(settings, recorded_time=recorded_time, lifeline=lifeline, stop=stop)
