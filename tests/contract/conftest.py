"""The stores that the contract suites run on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.store.engine import open_engine
from alertline.store.migrate import upgrade
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter


@pytest.fixture(params=["sqlite"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    made = {"sqlite": f"sqlite+aiosqlite:///{tmp_path}/store.db"}[request.param]
    await upgrade(made)
    return made


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    """An engine for the empty store."""
    made = open_engine(url)
    yield made
    await made.dispose()


@pytest.fixture
def writer(engine: AsyncEngine) -> StoreWriter:
    """A writer for the empty store."""
    return StoreWriter(engine)


@pytest.fixture
def reader(engine: AsyncEngine) -> StoreReader:
    """A reader of the same store."""
    return StoreReader(engine)
