"""`replay` and `export`: recorded days in and out, without a server."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from alertline.cli.options import backend_options, config_option, data_option, settings_from
from alertline.cli.progress import progress
from alertline.config import Settings
from alertline.errors import AlertlineError
from ingest.recording import BadRecording, Line, line_of, read_recordings

__all__ = ["Lines", "export", "lines_of", "recordings_argument", "replay"]

recordings_argument = click.argument(
    "recordings",
    metavar="RECORDING…",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)


def lines_of(paths: tuple[Path, ...]) -> Iterator[Line]:
    """The lines of some recordings; a line that cannot be read ends the command with its place.

    Raises:
        AlertlineError: naming file, line and reason.
    """
    try:
        yield from read_recordings(paths)
    except BadRecording as error:
        raise AlertlineError(str(error)) from error
    except OSError as error:
        raise AlertlineError(f"cannot read {error.filename}: {error.strerror}") from error


class Lines:
    """The lines of some recordings, as often as they are asked for."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self._paths = paths

    def __iter__(self) -> Iterator[Line]:
        return lines_of(self._paths)


@click.command()
@recordings_argument
@config_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "md", "text"]),
    default="json",
    show_default=True,
    help="All of it as JSON, postmortem drafts, or timelines to read.",
)
@click.option("--events", is_flag=True, help="With json: also what each line was read as.")
@click.option(
    "--diff",
    "configs",
    nargs=2,
    metavar="CONFIG_A CONFIG_B",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Replay under both configurations and tell only what is different (text or json).",
)
def replay(
    recordings: tuple[Path, ...], config: Path | None, form: str, events: bool, configs: tuple[Path, Path] | None
) -> None:
    """Run recordings through adapters and correlator in memory: no server, no database.

    The receive times in the file are the only clock, so the same recording always gives the same bytes. Several are
    merged by receive time. After the last line log time runs on by the quiet period: what was quiet already resolves,
    what still fires stays open. Files may be gzip'd.

    An export holds the configurations of its server: each holds from its line on. With --config the given file holds
    throughout, and they are passed over: what would that day have come to?

    \b
    alertline replay day.ndjson --format text
    alertline replay monday.ndjson.gz tuesday.ndjson.gz | jq '.incidents[].milestones.detected'
    alertline replay day.ndjson --diff alertline.toml trial.toml --format text
    """
    from alertline.cli.replaying import compare_lines, replay_lines

    if configs is not None:
        if config is not None or events or form == "md":
            raise click.UsageError("--diff names both configurations: it goes with --format json or text only")
        names = (str(configs[0]), str(configs[1]))
        both = settings_from(configs[0]), settings_from(configs[1])
        with progress("Replaying twice", None) as advance:
            text = compare_lines(lines_of(recordings), both, names, form=form, advance=advance)
        click.echo(text.rstrip("\n"))
        return
    settings = settings_from(config)
    total = sum(path.read_bytes().count(b"\n") for path in recordings) if _small(recordings) else None
    with progress("Replaying", total) as advance:
        text = replay_lines(
            Lines(recordings), settings, fixed=config is not None, form=form, events=events, advance=advance
        )
    click.echo(text)


def _small(paths: tuple[Path, ...]) -> bool:
    """Whether counting lines beforehand costs nothing that anybody notices."""
    return all(path.suffix != ".gz" and path.stat().st_size < 100_000_000 for path in paths)


def _time(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    """A day or a time; without a zone it is UTC, as everything that we print."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("a day or a time such as 2024-08-20 or 2024-08-20T14:05:00Z is needed") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


@click.command()
@click.option("--stream", help="Only this stream.")
@click.option("--from", "since", metavar="TIME", callback=_time, help="Only what was received from then on.")
@click.option("--to", "until", metavar="TIME", callback=_time, help="Only what was received before then.")
@data_option
@backend_options
@config_option
def export(
    stream: str | None, since: datetime | None, until: datetime | None, config: Path | None, **flags: object
) -> None:
    """Write the log as a recording to standard output, ticks, commands and configurations included; also beside a
    running server.

    `alertline replay` of all of it gives the server's incidents. A part of it begins with the configuration that held.

    \b
    alertline export > everything.ndjson
    alertline export --from 2024-08-20T14:00:00Z --to 2024-08-21 --stream default | gzip > day.ndjson.gz
    """
    asyncio.run(_export(settings_from(config, **flags), stream, since, until))


async def _export(settings: Settings, stream: str | None, since: datetime | None, until: datetime | None) -> None:
    from alertline.wiring.connections import folder_of
    from alertline.wiring.exporting import exported, selected

    folder = folder_of(settings)
    folder.require()
    out = sys.stdout.buffer
    log = await folder.open_events()
    try:
        total = sum([await log.end(partition) for partition in await log.partitions()])
        with progress("Exporting", total) as advance:
            async for record in selected(exported(log, advance), stream, since, until):
                out.write(line_of(record))
        out.flush()
    finally:
        await log.close()
