"""The embedded default while it is broken: `alertline serve`, its correlator, its files on disks that can be full."""

import asyncio
import http.client
import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from tests.chaos.alerts import configuration
from tests.chaos.disk import Disk, possible
from tests.chaos.house import Position, frozen, planted, revive
from tests.chaos.plan import Event
from tests.support.kafka_jars import free_port
from tests.support.server import Server, until

__all__ = ["Embedded"]


class Embedded:
    """One server on one data folder, while the `async with` block runs (`tests.chaos.house.House`)."""

    def __init__(self, folder: Path) -> None:
        self._stack = ExitStack()
        self._folder = folder
        self.happens: dict[str, Callable[[Event], Awaitable[None]]] = {
            "kill_server": self._kill,
            "kill_correlator": self._kill_correlator,
            "restart_server": self._restart,
            "frozen_correlator": self._freeze,
            "zombie": self._zombie,
            "log_full": lambda event: self._fill(self._disks[0], event),
            "store_full": lambda event: self._fill(self._disks[1], event),
        }

    async def __aenter__(self) -> "Embedded":
        places = [self._folder, self._folder]
        self._disks = [self._stack.enter_context(Disk()) for _ in places] if possible() else []
        places = [disk.path for disk in self._disks] or places
        config = self._folder / "alertline.toml"
        config.write_text(configuration())
        self._store = places[1] / "store.db"
        database = f"sqlite+aiosqlite:///{self._store}"
        self.takes = self.shows = free_port()
        data = places[0] / "data"
        self.flags: Sequence[str] = ("--data", str(data), "--database", database, "--config", str(config))
        self._server = Server(data, "--database", database, "--config", str(config), port=self.takes)
        self._server.log = self._folder / "serve.log"
        self._server.environment = planted()
        self._stack.enter_context(self._server)
        await revive(self._server, ready=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    async def mended(self) -> None:
        """Wait until the server is ready."""
        await asyncio.to_thread(self._server.ready)

    def waiting(self) -> dict[str, int]:
        """There is no spool."""
        return {}

    async def positions(self) -> dict[int, Position] | None:
        """What the store's file says."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> dict[int, Position] | None:
        try:
            store = sqlite3.connect(f"file:{self._store}?mode=ro", uri=True, timeout=1)
            try:
                rows = store.execute("SELECT partition, epoch, next_offset FROM positions").fetchall()
            finally:
                store.close()
        except sqlite3.Error:
            return None
        return {partition: (epoch, offset) for partition, epoch, offset in rows}

    async def _kill(self, event: Event) -> None:
        await asyncio.to_thread(self._server.kill)
        await asyncio.sleep(event.seconds)
        await revive(self._server)

    async def _restart(self, event: Event) -> None:
        await asyncio.to_thread(self._server.stop)
        await asyncio.sleep(event.seconds)
        await revive(self._server)

    async def _correlator(self) -> int:
        return await asyncio.to_thread(until, self._server.correlator, "a correlator")

    async def _kill_correlator(self, event: Event) -> None:
        pid = await self._correlator()
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(event.seconds)

    async def _freeze(self, event: Event) -> None:
        with suppress(ProcessLookupError):
            async with frozen(await self._correlator()):
                await asyncio.sleep(event.seconds)

    async def _zombie(self, event: Event) -> None:
        """It is still there, and does not know it, while another server and another correlator have taken over."""
        with suppress(ProcessLookupError):
            async with frozen(await self._correlator()):
                await asyncio.to_thread(self._server.process.kill)  # type: ignore[union-attr]
                await asyncio.to_thread(self._server.process.wait)  # type: ignore[union-attr]
                await revive(self._server)
                await asyncio.sleep(event.seconds)

    async def _fill(self, disk: Disk, event: Event) -> None:
        """While the server works: one that is being started would only start later."""
        await asyncio.to_thread(until, self._works, "a server that works")
        await asyncio.to_thread(disk.fill)
        try:
            await asyncio.sleep(event.seconds)
        finally:
            await asyncio.to_thread(disk.free)

    def _works(self) -> bool:
        try:
            return self._server.get("/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False
