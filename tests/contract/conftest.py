"""The stores that the contract suites run on."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.store.engine import open_engine
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty store."""
    found: str = request.getfixturevalue(f"{request.param}_store")
    return found


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
