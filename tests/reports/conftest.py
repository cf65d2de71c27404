"""The stores that reports are read from."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertline.demo import recording
from tests.support.filled import Filled, filled, recorded


@pytest.fixture(params=["sqlite_store", "postgresql_store"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty store, on each database that is here."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def demo(url: str, tmp_path: Path) -> AsyncIterator[Filled]:
    """The store with the recording of the demo in it: one incident, detected after 5 min, resolved after 100 more."""
    path = tmp_path / "demo.ndjson"
    path.write_bytes(recording("load-balancer"))
    async with filled(url, recorded(path)) as made:
        yield made
