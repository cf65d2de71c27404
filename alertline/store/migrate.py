"""Bringing a database to the tables that this code needs.

Guarantee: an upgrade happens as a whole or not at all, also when several processes start it at once.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from alertline.store.collation import collate
from alertline.store.engine import LOCK, open_engine, reading, writing
from alertline.store.tables import metadata

__all__ = ["UnknownRevision", "check", "current", "downgrade", "upgrade"]

_SCRIPTS: Final = Path(__file__).with_name("migrations")


class UnknownRevision(Exception):
    """A newer Alertline has changed the tables."""


async def upgrade(url: str, revision: str = "head") -> None:
    """Make or change the tables so that they are those of the revision; does nothing if they are.

    Raises:
        ValueError: not a URL of a database that we know; UnknownRevision: it is ahead of us; StoreUnavailable: not now.
    """
    await _change(url, lambda config: command.upgrade(config, revision))


async def downgrade(url: str, revision: str) -> None:
    """Take steps back down to the revision (`base`: to an empty database). What only newer tables hold is lost.

    Raises:
        ValueError: not a URL of a database that we know; UnknownRevision: it is ahead of us; StoreUnavailable: not now.
    """
    await _change(url, lambda config: command.downgrade(config, revision))


async def current(url: str) -> str | None:
    """The revision of the database; None for one without our tables.

    Raises:
        ValueError: not a URL of a database that we know; StoreUnavailable: not now.
    """
    engine = open_engine(url)
    try:
        async with reading(engine) as connection:
            return await connection.run_sync(_revision)
    finally:
        await engine.dispose()


async def check(url: str) -> list[str]:
    """Name everything in which the database differs from what this code needs, a line each; empty when it fits.

    Raises:
        ValueError: not a URL of a database that we know; StoreUnavailable: not now.
    """
    engine = open_engine(url)
    try:
        async with reading(engine) as connection:
            return await connection.run_sync(_differences)
    finally:
        await engine.dispose()


async def _change(url: str, step: Callable[[Config], None]) -> None:
    def run(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":  # on SQLite the transaction that writes is a lock already
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        config = _config(connection)
        _refuse_newer(connection, ScriptDirectory.from_config(config))
        step(config)
        collate(connection, metadata.tables)

    engine = open_engine(url, patient=True)
    try:
        async with writing(engine) as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(connection: Connection, scripts: ScriptDirectory) -> None:
    revision = _revision(connection)
    if revision is not None and revision not in {step.revision for step in scripts.walk_revisions()}:
        raise UnknownRevision(f"the database is at revision {revision}, newer than this code: upgrade Alertline first")


def _differences(connection: Connection) -> list[str]:
    revision, head = _revision(connection), ScriptDirectory.from_config(_config()).get_current_head()
    if revision != head:
        return [f"the database is at revision {revision or 'none'}, this version of Alertline needs {head}"]
    return [str(difference) for difference in compare_metadata(MigrationContext.configure(connection), metadata)]
