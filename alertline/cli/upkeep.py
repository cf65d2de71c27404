"""`db`: looking after the store's tables."""

import asyncio
from pathlib import Path

import click

from alertline.cli.options import config_option, data_option, settings_from
from alertline.errors import AlertlineError

__all__ = ["db"]


@click.group()
def db() -> None:
    """Look after the store's tables. `serve` brings them up to date by itself."""


@db.command("upgrade")
@data_option
@config_option
def db_upgrade(data: str | None, config: Path | None) -> None:
    """Bring the tables up to date."""
    from alertline.store.migrate import current
    from alertline.wiring.embedded import DataFolder

    folder = DataFolder(settings_from(config, data=data).data)
    folder.create()
    asyncio.run(folder.upgrade_store())
    click.echo(f"tables are at revision {asyncio.run(current(folder.store_url))}")


@db.command("check")
@data_option
@config_option
def db_check(data: str | None, config: Path | None) -> None:
    """Compare the tables with what this version expects; exit status 1 where they differ."""
    from alertline.store.migrate import check
    from alertline.wiring.embedded import DataFolder

    folder = DataFolder(settings_from(config, data=data).data)
    folder.require()
    with folder.store_errors():
        differences = asyncio.run(check(folder.store_url))
    for difference in differences:
        click.echo(difference)
    if differences:
        raise AlertlineError("the tables differ from what this version expects: run `alertline db upgrade`")
    click.echo("the tables are as this version expects them")
