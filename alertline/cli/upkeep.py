"""`db`: looking after the store's tables, and moving an installation."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alertline.cli.options import backend_options, config_option, data_option, settings_from
from alertline.cli.progress import progress
from alertline.config import Settings
from alertline.errors import AlertlineError

if TYPE_CHECKING:
    from alertline.eventlog.port import EventLog

__all__ = ["db"]

_database_option = click.option(
    "--database", metavar="URL", help="The store, where it is not in the data folder: postgresql://…"
)


@click.group()
def db() -> None:
    """Look after the store's tables. `serve` brings them up to date by itself."""


@db.command("upgrade")
@_database_option
@data_option
@config_option
def db_upgrade(database: str | None, data: str | None, config: Path | None) -> None:
    """Bring the tables up to date."""
    from alertline.store.migrate import current
    from alertline.wiring.embedded import folder_of

    settings = settings_from(config, data=data, database=database)
    folder = folder_of(settings)
    if not settings.database:
        folder.create()
    asyncio.run(folder.upgrade_store())
    click.echo(f"tables are at revision {asyncio.run(current(folder.store_url))}")


@db.command("check")
@_database_option
@data_option
@config_option
def db_check(database: str | None, data: str | None, config: Path | None) -> None:
    """Compare the tables with what this version expects; exit status 1 where they differ."""
    from alertline.store.migrate import check
    from alertline.wiring.embedded import folder_of

    settings = settings_from(config, data=data, database=database)
    folder = folder_of(settings)
    if not settings.database:
        folder.require()
    with folder.store_errors():
        differences = asyncio.run(check(folder.store_url))
    for difference in differences:
        click.echo(difference)
    if differences:
        raise AlertlineError("the tables differ from what this version expects: run `alertline db upgrade`")
    click.echo("the tables are as this version expects them")


@db.command("copy")
@backend_options
@data_option
@config_option
def db_copy(kafka: str | None, database: str | None, data: str | None, config: Path | None) -> None:
    """Copy an embedded installation to where the settings point: its store to --database, its log to --kafka.

    Stop its server first. Everything is copied: what is open goes on where it was, and with --kafka the whole log is
    there too. Without --kafka the log stays in the data folder. Both must be empty; what was written is read back and
    compared. The data folder is not changed: keep it until you have seen the copy run.

    \b
    alertline db copy --database postgresql://alertline@db/alertline
    alertline serve --database postgresql://alertline@db/alertline
    """
    settings = settings_from(config, kafka=kafka, database=database, data=data)
    if not settings.database:
        raise AlertlineError("name the database to copy to with --database")
    asyncio.run(_copy(settings))


async def _copy(settings: Settings) -> None:
    from alertline.store.reader import StoreReader
    from alertline.wiring.embedded import DataFolder, folder_of
    from alertline.wiring.moving import copy_log, copy_store, size_of

    folder, to = DataFolder(settings.data), folder_of(settings)
    folder.require()
    async with AsyncExitStack() as stack:
        stack.enter_context(folder.locked())
        log = await folder.open_log()
        stack.push_async_callback(log.close)
        source = await folder.open_store()
        stack.push_async_callback(source.dispose)
        target = await to.open_store(patient=True)
        stack.push_async_callback(target.dispose)
        other = await _other_log(settings, stack)
        with folder.store_errors(), progress("Copying", await size_of(other and log, source)) as advance:
            moved = None if other is None else await copy_log(log, other, StoreReader(source), advance)
            copied = await copy_store(source, target, moved, advance)
    for table, count in copied.rows.items():
        click.echo(f"{count:>10} {table}")
    click.echo(f"copied to {to.store_name} and read back; digest {copied.digest}")


async def _other_log(settings: Settings, stack: AsyncExitStack) -> "EventLog | None":
    """The Kafka cluster that the settings name; None: the log stays where it is."""
    if not settings.kafka.servers:
        return None
    from alertline.eventlog.kafka import KafkaLog
    from alertline.eventlog.port import LogUnavailable, UnsupportedLog

    try:
        log = await KafkaLog.open(settings.kafka)
    except (UnsupportedLog, LogUnavailable) as error:
        raise AlertlineError(str(error)) from error
    stack.push_async_callback(log.close)
    return log
