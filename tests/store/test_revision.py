"""Whether the tables are those of this code is told without the machinery of migrations, and rightly."""

from pathlib import Path

from alembic.script import ScriptDirectory

from alertline.store import migrate
from alertline.store.engine import open_engine
from alertline.store.revision import HEAD, is_current


def test_head() -> None:
    """The revision that the code names is the newest step of the migrations."""
    assert ScriptDirectory(str(Path(migrate.__file__).with_name("migrations"))).get_current_head() == HEAD


async def test_is_current(tmp_path: Path) -> None:
    """An empty database and one a step behind need an upgrade; one that had it does not."""
    url = f"sqlite+aiosqlite:///{tmp_path}/store.db"
    engine = open_engine(url)
    assert not await is_current(engine)
    await migrate.upgrade(url)
    assert await is_current(engine)
    await migrate.downgrade(url, "base")
    assert not await is_current(engine)
    await engine.dispose()
