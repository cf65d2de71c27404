"""The stores that the contract suites run on."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.store.engine import open_engine
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter
from tests.simulation.database import Database, simulated_engine
from tests.simulation.world import Calm


@pytest.fixture(params=["sqlite", "postgresql", "postgresql large", "simulated"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which store; "large" writes every batch as a large one; the simulated one is SQLite as simulations reach it."""
    return str(request.param)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> str:
    """The URL of an empty store."""
    found: str = request.getfixturevalue("postgresql_store" if "postgresql" in kind else "sqlite_store")
    return found


@pytest.fixture
async def engine(kind: str, url: str) -> AsyncIterator[AsyncEngine]:
    """An engine for the empty store."""
    if kind != "simulated":
        made = open_engine(url)
        yield made
        await made.dispose()
        return
    path = Path(str(make_url(url).database))
    database = Database(Calm(), path, path.read_bytes())  # noqa: ASYNC240 - nobody waits
    made = simulated_engine(str(path), database)
    yield made
    await made.dispose()
    database.close()


@pytest.fixture
def new_writer(kind: str, engine: AsyncEngine) -> Callable[..., StoreWriter]:
    """What makes writers for the empty store."""
    return partial(StoreWriter, engine, small=0) if "large" in kind else partial(StoreWriter, engine)


@pytest.fixture
def writer(new_writer: Callable[..., StoreWriter]) -> StoreWriter:
    """A writer for the empty store."""
    return new_writer()


@pytest.fixture
def reader(engine: AsyncEngine) -> StoreReader:
    """A reader of the same store."""
    return StoreReader(engine)
