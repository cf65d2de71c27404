"""`demo`: a recorded outage through a real server, on this machine, in a folder of its own."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import click
import msgspec

from alertline.cli.main import run
from alertline.cli.options import backend_options, network_options, settings_from
from alertline.cli.progress import progress
from alertline.cli.recordings import lines_of
from alertline.cli.sending import settled
from alertline.cli.serving import stop_signal
from alertline.cli.showing import read_incident
from alertline.clock import monotonic
from alertline.config import Settings
from alertline.configuring import quiet_of
from alertline.demo import SCENARIOS, DemoScenario, recording
from alertline.errors import AlertlineError
from alertline.incidents.telling.draft import draft
from alertline.incidents.telling.plaintext import incident_text
from ingest.sending import Sender, SendOptions
from schemas.incident import Incident

__all__ = ["demo"]

_READY_S = 30.0


@click.command()
@click.option(
    "--scenario",
    type=click.Choice(list(SCENARIOS)),
    default="load-balancer",
    show_default=True,
    help="Which recorded outage to play.",
)
@click.option("--exit", "leave", is_flag=True, help="End after printing; status 0 only if the expected times came out.")
@network_options
@backend_options
def demo(scenario: str, leave: bool, port: int | None, **flags: object) -> None:
    """Play a recorded outage through the real webhook receivers, and show what came of it.

    Starts the whole service on an empty folder, posts the recording, prints the incident's timeline and the postmortem
    draft, and keeps serving the page until Ctrl-C. Nothing is left behind.
    """
    folder = tempfile.mkdtemp(prefix="alertline-demo-")
    try:
        # a free port, unless one is asked for: a demo must not fail because something listens on 8080
        settings = settings_from(None, **flags, port=0 if port is None else port, data=folder)
        run(_demo(settings, SCENARIOS[scenario], Path(folder), leave=leave))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _demo(settings: Settings, scenario: DemoScenario, folder: Path, *, leave: bool) -> None:
    from alertline.logs import LogFormat, configure_logging
    from alertline.wiring.server import ServeOptions, serving

    configure_logging(LogFormat(settings.log_format), level="WARNING")
    stop = stop_signal()
    file = folder / "recording.ndjson"
    file.write_bytes(recording(scenario.name))
    async with serving(settings, ServeOptions(recorded_time=True)) as address:
        incidents = await _play(address, file, settings)
        if len(incidents) != 1:
            raise AlertlineError(f"the demo expects one incident, {len(incidents)} came out")
        incident = incidents[0]
        _tell(address, await read_incident(str(incident["id"]), settings), scenario)
        _check(incident["milestones"], scenario)
        if not leave:
            click.echo("Ctrl-C ends the demo.")
            await stop.wait()


async def _play(address: str, file: Path, settings: Settings) -> list[Any]:
    """Post the recording to the server and wait until all of it is applied."""
    async with aiohttp.ClientSession() as session:
        await _until_ready(session, address)
        sender = Sender(session, SendOptions(url=address), sleep=asyncio.sleep, monotonic=monotonic)
        lines = list(lines_of((file,)))
        with progress("Playing the recorded deliveries", len(lines)) as advance:
            sent = await sender.send(lines, lambda _line: advance())
        done = await settled(sender, sent, quiet_of(settings))
    return msgspec.convert(done["incidents"], list[Any])


async def _until_ready(session: aiohttp.ClientSession, address: str) -> None:
    end = monotonic() + _READY_S
    while monotonic() < end:
        async with session.get(f"{address}/readyz") as answer:
            if answer.status == 200:
                return
        await asyncio.sleep(0.05)
    raise AlertlineError(f"the server was not ready within {_READY_S:g} s")


def _tell(address: str, incident: Incident, scenario: DemoScenario) -> None:
    click.echo(f"Alertline demo: {scenario.about}\n")
    for title, text in (("Timeline", incident_text(incident)), ("Postmortem draft", draft(incident))):
        click.echo(f"━━━ {title} " + "━" * (100 - len(title)) + f"\n\n{text.rstrip()}\n")
    click.echo(f"The incident's page:  {address}/incidents/{incident.id}")
    click.echo(f"All incidents:        {address}/")
    sys.stdout.flush()


def _check(milestones: Mapping[str, Any], scenario: DemoScenario) -> None:
    """Refuse a demo that shows other times than it should."""
    for name, (at, basis) in scenario.expected.items():
        got = milestones[name]
        if got is None or datetime.fromisoformat(got["at"]) != datetime.fromisoformat(at) or got["basis"] != basis:
            raise AlertlineError(f"{name} should be {at} ({basis}), and is {got}")
