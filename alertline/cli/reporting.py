"""`report`: what the incidents of a time come to, from the data folder, also beside a running server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alertline.cli.options import config_option, data_option, settings_from
from alertline.config import Settings
from alertline.errors import AlertlineError

if TYPE_CHECKING:
    from alertline.store.reports import ReportReader
    from review.reports.asking import Asked

__all__ = ["report"]


@click.command()
@click.option(
    "--from", "since", metavar="DAY", help="Detected on this day of the zone or later; also a time with its zone."
)
@click.option("--to", "until", metavar="DAY", help="Detected on this day at the latest; before this time.")
@click.option(
    "--by",
    type=click.Choice(["service", "severity", "source", "scope", "day", "week", "month"]),
    help="Divide by this; an incident of several services counts in each.",
)
@click.option("--zone", help="IANA name of the zone in which days and weeks begin [UTC].")
@click.option(
    "--assumed",
    type=click.Choice(["ends", "include", "exclude"]),
    help="Assumed values: all but detections of 0, all, or none [ends].",
)
@click.option(
    "--calendar", metavar="NAME", help="Also in working hours: a country (DE), a part of it (DE-BE), or weekdays."
)
@click.option("--hours", metavar="HH:MM-HH:MM", help="The working hours [09:00-17:00].")
@click.option("--service", help="Only incidents of this service.")
@click.option("--severity", help="Only incidents of this severity.")
@click.option("--incidents", is_flag=True, help="The incidents themselves, a line each.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="To read here, for a spreadsheet, or as the API gives it.",
)
@data_option
@config_option
def report(
    since: str | None,
    until: str | None,
    incidents: bool,
    form: str,
    data: str | None,
    config: Path | None,
    **asked: str | None,
) -> None:
    """Report how long detection and recovery took: median, mean and p90 of what was measured, with n of all.

    Open incidents, drills, maintenance, false positives and merged ones stand apart and are counted by name.

    \b
    alertline report --from 2024-06-01 --to 2024-08-31 --by service
    alertline report --by week --format csv > weeks.csv
    alertline report --incidents --format csv > incidents.csv
    """
    from alertline.web.problems import Problem
    from review.reports.asking import asked_of

    query = {"from": since, "to": until, "group_by": asked.pop("by"), **asked}
    try:
        wanted = asked_of({name: value for name, value in query.items() if value is not None})
    except Problem as problem:
        raise AlertlineError(str(problem).replace("group_by", "by")) from problem
    settings = settings_from(config, data=data)
    text = asyncio.run(_incidents(wanted, form, settings) if incidents else _report(wanted, form, settings))
    click.echo(text.removesuffix("\n"))


@asynccontextmanager
async def _source(settings: Settings) -> "AsyncIterator[ReportReader]":
    """The store that the settings name."""
    from alertline.store.reports import ReportReader
    from alertline.wiring.embedded import folder_of

    folder = folder_of(settings)
    if not settings.database:
        folder.require()
    engine = await folder.open_store()
    try:
        with folder.store_errors():
            yield ReportReader(engine)
    finally:
        await engine.dispose()


async def _report(asked: "Asked", form: str, settings: Settings) -> str:
    import orjson

    from review.reports.forms import public_report, report_csv, report_text
    from review.reports.making import report_of

    async with _source(settings) as source:
        made = await report_of(source, asked)
    if form == "json":
        return orjson.dumps(public_report(made)).decode()
    return report_csv(made) if form == "csv" else report_text(made)


async def _incidents(asked: "Asked", form: str, settings: Settings) -> str:
    import orjson

    from review.reports.asking import Of
    from review.reports.forms import incidents_csv, incidents_text, public_incidents
    from review.reports.making import behind

    async with _source(settings) as source:
        found = await behind(source, asked, Of())
    if form == "json":
        return orjson.dumps({"incidents": public_incidents(found)}).decode()
    return incidents_csv(found) if form == "csv" else incidents_text(found)
