"""The database of the simulation: real SQLite, real SQL, reached by a driver without threads.

Each connection is one of SQLite's own on a file in memory, so locks, snapshots and constraints are the real ones. The
driver stands where aiosqlite stands; every statement and every commit crosses the border of its process, where the
process may die, the connection may be cut, or the answer may be lost. Whoever waits for a lock waits in virtual time.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import PoolProxiedConnection, event
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.store.engine import open_engine
from tests.simulation.loop import Process, current
from tests.simulation.world import Gone, World

__all__ = ["SERVER", "Database", "simulated_engine"]

T = TypeVar("T")

_LOCK_S: Final = 5.0
_LOOK_S: Final = 0.02
_CUT: Final = "connection closed"  # in these words SQLAlchemy knows that it needs another one


class Database:
    """A database in a file, and what happens to it.

    Attributes:
        told: what was ever committed to the outbox: (partition, offset, n, body).
        forgetful: whether it keeps what it may fall back to; lost: how often it did.
        on_commit: called after each commit that wrote.
    """

    def __init__(self, world: World, path: Path, image: bytes) -> None:
        self.world, self.path = world, path
        path.write_bytes(image)
        self.told: list[tuple[Any, ...]] = []
        self.on_commit: Callable[[], None] = lambda: None
        self.lost, self.forgetful = 0, world.choices.random() < 0.25
        self._away, self._open = False, dict[Connection, None]()
        self._safe: bytes | None = None
        self._idle: list[sqlite3.Connection] = []
        self._lent: list[PoolProxiedConnection] = []
        self._eye: sqlite3.Connection | None = None

    @property
    def eye(self) -> sqlite3.Connection:
        """A connection of nobody, to look from outside."""
        if self._eye is None:
            self._eye = sqlite3.connect(self.path, isolation_level=None)
        return self._eye

    async def connect(self) -> "Connection":
        """Open a connection for the process that asks."""
        await self.world.cross("store connect")
        if self._away:
            raise sqlite3.OperationalError("unable to open database file")
        made = Connection(self, current(), self._idle.pop() if self._idle else self._opened())
        self._open[made] = None
        return made

    def drop(self, connection: "Connection", raw: sqlite3.Connection) -> None:
        """One connection less; SQLite's own is as good as new, and costs less than a new one."""
        self._open.pop(connection, None)
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        self._idle.append(raw)

    def _opened(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None, timeout=0, cached_statements=256)

    def cut(self, process: Process | None = None) -> None:
        """Cut all connections, or those of a process; what they had begun is rolled back."""
        for each in [each for each in self._open if process is None or each.process is process]:
            each.cut()

    def crash(self, seconds: float) -> None:
        """Go away for some time; where it is forgetful, the newest transactions that nobody waited for are lost."""
        self.cut()
        self._away = True
        if self._safe is not None:
            self.world.tell("  its newest transactions are lost")
            self.fall_back(self._safe)
        self.world.later(seconds, self.come_back)

    def come_back(self) -> None:
        """Be there again."""
        self._away = False

    def wrote(self, *, synced: bool) -> None:
        """A transaction was committed; `synced`: it and all before it outlive the machine."""
        if self.forgetful and (synced or self.world.choices.random() < 0.3):
            self._safe = self.eye.serialize()
        self.on_commit()

    def lend(self, connection: PoolProxiedConnection) -> None:
        """A pool gives a connection to somebody, who may be killed before he gives it back."""
        self._lent.append(connection)

    def close(self) -> None:
        """Close everything, and take the file away."""
        for each in self._lent:
            if each.is_valid:
                each.detach()  # else the pool complains when it is collected
        self._lent.clear()
        self.cut()
        self._take_away()

    def fall_back(self, image: bytes) -> None:
        """Be as before."""
        self.cut()
        self._take_away()
        self.lost += 1
        self.path.write_bytes(image)

    def _take_away(self) -> None:
        for each in self._idle:
            each.close()
        self._idle.clear()
        if self._eye is not None:
            self._eye.close()
            self._eye = None
        for end in ("", "-wal", "-shm"):
            Path(f"{self.path}{end}").unlink(missing_ok=True)


class Connection:
    """What SQLAlchemy's adapter takes for a connection of aiosqlite."""

    def __init__(self, database: Database, process: Process | None, raw: sqlite3.Connection) -> None:
        self.process, self._database, self._conn = process, database, raw
        self._connection: sqlite3.Connection | None = raw
        self._tx = self
        self._tells: list[tuple[Any, ...]] = []
        self._writes = self._synced = False

    @property
    def isolation_level(self) -> str | None:
        """As sqlite3 has it."""
        return self._conn.isolation_level

    def put_nowait(self, order: tuple["asyncio.Future[None]", Callable[[], None]]) -> None:
        """aiosqlite's way to its thread: here there is none."""
        future, function = order
        function()
        future.set_result(None)

    def cursor(self) -> "Cursor":
        """A cursor."""
        return Cursor(self)

    async def create_function(self, *args: Any, **more: Any) -> None:
        """As sqlite3 has it."""
        self._conn.create_function(*args, **more)

    async def run(self, sql: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Let a statement have its effect."""
        if sql.startswith("PRAGMA"):
            return work(self._sound())
        world, verb = self._database.world, " ".join(sql.split(None, 3)[:3])
        await world.cross(f"store {verb}")
        if world.chance(0.003):
            self.cut()
        result = await self._locked(work)
        self._writes = self._writes or sql.startswith("BEGIN IMMEDIATE")
        # claims are waited for until they are on the disk, and with them all that was committed before
        self._synced = self._synced or sql.startswith(("INSERT INTO positions", "DELETE FROM outbox"))
        return result

    def tells(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Notice what goes into the outbox."""
        if sql.startswith("INSERT INTO outbox "):
            self._tells += rows

    async def commit(self) -> None:
        """Commit; the answer may be lost."""
        world = self._database.world
        await world.cross("store COMMIT")
        connection = self._sound()
        if connection.in_transaction:
            await self._locked(lambda raw: raw.execute("COMMIT"))
            self._database.told += self._tells
            wrote, synced = self._writes, self._synced
            self._forget()
            if wrote:
                self._database.wrote(synced=synced)
        await world.cross("store COMMIT answered")
        if world.chance(0.01):
            world.tell(f"the answer to a COMMIT of {self.process and self.process.name} is lost")
            self.cut()
        self._sound()

    async def rollback(self) -> None:
        """Roll back, if there is anything."""
        self._forget()
        if self._connection is not None and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    async def close(self) -> None:
        """Close; what had begun is rolled back."""
        self.cut()

    def stop(self) -> None:
        """The same without waiting."""
        self.cut()

    def cut(self) -> None:
        """It is gone."""
        self._forget()
        if self._connection is not None:
            self._connection = None
            self._database.drop(self, self._conn)

    def _forget(self) -> None:
        self._writes, self._synced, self._tells = False, False, []

    def _sound(self) -> sqlite3.Connection:
        if self.process is not None and not self.process.alive:
            raise Gone
        if self._connection is None:
            raise sqlite3.OperationalError(_CUT)
        return self._connection

    async def _locked(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do it as soon as the lock is free."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LOCK_S
        while True:
            try:
                return work(self._sound())
            except sqlite3.OperationalError as error:
                busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or loop.time() > deadline:
                    raise
            await asyncio.sleep(_LOOK_S)


class Cursor:
    """What SQLAlchemy's adapter takes for a cursor of aiosqlite; it has all rows at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount, self.lastrowid, self.arraysize = -1, 0, 1

    async def __aenter__(self) -> "Cursor":
        return self

    async def execute(self, sql: str, parameters: Any = ()) -> "Cursor":
        """Run a statement."""
        await self._connection.run(sql, lambda raw: self._done(raw.execute(sql, parameters)))
        self._connection.tells(sql, [parameters])
        return self

    async def executemany(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> "Cursor":
        """Run a statement for many rows."""
        await self._connection.run(sql, lambda raw: self._done(raw.executemany(sql, rows)))
        self._connection.tells(sql, rows)
        return self

    async def fetchall(self) -> list[Any]:
        """All rows."""
        return self._rows

    async def close(self) -> None:
        """Done with it."""

    def _done(self, raw: sqlite3.Cursor) -> None:
        self.description, self.rowcount, self.lastrowid = raw.description, raw.rowcount, raw.lastrowid or 0
        self._rows = raw.fetchall() if raw.description else []


SERVER: Final[ContextVar[Database | None]] = ContextVar("database", default=None)


def simulated_engine(path: str, always: Database | None = None) -> AsyncEngine:
    """The service's own engine; its connections are to the database of the simulation that runs, or always to one."""
    engine = open_engine(f"sqlite+aiosqlite:///{path}")

    async def connect(*_: object, **_options: object) -> Connection:
        database = always or SERVER.get()
        assert database is not None, "no simulation runs"
        return await database.connect()

    @event.listens_for(engine.sync_engine, "do_connect")
    def instead(_dialect: object, _record: object, _args: object, options: dict[str, Any]) -> None:
        options["async_creator_fn"] = connect

    @event.listens_for(engine.sync_engine, "checkout")
    def lent(_connection: object, _record: object, proxy: PoolProxiedConnection) -> None:
        database = always or SERVER.get()
        if database is not None:
            database.lend(proxy)

    return engine
