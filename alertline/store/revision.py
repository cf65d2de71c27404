"""At which revision this code's tables are, told without the machinery of migrations: it would slow every start."""

from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.store.engine import reading

__all__ = ["HEAD", "is_current"]

# the newest step in migrations/versions; a test compares the two
HEAD: Final = "0009"


async def is_current(engine: AsyncEngine) -> bool:
    """Whether the database has the tables of this code.

    Raises:
        StoreUnavailable: not now.
    """
    async with reading(engine) as connection:
        return await connection.run_sync(_is_at_head)


def _is_at_head(connection: Connection) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return False
    return list(connection.scalars(text("SELECT version_num FROM alembic_version"))) == [HEAD]
