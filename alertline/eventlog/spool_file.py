"""The file of a spool: an embedded event log whose oldest records go when they are safe elsewhere.

Deleted records leave room in the file that is used again; the file itself does not shrink.
"""

import asyncio
import sqlite3
from pathlib import Path

from alertline.eventlog.sqlite import SqliteLog
from alertline.eventlog.sqlite_file import connect, translate

__all__ = ["SpoolFile"]


class SpoolFile(SqliteLog):
    """An embedded log that can forget. Open it with `SpoolFile.open`."""

    async def count(self) -> int:
        """How many records wait.

        Raises:
            LogUnavailable: the file cannot be read.
        """
        return await self._ask(lambda connection: int(connection.execute("SELECT count(*) FROM log").fetchone()[0]))

    async def forget(self, next_offset: int) -> None:
        """Delete what lies before an offset.

        Raises:
            LogUnavailable: the file cannot be written: it is all still there.
        """
        await asyncio.to_thread(_forget, self._path, next_offset)


def _forget(path: Path, next_offset: int) -> None:
    connection: sqlite3.Connection | None = None
    try:
        connection = connect(path)
        connection.execute("DELETE FROM log WHERE id < ?", (next_offset,))
    except sqlite3.Error as error:
        raise translate(error, path) from error
    finally:
        if connection is not None:
            connection.close()
