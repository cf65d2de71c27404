"""SQLite's connection for asyncio, which may be given up while it closes.

Whoever reads may be cancelled twice: its client goes away, then the server stops. SQLAlchemy answers the first by a
close, the second by a `stop()` beside it. In aiosqlite 0.22 each of the two waits for an answer of the thread, which
answers only the first that it comes to: the other waited for ever, and the process with it.
"""

import asyncio
import sqlite3
from functools import partial
from typing import Any, Final

import aiosqlite

__all__ = ["connect"]

_ROWS_AT_A_TIME: Final = 64


class _Connection(aiosqlite.Connection):
    """A connection that can be stopped more than once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stopped = False

    def stop(self) -> asyncio.Future[Any] | None:
        """End the thread after what it has been asked for; None if it was told so before: there is no answer then."""
        if self._stopped:
            return None
        self._stopped = True
        return super().stop()


def connect(database: str, **settings: Any) -> aiosqlite.Connection:
    """A connection that opens when it is awaited, with the settings of `sqlite3.connect`; no exit waits for it."""
    connection = _Connection(partial(sqlite3.connect, database, **settings), _ROWS_AT_A_TIME)
    connection._thread.daemon = True  # as SQLAlchemy does for those that it makes
    return connection
