"""One schedule: a seed becomes a world, its faults, a load, and a verdict."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from hashlib import sha256
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import Final
from unittest.mock import patch

import msgspec
import structlog

from alertline.store.migrate import upgrade
from tests.simulation.broker import Broker
from tests.simulation.checks import Violation, Watch, check
from tests.simulation.cluster import Cluster, Slot, renewed, writer_of
from tests.simulation.database import SERVER, Database
from tests.simulation.loop import Process, SimulationLoop, Stuck
from tests.simulation.senders import Person, Sender
from tests.simulation.world import World

__all__ = ["Place", "Verdict", "run_schedule"]

_PATIENCE_S: Final = 90.0
_MOODS: Final = ("refusing", "silent", "forgetful")


class Verdict(msgspec.Struct, frozen=True):
    """What came of a schedule.

    Attributes:
        failure: what did not hold; None: everything did.
        told: what happened, and what was done to whom.
        deliveries: how many were acknowledged; steps: of the loop; digest: of all that was decided.
    """

    seed: int
    failure: str | None
    told: tuple[str, ...]
    deliveries: int
    steps: int
    digest: str


class Place:
    """Where schedules run, one after the other: a folder in memory where there is one, and the image of a store."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
        self._folder = Path(mkdtemp(prefix="alertline-simulation-", dir=memory if memory.is_dir() else None))
        path = self._folder / "empty.db"
        asyncio.run(upgrade(f"sqlite+aiosqlite:///{path}"))
        self.image = path.read_bytes()
        self.path = self._folder / "store.db"

    def close(self) -> None:
        """Take the folder away."""
        for each in self._folder.iterdir():
            each.unlink()
        self._folder.rmdir()


def run_schedule(seed: int, place: Place, *, tracing: bool = False) -> Verdict:
    """Run the schedule of a seed."""
    with _quiet():
        loop = SimulationLoop(Random(f"loop {seed}"))
        world = World(seed, tracing=tracing)
        with patch("alertline.clock.time", SimpleNamespace(monotonic=loop.time)), _rarer_looks():
            try:
                return _judged(loop, world, place, seed)
            finally:
                loop.close()


def _judged(loop: SimulationLoop, world: World, place: Place, seed: int) -> Verdict:
    broker = Broker(world, world.choices.choice((1, 1, 2)))
    database = Database(world, place.path, place.image)
    senders: list[Sender] = []
    failure, digest = None, ""
    try:
        loop.run_until_complete(_played(world, broker, database, senders))
        if loop.failures:
            failure = "; ".join(loop.failures)
        digest = _digest(broker, database)
    except (Violation, Stuck, TimeoutError) as error:
        failure = f"{type(error).__name__}: {error}"
    finally:
        database.close()
    acknowledged = sum(len(each.acknowledged) for each in senders)
    return Verdict(seed, failure, tuple(world.told), acknowledged, loop.steps, digest)


async def _played(world: World, broker: Broker, database: Database, senders: list[Sender]) -> None:
    SERVER.set(database)
    world.context = copy_context()
    cluster = Cluster(world, broker, database)
    world.faults = list(_faults(cluster))
    database.on_commit = watch = Watch(cluster)
    for slot in cluster.slots:
        slot.start()
    coordinator = asyncio.ensure_future(cluster.hand_out())
    senders += [Sender(cluster, f"s{n}") for n in range(world.choices.randint(1, 2))]
    person = Person(cluster)
    world.rough = True
    busy: list[asyncio.Future[None]] = [asyncio.ensure_future(each.run()) for each in senders]
    busy.append(asyncio.ensure_future(person.run()))
    try:
        await _trouble(world, cluster, world.choices.uniform(0.5, 4))
        await _calm(cluster)
        await _done(cluster, busy)
        if database.forgetful:  # once more, when nothing comes any more that would tell
            database.crash(0.5)
            await asyncio.sleep(1)
            await _done(cluster, busy)
        check(cluster, watch, senders, person, writer_of("correlate-0", False))
    finally:
        await _ended(cluster, [coordinator, *busy])


async def _trouble(world: World, cluster: Cluster, seconds: float) -> None:
    """What happens by the clock; the rest happens where processes cross their borders."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.sleep(world.choices.expovariate(1.2))
        name, fault = world.choices.choice(world.faults)
        slot = world.choices.choice(cluster.slots)
        world.tell(f"{name} ({slot.name})")
        fault(slot.process)
        if world.choices.random() < 0.05:
            world.tell("bytes that are no record come to the log")
            broker = cluster.broker
            broker.take("default", b"no record")


async def _calm(cluster: Cluster) -> None:
    """Everything is mended."""
    world = cluster.world
    world.tell("calm from here on")
    world.rough = False
    cluster.broker.come_back()
    cluster.database.come_back()
    for disk in cluster.disks.values():
        disk.full = False


async def _done(cluster: Cluster, busy: list["asyncio.Future[None]"]) -> None:
    """Wait until all is sent, read, decided and told."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _PATIENCE_S
    await asyncio.wait(busy, timeout=_PATIENCE_S)
    for each in busy:
        if each.done():
            each.result()
    while not all(each.done() for each in busy) or (left := _left(cluster)) is not None:
        if loop.time() > end:
            problems = [slot.made.problems() for slot in cluster.correlators if slot.made is not None]
            raise Violation(f"it does not come to an end: {_left(cluster)}; {problems}")
        await asyncio.sleep(0.2)
    assert left is None


def _left(cluster: Cluster) -> str | None:
    """What is still to be done."""
    if any(disk.synced for disk in cluster.disks.values()):
        return "records wait in a spool"
    eye = cluster.database.eye
    read = dict(eye.execute("SELECT partition, next_offset FROM positions").fetchall())
    for partition, records in enumerate(cluster.broker.partitions):
        if records and read.get(partition, 0) != cluster.broker.end(partition):
            return f"partition {partition} is read up to {read.get(partition)} of {cluster.broker.end(partition)}"
    return "the outbox is not empty" if eye.execute("SELECT count(*) FROM outbox").fetchone()[0] else None


async def _ended(cluster: Cluster, tasks: list["asyncio.Future[None]"]) -> None:
    """Let nothing be left of it."""
    for slot in cluster.slots:
        slot.made = None
        slot.process.kill()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for slot in (*cluster.correlators, cluster.reviewer):
        renewed(slot.name)


def _faults(cluster: Cluster) -> Iterator[tuple[str, Callable[[Process], None]]]:
    choices, world = cluster.world.choices, cluster.world

    def of(process: Process) -> Slot:
        found = [slot for slot in cluster.slots if slot.process is process]
        return found[0] if found else cluster.slots[0]

    def fill(_: Process) -> None:
        disk = choices.choice(list(cluster.disks.values()))
        disk.full = True
        world.later(choices.uniform(0.1, 2), lambda: setattr(disk, "full", False))

    def leave(_: Process) -> None:
        mood, seconds = choices.choice(_MOODS), choices.uniform(0.1, 3)
        world.tell(f"  {mood} for {seconds:.1f} s")
        cluster.broker.leave(mood, seconds)

    yield "killed", lambda process: of(process).kill(choices.uniform(0.05, 1.5))
    yield "killed", lambda process: of(process).kill(choices.uniform(0.05, 1.5))
    yield "stopped", lambda process: of(process).pause(choices.uniform(0.2, 5))
    yield "another one is killed", lambda _: choices.choice(cluster.slots).kill(choices.uniform(0.05, 1.5))
    yield "the broker leaves", leave
    yield "the database restarts", lambda _: cluster.database.crash(choices.uniform(0, 2))
    yield "its connections are cut", cluster.database.cut
    yield "partitions are handed out again", lambda _: cluster.changed()
    yield "a disk is full", fill


@contextmanager
def _rarer_looks() -> Iterator[None]:
    """Who looks whether there is anything new looks less often: it costs much, and finds nothing else."""
    with patch("consumers.relay._LOOK_S", 4.0), patch("alertline.wiring.awaiting._LOOK_S", 0.3):
        yield


def _digest(broker: Broker, database: Database) -> str:
    found = sha256()
    for records in broker.partitions:
        for each in records:
            found.update(repr((each.position, each.appended_at)).encode() + each.payload)
    for row in database.told:
        found.update(repr(row).encode())
    return found.hexdigest()[:16]


@contextmanager
def _quiet() -> Iterator[None]:
    """No logs, and no collecting of garbage at moments of its own."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        structlog.configure(**before)
