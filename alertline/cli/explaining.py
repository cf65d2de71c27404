"""`explain`: why an incident is as it is."""

import asyncio
from pathlib import Path

import click

from alertline.cli.options import config_option, data_option, settings_from
from alertline.errors import AlertlineError
from schemas.incident import Incident

__all__ = ["explain"]


@click.command()
@click.argument("incident_id", metavar="ID")
@click.option(
    "--recording",
    "recordings",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Explain an incident of this recorded day instead of one of the data folder. May be given several times.",
)
@data_option
@config_option
def explain(incident_id: str, recordings: tuple[Path, ...], data: str | None, config: Path | None) -> None:
    """Say why an incident is as it is: why each alert is in it, what its times rest on, what stands near.

    Every reason has points: +10 makes it ten times as likely that the alert belongs here, −10 ten times less.

    \b
    alertline explain inc_0123
    alertline explain inc_0123 --recording day.ndjson --config trial.toml
    """
    from alertline.incidents.telling.explaining import explanation

    incident = _replayed(incident_id, recordings, config) if recordings else _stored(incident_id, data, config)
    click.echo(explanation(incident), nl=False)


def _stored(incident_id: str, data: str | None, config: Path | None) -> Incident:
    from alertline.cli.showing import read_incident

    return asyncio.run(read_incident(incident_id, settings_from(config, data=data)))


def _replayed(incident_id: str, recordings: tuple[Path, ...], config: Path | None) -> Incident:
    from alertline.cli.progress import progress
    from alertline.cli.recordings import Lines
    from alertline.cli.replaying import replayed

    with progress("Replaying", None) as advance:
        result = replayed(Lines(recordings), settings_from(config), advance=advance, fixed=config is not None)
    for incident in result.incidents:
        if incident_id == incident.id or incident_id in incident.aliases:
            return incident
    raise AlertlineError(f"no incident of the recording has the id {incident_id}")
