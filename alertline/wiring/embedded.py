"""The embedded default: log and store are two SQLite files in one folder, locked by the server that uses them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.errors import AlertlineError
from alertline.eventlog.sqlite import SqliteLog
from alertline.store.engine import open_engine
from alertline.store.migrate import upgrade

__all__ = ["DataFolder"]


class DataFolder:
    """Where an embedded installation keeps everything: `log.db` is the truth, `store.db` can be made again from it."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    @property
    def log_file(self) -> Path:
        """The event log."""
        return self.path / "log.db"

    @property
    def store_url(self) -> str:
        """The database URL of the store."""
        return f"sqlite+aiosqlite:///{self.path / 'store.db'}"

    def create(self) -> None:
        """Make the folder.

        Raises:
            AlertlineError: it cannot be made or written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AlertlineError(f"cannot use the data folder {self.path}: {error.strerror}") from error
        if not os.access(self.path, os.W_OK):
            raise AlertlineError(f"cannot write to the data folder {self.path}")

    def require(self) -> None:
        """Refuse a folder in which no server has ever run.

        Raises:
            AlertlineError: there is no log in it.
        """
        if not self.log_file.exists():
            raise AlertlineError(f"there is no Alertline data in {self.path}: name the server's folder with --data")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder: one server at a time. The lock goes with the process, however it ends.

        Raises:
            AlertlineError: another server holds it.
        """
        self.create()
        with (self.path / "server.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlertlineError(f"another Alertline server is using {self.path}") from None
            yield

    async def open_log(self) -> SqliteLog:
        """Open the event log."""
        return await SqliteLog.open(self.log_file)

    async def open_store(self) -> AsyncEngine:
        """Bring the store's tables up to date and open it. Dispose of it when done."""
        await upgrade(self.store_url)
        return open_engine(self.store_url)
