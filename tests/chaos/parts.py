"""The service in parts while it is broken: receivers, correlators and pages on a real Kafka and a real PostgreSQL."""

import asyncio
import os
import shutil
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from uuid import uuid4

import asyncpg

from alertline.store.migrate import upgrade
from tests.chaos.alerts import configuration
from tests.chaos.disk import Disk, possible
from tests.chaos.house import Position, frozen, planted, revive
from tests.chaos.plan import Event
from tests.support.balancer import HAPROXY
from tests.support.kafka_jars import Broker, cluster, missing_programs
from tests.support.postgres import Server as Postgres
from tests.support.postgres import binaries, database
from tests.support.roles import Roles
from tests.support.server import Server, until

__all__ = ["Parts", "lacking"]


def lacking() -> list[str]:
    """What this form needs and is not installed."""
    found = {"PostgreSQL": binaries(), "HAProxy": HAPROXY}
    return [*missing_programs(), *(name for name, place in found.items() if place is None)]


class Parts:
    """Two receivers, two correlators, one with pages, behind a balancer (`tests.chaos.house.House`)."""

    def __init__(self, folder: Path, brokers: int) -> None:
        self._folder, self._count = folder, brokers
        self._stack = ExitStack()
        self._brokers: list[Broker] = []
        self._cluster_held = asyncio.Lock()
        self.happens: dict[str, Callable[[Event], Awaitable[None]]] = {
            "kill_ingest": lambda event: self._kill(self._roles.ingest, event),
            "kill_correlate": lambda event: self._kill(self._roles.correlate, event),
            "kill_review": lambda event: self._kill(self._roles.review, event),
            "restart_ingest": lambda event: self._restart(self._roles.ingest, event),
            "rebalance": lambda event: self._restart(self._roles.correlate, event),
            "frozen_ingest": lambda event: self._freeze(self._roles.ingest, event),
            "zombie": lambda event: self._freeze(self._roles.correlate, event),
            "broker": self._broker,
            "cluster": self._cluster,
            "spool_full": self._spool_full,
            "postgres_kill": self._postgres_kill,
            "postgres_crash": self._postgres_crash,
            "store_full": self._store_full,
            "wrong_clock": self._wrong_clock,
        }

    async def __aenter__(self) -> "Parts":
        try:
            await asyncio.to_thread(self._open)
        except BaseException as error:
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._stack.__exit__, kind, error, traceback)

    def _open(self) -> None:
        self._disks = [self._stack.enter_context(Disk()) for _ in range(2)] if possible() else []
        found = binaries()
        assert found is not None
        self._postgres = Postgres(found, within=self._disks[0].path if self._disks else None)
        self._stack.callback(self._postgres.remove)
        self._postgres.start()
        self._made = self._stack.enter_context(database(self._postgres.url))
        asyncio.run(upgrade(self._made.url))
        shutil.rmtree(self._folder / "kafka", ignore_errors=True)  # of a run before, where the folder is kept
        self._brokers = cluster(self._folder / "kafka", self._count)
        for broker in self._brokers:
            self._stack.callback(broker.kill)
        if self._disks:
            (self._folder / "data").unlink(missing_ok=True)
            (self._folder / "data").symlink_to(self._disks[1].path)
        servers = ",".join(broker.address for broker in self._brokers)
        prefix = f"t{uuid4().hex[:12]}"
        self._roles = Roles(
            self._folder, servers, prefix, self._made.url, ingest=2, correlate=2, review=1, config=configuration()
        )
        for server in self._servers:
            server.environment = planted()
        self._stack.enter_context(self._roles)
        self.flags: Sequence[str] = self._roles.common
        assert self._roles.balancer is not None
        self.takes = self.shows = self._roles.balancer.port

    @property
    def _servers(self) -> list[Server]:
        return [*self._roles.ingest, *self._roles.correlate, *self._roles.review]

    async def mended(self) -> None:
        """Wait until every process is ready."""
        for server in self._servers:
            if server.process is not None and (status := server.process.poll()) is not None:
                said = await asyncio.to_thread(server.printed)
                raise AssertionError(f"{server.log.stem} ended by itself with status {status}: {said[-3000:]}")
        try:
            await asyncio.gather(*(asyncio.to_thread(server.ready) for server in self._servers))
        except TimeoutError:
            for server in self._servers:
                os.kill(server.pid, signal.SIGUSR1)  # its log says what it waits for
            await asyncio.sleep(1)
            raise

    def waiting(self) -> dict[str, int]:
        """What the files of the spools hold."""
        found = {}
        for path in (self._folder / "data").glob("spool-*.db"):
            spool = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
            try:
                found[path.name] = int(spool.execute("SELECT count(*) FROM log").fetchone()[0])
            finally:
                spool.close()
        return found

    async def positions(self) -> dict[int, Position] | None:
        """What the database says."""
        try:
            async with asyncio.timeout(5):
                asking = await asyncpg.connect(self._made.url.replace("+asyncpg", ""), ssl=False)
                rows = await asking.fetch("SELECT partition, epoch, next_offset FROM positions")
                await asking.close()
        except Exception:  # noqa: BLE001 - who looks on is not what is tested
            return None
        return {row["partition"]: (row["epoch"], row["next_offset"]) for row in rows}

    async def _kill(self, servers: list[Server], event: Event) -> None:
        server = servers[event.number % len(servers)]
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(event.seconds)
        await revive(server)

    async def _restart(self, servers: list[Server], event: Event) -> None:
        server = servers[event.number % len(servers)]
        await asyncio.to_thread(server.stop)
        await asyncio.sleep(event.seconds)
        await revive(server)

    async def _freeze(self, servers: list[Server], event: Event) -> None:
        async with frozen(servers[event.number % len(servers)].pid):
            await asyncio.sleep(event.seconds)

    async def _broker(self, event: Event) -> None:
        broker = self._brokers[event.number % len(self._brokers)]
        async with self._cluster_held:
            await asyncio.to_thread(broker.kill)
            await asyncio.sleep(event.seconds)
            await asyncio.to_thread(broker.start)

    async def _cluster(self, event: Event) -> None:
        """All of them are killed; what was acknowledged by those in sync is in their files."""
        async with self._cluster_held:
            await self._without_brokers(event)

    async def _without_brokers(self, event: Event) -> None:
        for broker in self._brokers:
            await asyncio.to_thread(broker.kill)
        await asyncio.sleep(event.seconds)
        for broker in self._brokers:
            await asyncio.to_thread(broker.start, wait=False)
        for broker in self._brokers:
            await asyncio.to_thread(broker.up)

    async def _spool_full(self, event: Event) -> None:
        """First the cluster goes, and deliveries wait in the spools; then there is no room for more of them."""
        async with self._cluster_held:
            cluster_gone = asyncio.create_task(self._without_brokers(event))
            await asyncio.sleep(event.seconds / 3)
            await asyncio.to_thread(self._disks[1].fill)
            try:
                await asyncio.sleep(event.seconds / 2)
            finally:
                await asyncio.to_thread(self._disks[1].free)
            await cluster_gone

    async def _postgres_kill(self, event: Event) -> None:
        """With its children: a postmaster that is gone lets none of them begin again."""
        pid = self._postgres.pid
        children = _children(pid)
        os.kill(pid, signal.SIGKILL)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        await asyncio.to_thread(self._postgres.stop, signal.SIGKILL)
        await self._postgres_back(event.seconds)

    async def _postgres_crash(self, event: Event) -> None:
        await asyncio.to_thread(self._postgres.crash)
        await self._postgres_back(event.seconds)

    async def _postgres_back(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await asyncio.to_thread(self._postgres.start)

    async def _store_full(self, event: Event) -> None:
        """It ends if it cannot write its own log; then whoever has made room starts it again."""
        await asyncio.to_thread(self._disks[0].fill)
        try:
            await asyncio.sleep(event.seconds)
        finally:
            await asyncio.to_thread(self._disks[0].free)
        async with asyncio.timeout(60):
            while await self.positions() is None:
                if self._postgres.ended:
                    await asyncio.to_thread(self._postgres.stop)
                    await asyncio.to_thread(self._postgres.start)
                await asyncio.sleep(0.5)

    async def _wrong_clock(self, event: Event) -> None:
        """One receiver's clock is an hour ahead, or behind; the other's and the brokers' are right.

        Nothing waits in its spool when its clock is set: what was received by one clock would be sent by another.
        """
        async with self._cluster_held:
            await self._under_a_wrong_clock(self._roles.ingest[event.number % len(self._roles.ingest)], event)

    async def _under_a_wrong_clock(self, server: Server, event: Event) -> None:
        await asyncio.to_thread(until, lambda: not any(self.waiting().values()), "empty spools", 60)
        await asyncio.to_thread(server.kill)
        server.environment = planted(CHAOS_CLOCK_S=str(3600 if event.number // 2 % 2 else -3600))
        await revive(server)
        await asyncio.sleep(event.seconds)
        await asyncio.to_thread(until, lambda: not any(self.waiting().values()), "empty spools", 60)
        await asyncio.to_thread(server.kill)
        server.environment = planted()
        await revive(server)


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
