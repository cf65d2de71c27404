"""`send`: a recording is posted to a running server."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import click
import orjson

from alertline.cli.main import run
from alertline.cli.options import config_option, settings_from
from alertline.cli.progress import progress
from alertline.cli.recordings import lines_of, recordings_argument
from alertline.clock import monotonic
from alertline.configuring import quiet_of
from alertline.errors import AlertlineError
from ingest.sending import NotApplied, NoTicks, Refused, Sender, SendingFailed, SendOptions, Sent

__all__ = ["send", "settled"]


def _speed(_context: click.Context, _option: click.Parameter, value: str) -> float | None:
    if value == "max":
        return None
    try:
        speed = float(value)
    except ValueError:
        raise click.BadParameter("a number, or max") from None
    if speed <= 0:
        raise click.BadParameter("must be more than 0")
    return speed


@click.command()
@recordings_argument
@click.option("--url", required=True, help="The server, such as http://127.0.0.1:8080.")
@click.option("--token", help="Sent as Authorization: Bearer.")
@click.option("--speed", default="max", show_default=True, callback=_speed, help="Recorded seconds per second, or max.")
@click.option("--wait", is_flag=True, help="Then let the quiet period pass, and print what `replay` would.")
@click.option(
    "--format", "form", type=click.Choice(["json"]), default="json", show_default=True, help="What --wait prints."
)
@config_option
def send(
    recordings: tuple[Path, ...],
    url: str,
    token: str | None,
    speed: float | None,
    wait: bool,
    form: str,
    config: Path | None,
) -> None:
    """Post a recording to a running server, in its order, as its senders did.

    Refused connections and 503 are tried again; a line that was taken already is known by its id. Start the server with
    --recorded-time to have the recorded receive times believed; without that, they are the times of this sending.

    \b
    alertline serve --recorded-time
    alertline send day.ndjson --url http://127.0.0.1:8080 --wait
    """
    options = SendOptions(url=url, token=token, speed=speed)
    quiet = quiet_of(settings_from(config))
    run(_send(recordings, options, quiet, wait=wait))


async def _send(recordings: tuple[Path, ...], options: SendOptions, quiet: timedelta, *, wait: bool) -> None:
    async with aiohttp.ClientSession() as session:
        sender = Sender(session, options, sleep=asyncio.sleep, monotonic=monotonic)
        try:
            with progress("Sending", None) as advance:
                sent = await sender.send(lines_of(recordings), lambda _line: advance())
            if wait:
                click.echo(orjson.dumps(await settled(sender, sent, quiet)).decode())
        except (SendingFailed, NotApplied) as error:
            raise AlertlineError(str(error)) from error
    click.echo(f"{sent.lines} deliveries sent, {len(sent.refused)} refused", err=True)
    if sent.refused:
        raise AlertlineError(_first(sent.refused[0]))


def _first(refused: Refused) -> str:
    return f"{refused.file}:{refused.number} was answered {refused.status}: {refused.detail}"


async def settled(sender: Sender, sent: Sent, quiet: timedelta) -> dict[str, object]:
    """Wait until all is applied and log time has run on by the quiet period; then what `replay` would print."""
    if sent.last_delivery is None or sent.last_received_at is None:
        return {"incidents": [], "unattached": []}
    await sender.wait(sent.last_delivery)
    try:
        await sender.wait(await sender.tick(sent.last_received_at + quiet))
    except NoTicks:
        # a server on real time: its own clock has to pass the quiet period, and the tick that follows it
        await _pass(quiet + timedelta(seconds=3))
    incidents = sorted(await sender.incidents(), key=_in_order)
    return {"incidents": incidents, "unattached": await sender.unattached()}


async def _pass(span: timedelta) -> None:
    with progress("Waiting for the quiet period", round(span.total_seconds())) as advance:
        for _ in range(round(span.total_seconds())):
            await asyncio.sleep(1)
            advance()


def _in_order(incident: dict[str, Any]) -> tuple[datetime, str]:
    """The order in which `replay` prints incidents: by impact, else detection, else creation; then by id."""
    stamps = incident["milestones"]
    first = stamps["impact_started"] or stamps["detected"] or {"at": incident["created_at"]}
    return datetime.fromisoformat(first["at"]), incident["id"]
