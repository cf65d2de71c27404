"""What the simulation found in the service, each as the story that it was."""

import asyncio
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from random import Random
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from alertline.incidents.memory.archive import Archive
from alertline.store.failures import StoreUnavailable
from alertline.store.port import Batch
from alertline.store.writer import StoreWriter
from consumers.runner import Runner
from consumers.supervising import Supervisor
from schemas.records import encode
from tests.simulation.broker import Broker, LogClient
from tests.simulation.campaign import here
from tests.simulation.cluster import POLICY
from tests.simulation.database import Database, simulated_engine
from tests.simulation.loop import SimulationLoop
from tests.simulation.schedule import Place
from tests.simulation.world import Calm, World
from tests.support.story import Story


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """Where the image of an empty store is."""
    with here(None) as made:
        yield made


async def test_a_lost_connection_is_not_the_records_fault(place: Place, tmp_path: Path) -> None:
    """Found at seed 95: what rests was asked for when the connection was cut; an acknowledged delivery was quarantined.

    The core was told that its archive was away, but the transaction was committed all the same; on a connection that is
    gone, that failed in words of its own, and the runner took them for a failure of the record.
    """
    database = Database(Calm(), tmp_path / "store.db", place.image)
    engine = simulated_engine("/found", database)

    def ask(archives: object) -> Batch:
        database.cut()
        archive: Archive = archives("default")  # type: ignore[operator]
        archive.alert("any")
        raise AssertionError("nobody answered, and nobody said so")

    with pytest.raises(StoreUnavailable):
        await StoreWriter(engine).recalling(ask)
    await engine.dispose()
    database.close()


def test_a_database_that_lost_its_newest_transactions_is_filled_again(place: Place, tmp_path: Path) -> None:
    """Found at seed 2273: PostgreSQL crashed and lost the last batch, which had not waited for its disk.

    The runner went on waiting behind it. Without a further record, nobody would ever have seen the delivery.
    """
    loop = SimulationLoop(Random(0))
    with patch("alertline.clock.time", SimpleNamespace(monotonic=loop.time)):
        offsets = loop.run_until_complete(_lost(Database(World(0), tmp_path / "store.db", place.image)))
    loop.close()

    assert offsets == [2, 0, 2]


async def _lost(database: Database) -> list[int]:
    """The read position when all is read, when the database came back, and some seconds later."""
    database.world.context = copy_context()
    broker, engine = Broker(database.world), simulated_engine("/lost", database)
    log, writer, found = LogClient(broker), StoreWriter(engine), list[int]()
    supervisor = Supervisor(
        lambda partition: Runner(log, writer, POLICY, owner="one", clock=database.world.now, partition=partition)
    )
    database.forgetful = True
    (record,) = Story().at("10:00").fires("a", start="10:00").records
    await supervisor.keep(frozenset({0}))
    await asyncio.sleep(1)
    safe = database.eye.serialize()
    await log.append(record.stream, encode(record))
    for seconds in (0.5, 0.5, 15):
        await asyncio.sleep(seconds)
        found += [offset for (offset,) in database.eye.execute("SELECT next_offset FROM positions")]
        if len(found) == 1:
            database.fall_back(safe)
    await supervisor.stop()
    await engine.dispose()
    database.close()
    return found
