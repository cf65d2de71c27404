"""The service of one schedule: two receivers with spools, two correlators in a group, a person's server; all real code
but for the ports at its borders. Slots hold processes that are killed, stopped, and started again."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, Final, cast

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.config import Settings
from alertline.eventlog.port import LogUnavailable
from alertline.eventlog.spool_file import SpoolFile
from alertline.eventlog.spooling import SpoolingLog
from alertline.incidents.policy import Policy
from alertline.store.outbox import StoreOutbox
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter
from alertline.wiring.commanding import LoggedOrders
from alertline.wiring.integrations import integrations_of
from consumers.relay import Relaying
from consumers.runner import Runner
from consumers.supervising import Supervisor
from ingest.deadline import Deadline
from schemas.records import Delivery, encode
from tests.simulation.broker import Broker, LogClient
from tests.simulation.database import Database, simulated_engine
from tests.simulation.disk import Disk, Spool
from tests.simulation.loop import Process
from tests.simulation.world import World

__all__ = ["POLICY", "Cluster", "Correlator", "Receiver", "Reviewer", "Slot", "Taken", "renewed", "writer_of"]

# everything that takes minutes outside takes seconds here
POLICY: Final = msgspec.structs.replace(
    Policy(),
    quiet=timedelta(seconds=1),
    point_quiet=timedelta(seconds=2),
    reopen=timedelta(seconds=2),
    seal=timedelta(seconds=1),
    late_delivery=timedelta(milliseconds=300),
    retry=timedelta(seconds=4),
)
_ANSWER_S: Final = 1.0
_TOPIC: Final = "alertline.incidents.v1"
_INTEGRATIONS: Final = integrations_of(Settings())


@cache
def _engine(slot: str) -> AsyncEngine:
    """One for each slot, for all schedules: what SQLAlchemy has compiled is kept."""
    return simulated_engine(f"/{slot}")


def renewed(slot: str) -> AsyncEngine:
    """The engine of a slot without the connections of whoever ran there before."""
    engine = _engine(slot)
    engine.sync_engine.dispose(close=False)
    return engine


@cache
def writer_of(slot: str, telling: bool) -> StoreWriter:
    """The real writer of a slot; `telling`: into the outbox too."""
    return StoreWriter(_engine(slot), telling=telling)


class Taken(msgspec.Struct, frozen=True):
    """A record that a receiver's log took: where, when it was asked to and when it had (in steps), and its bytes."""

    receiver: str
    began: int
    ended: int
    stream: str
    payload: bytes


class Receiver:
    """The real spool before the simulated broker."""

    def __init__(self, cluster: "Cluster", name: str, process: Process) -> None:
        self._cluster, self._name, self._process = cluster, name, process
        spool = cast("SpoolFile", Spool(cluster.disks[name], process))
        self.log = SpoolingLog(LogClient(cluster.broker, process), spool)
        self._deadline = Deadline(_ANSWER_S)
        self.ready = False

    async def run(self) -> None:
        """Take deliveries until killed."""
        await self.log.open()
        self.ready = True
        await asyncio.Event().wait()

    async def post(self, delivery: Delivery) -> bool:
        """Take a delivery; whether it is durable."""
        began, moment = self._cluster.count(), self._cluster.world.now()
        # two attempts may come at one moment: the mark tells their records apart
        record = msgspec.structs.replace(delivery, received_at=moment, headers={"attempt": str(began)})
        payload = encode(record)
        try:
            with self._deadline:
                await self.log.append(record.stream, payload)
        except (LogUnavailable, TimeoutError):
            return False
        self._cluster.taken.append(Taken(self._name, began, self._cluster.count(), record.stream, payload))
        return True


class Correlator:
    """The real supervisor with the real runners and relays."""

    def __init__(self, cluster: "Cluster", name: str, process: Process) -> None:
        self._cluster, self._process = cluster, process
        log, engine = LogClient(cluster.broker, process), renewed(name)
        writer = Relaying(writer_of(name, cluster.telling), StoreOutbox(engine), log, _TOPIC)
        plain = writer if cluster.telling else writer_of(name, False)

        def runner(partition: int) -> Runner:
            clock = cluster.world.now
            return Runner(log, plain, POLICY, owner=name, clock=clock, receivers_first=False, partition=partition)

        self._supervisor, self._turn = Supervisor(runner, writer.end), asyncio.Lock()

    async def run(self) -> None:
        """Be a member until killed."""
        self._cluster.join(self)
        await asyncio.Event().wait()

    @property
    def alive(self) -> bool:
        """Whether it may still answer."""
        return self._process.alive

    def hold(self) -> "asyncio.Task[None]":
        """Ask it to let nothing be half done."""
        return self._process.start(self._in_turn(self._supervisor.hold))

    def keep(self, partitions: frozenset[int]) -> "asyncio.Task[None]":
        """Tell it what is its own from now on."""
        return self._process.start(self._in_turn(lambda: self._supervisor.keep(partitions)))

    def problems(self) -> dict[str, str]:
        """What keeps it from working."""
        return self._supervisor.problems()

    async def _in_turn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async with self._turn:
            await work()


class Reviewer:
    """The real way of a person's commands."""

    def __init__(self, cluster: "Cluster", name: str, process: Process) -> None:
        engine = renewed(name)
        log = LogClient(cluster.broker, process)
        self.orders = LoggedOrders(log, StoreReader(engine), _INTEGRATIONS, cluster.world.now)
        self.ready = False

    async def run(self) -> None:
        """Answer until killed."""
        self.ready = True
        await asyncio.Event().wait()


Made = Receiver | Correlator | Reviewer


class Slot:
    """A place in which a process runs, one after the other.

    Attributes:
        made: what runs in it now; None while nothing does.
    """

    def __init__(self, cluster: "Cluster", name: str, kind: type[Made]) -> None:
        self._cluster, self.name, self._kind = cluster, name, kind
        self.process = Process(name)
        self.made: Any = None

    def start(self) -> None:
        """Start a process, unless one runs."""
        if self.made is None:
            self.process = Process(self.name)
            self.made = self._kind(self._cluster, self.name, self.process)
            self.process.start(self.made.run())

    def kill(self, seconds: float) -> None:
        """SIGKILL; it is started again after some time."""
        if self.made is None:
            return
        self.made = None
        self.process.kill()
        self._cluster.database.cut(self.process)
        if self.name in self._cluster.disks:
            self._cluster.disks[self.name].crash()
        self._cluster.changed()
        self._cluster.world.later(seconds, self.start)

    def pause(self, seconds: float) -> None:
        """SIGSTOP; it goes on after some time, and does not know."""
        process = self.process
        process.paused = True
        self._cluster.changed()

        def go_on() -> None:
            process.paused = False

        self._cluster.world.later(seconds, go_on)


class Cluster:
    """All of it.

    Attributes:
        taken: what receivers took; telling: whether other programs are told.
    """

    def __init__(self, world: World, broker: Broker, database: Database) -> None:
        self.world, self.broker, self.database = world, broker, database
        self.disks = {f"ingest-{n}": Disk(world) for n in range(2)}
        self.receivers = [Slot(self, name, Receiver) for name in self.disks]
        self.correlators = [Slot(self, f"correlate-{n}", Correlator) for n in range(2)]
        self.reviewer = Slot(self, "review", Reviewer)
        self.taken: list[Taken] = []
        self.telling = world.choices.random() < 0.5
        self._count = 0
        self._members: list[Correlator] = []
        self._news = asyncio.Event()

    @property
    def slots(self) -> list[Slot]:
        """Every place."""
        return [*self.receivers, *self.correlators, self.reviewer]

    def count(self) -> int:
        """A number that grows."""
        self._count += 1
        return self._count

    def join(self, member: Correlator) -> None:
        """One more in the group."""
        self._members.append(member)
        self.changed()

    def changed(self) -> None:
        """Partitions are to be handed out again; the group notices after some time."""
        self.world.later(self.world.choices.uniform(0.05, 0.6), self._news.set)

    async def hand_out(self) -> None:
        """Be the group's coordinator."""
        while True:
            await self._news.wait()
            self._news.clear()
            self._members = [each for each in self._members if each.alive]
            answered = await self._held(self._members)
            self._keep(answered)

    async def _held(self, members: Sequence[Correlator]) -> list[Correlator]:
        """Those that let go in time; whoever did not hears of it when it can, and joins again."""
        tasks = {each: each.hold() for each in members}
        if tasks and not self.world.chance(0.2):
            await asyncio.wait(tasks.values(), timeout=self.world.choices.uniform(0.3, 3))
        for task in tasks.values():
            if not task.done():
                task.add_done_callback(lambda done: None if done.cancelled() else self.changed())
        return [each for each, task in tasks.items() if task.done() and each.alive]

    def _keep(self, members: list[Correlator]) -> None:
        if not members:
            self.changed()
            return
        self.world.choices.shuffle(members)
        shares: dict[int, set[int]] = {n: set() for n in range(len(members))}
        for partition in range(len(self.broker.partitions)):
            shares[partition % len(members)].add(partition)
        for n, member in enumerate(members):
            member.keep(frozenset(shares[n]))
