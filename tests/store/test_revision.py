"""Whether the tables are those of this code is told without the machinery of migrations, and rightly."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from alertline.store import migrate
from alertline.store.engine import open_engine
from alertline.store.revision import HEAD, is_current


def test_head() -> None:
    """The revision that the code names is the newest step of the migrations."""
    assert ScriptDirectory(str(Path(migrate.__file__).with_name("migrations"))).get_current_head() == HEAD


@pytest.mark.parametrize("kind", ["sqlite_store", "postgresql_store"])
async def test_is_current(kind: str, request: pytest.FixtureRequest) -> None:
    """An empty database and one a step behind need an upgrade; one that had it does not."""
    url: str = request.getfixturevalue(kind)
    await migrate.downgrade(url, "base")
    engine = open_engine(url)
    assert not await is_current(engine)
    await migrate.upgrade(url)
    assert await is_current(engine)
    await migrate.downgrade(url, "base")
    assert not await is_current(engine)
    await engine.dispose()
