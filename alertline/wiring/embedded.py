"""The embedded default: log and store are two SQLite files in one folder, locked by the server that uses them."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alertline.cluster import Kafka
from alertline.config import Settings
from alertline.errors import AlertlineError
from alertline.eventlog.port import EventLog, LogUnavailable, UnsupportedLog
from alertline.eventlog.sqlite import SqliteLog

if TYPE_CHECKING:  # who only reads the log need not wait for SQLAlchemy
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["DataFolder", "folder_of"]

_SLOTS = 100  # of one role on one machine


class DataFolder:
    """Where an embedded installation keeps everything: `log.db` is the truth, `store.db` can be made again from it.

    `database`, `kafka`: the URL of the store, and the cluster of the log, where they are not in the folder.
    """

    def __init__(self, path: str, database: str = "", kafka: Kafka | None = None) -> None:
        self.path, self._database = Path(path), database
        self._kafka = kafka if kafka is not None and kafka.servers else None

    @property
    def log_file(self) -> Path:
        """The event log."""
        return self.path / "log.db"

    @property
    def store_url(self) -> str:
        """The database URL of the store."""
        return self._database or f"sqlite+aiosqlite:///{self.path / 'store.db'}"

    @property
    def store_name(self) -> str:
        """What to call the store: no password is in it."""
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            return make_url(self._database).render_as_string() if self._database else str(self.path / "store.db")
        except ArgumentError:
            return "the database"

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
        if self._kafka is None and not self.log_file.exists():
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
        """Open the event log.

        Raises:
            AlertlineError: the file cannot be used.
        """
        try:
            return await SqliteLog.open(self.log_file)
        except (UnsupportedLog, LogUnavailable) as error:
            raise AlertlineError(str(error)) from error

    async def open_events(self) -> EventLog:
        """Open the event log, wherever it is.

        Raises:
            AlertlineError: it cannot be used now.
        """
        if self._kafka is None:
            return await self.open_log()
        from alertline.eventlog.kafka import KafkaLog

        try:
            return await KafkaLog.open(self._kafka)
        except (UnsupportedLog, LogUnavailable) as error:
            raise AlertlineError(str(error)) from error

    async def open_store(self, *, patient: bool = False) -> "AsyncEngine":
        """Bring the store's tables up to date and open it. Dispose of it when done.

        `patient`: statements may take as long as they do.

        Raises:
            AlertlineError: the file cannot be used.
        """
        from alertline.store.engine import open_engine
        from alertline.store.revision import is_current

        try:
            engine = open_engine(self.store_url, patient=patient)
        except ValueError as error:
            raise AlertlineError(str(error)) from error
        try:
            with self.store_errors():
                current = await is_current(engine)
            if not current:
                await self.upgrade_store()
        except BaseException:
            await engine.dispose()
            raise
        return engine

    async def upgrade_store(self) -> None:
        """Bring the store's tables up to date.

        Raises:
            AlertlineError: the file cannot be used, or its tables are of a newer Alertline.
        """
        logging.getLogger("alembic").setLevel(logging.WARNING)  # else ten lines about itself at a first start
        from alertline.store.migrate import UnknownRevision, upgrade  # only here: importing it costs a start 60 ms

        try:
            with self.store_errors():
                await upgrade(self.store_url)
        except UnknownRevision as error:
            raise AlertlineError(f"{self.store_name}: {error}") from error

    @contextmanager
    def slot(self, role: str) -> Iterator[int]:
        """Take the first free number of a role on this machine: the same again after a restart, and nobody else's.

        Raises:
            AlertlineError: the folder cannot be used.
        """
        self.create()
        for number in range(_SLOTS):
            with (self.path / f"{role}-{number}.lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield number
                return
        raise AlertlineError(f"{_SLOTS} processes of the role {role} are using {self.path}")

    @contextmanager
    def store_errors(self) -> Iterator[None]:
        """Say in one line what is wrong with the store's file.

        Raises:
            AlertlineError: that line.
        """
        from sqlalchemy.exc import DBAPIError

        from alertline.store.engine import StoreUnavailable

        try:
            yield
        except StoreUnavailable as error:
            raise AlertlineError(f"{self.store_name}: {error}") from error
        except DBAPIError as error:
            raise AlertlineError(f"{self.store_name}: {error.orig}") from error


def folder_of(settings: Settings) -> DataFolder:
    """The data folder, with the database where one is named."""
    return DataFolder(settings.data, settings.database, settings.kafka)
