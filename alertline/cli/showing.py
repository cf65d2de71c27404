"""`show` and `postmortem`: one incident in the terminal, from the data folder, also beside a running server."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import click

from alertline.cli.options import config_option, data_option, settings_from
from alertline.config import Settings
from alertline.errors import AlertlineError
from schemas.incident import Incident

__all__ = ["postmortem", "read_incident", "show"]


@click.command()
@click.argument("incident_id", metavar="ID")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "md", "json", "csv"]),
    default="text",
    show_default=True,
    help="To read here; the timeline for a document; everything; the timeline for a table.",
)
@data_option
@config_option
def show(incident_id: str, form: str, data: str | None, config: Path | None) -> None:
    """Show an incident: its times with how we know them, its durations, its timeline.

    ID is the incident's id, or one that was merged into it. The list: http://127.0.0.1:8080/
    """
    from alertline.incidents.telling.export import timeline_csv, timeline_markdown
    from alertline.incidents.telling.plaintext import incident_text
    from schemas.public import to_json_bytes

    forms: dict[str, Callable[[Incident], str]] = {
        "text": incident_text,
        "md": timeline_markdown,
        "csv": timeline_csv,
        "json": lambda incident: to_json_bytes(incident).decode(),
    }
    click.echo(forms[form](_read(incident_id, data, config)).rstrip("\n"))


@click.command()
@click.argument("incident_id", metavar="ID")
@click.option(
    "--format",
    "form",
    type=click.Choice(["md", "json"]),
    default="md",
    show_default=True,
    help="The draft, or the whole incident as the API gives it.",
)
@click.option("--style", type=click.Choice(["seed"]), default="seed", show_default=True, help="Form of the document.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to FILE; if it exists, only its automatic blocks are brought up to date.",
)
@data_option
@config_option
def postmortem(
    incident_id: str, form: str, style: str, into: Path | None, data: str | None, config: Path | None
) -> None:
    """Print the postmortem draft: what the records say, and marked slots for what only people know.

    \b
    alertline postmortem inc_0123 --into outage.md    first time: the whole draft
    alertline postmortem inc_0123 --into outage.md    later: your text stays, the automatic blocks are renewed
    """
    from alertline.incidents.telling.draft import draft, rerender
    from schemas.public import to_json_bytes

    incident = _read(incident_id, data, config)
    if form == "json":
        click.echo(to_json_bytes(incident).decode())
    elif into is None:
        click.echo(draft(incident), nl=False)
    else:
        text = rerender(into.read_text(encoding="utf-8"), incident) if into.exists() else draft(incident)
        into.write_text(text, encoding="utf-8")
        click.echo(f"written: {into}", err=True)


def _read(incident_id: str, data: str | None, config: Path | None) -> Incident:
    return asyncio.run(read_incident(incident_id, settings_from(config, data=data)))


async def read_incident(incident_id: str, settings: Settings) -> Incident:
    """Read one incident from the store.

    Raises:
        AlertlineError: there is no data, or no such incident.
    """
    from alertline.incidents.present import present
    from alertline.store.engine import open_engine
    from alertline.store.reader import StoreReader
    from alertline.wiring.embedded import folder_of

    folder = folder_of(settings)
    if not settings.database:
        folder.require()
    engine = open_engine(folder.store_url)
    try:
        with folder.store_errors():
            facts = await StoreReader(engine).facts(incident_id)
    finally:
        await engine.dispose()
    if facts is None:
        raise AlertlineError(f"no incident has the id {incident_id}")
    return present(facts, facts.policy)
