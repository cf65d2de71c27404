"""Copies that are read long after they were received, and receivers whose clock is wrong: nothing counts twice.

A receiver that was away forwards what waited in its spool; its sender had got no answer and went to another one.
"""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from alertline.eventlog.memory import MemoryLog
from alertline.incidents.policy import Policy
from alertline.store.engine import open_engine
from alertline.store.migrate import upgrade
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter
from consumers.applying import on_log_time
from consumers.replay import Replay
from consumers.runner import Runner
from schemas.records import Delivery, encode
from tests.support.story import Story

HOUR = timedelta(hours=1)


def deliveries(*told: tuple[str, str]) -> list[Delivery]:
    """One delivery for each: when it was received, and of what; the same name is the same bytes."""
    story = Story()
    for at, name in told:
        story.at(at).fires(name, start="10:00")
    return [record for record in story.records if isinstance(record, Delivery)]


TOLD = deliveries(
    ("10:00:00", "a"),
    ("10:00:10", "b"),
    ("10:30:00", "c"),
    ("10:00:40", "a"),  # 40 s after its copy, read half an hour later
    ("10:05:00", "b"),  # minutes after its copy: another one
    ("10:29:30", "b"),  # neither is near
    ("10:05:30", "b"),  # near the second one
    ("10:00:20", "c"),  # long before its copy
)
FIRST_COPIES = [None, None, None, 0, None, None, 4, None]


def test_a_late_copy_is_known() -> None:
    """By when it was received, however late it is read; the same bytes at another time are another delivery."""
    replay = Replay(Policy())
    found = [replay.feed(record).duplicate_of for record in TOLD]

    assert found == [None if first is None else first + 1 for first in FIRST_COPIES]


@pytest.mark.parametrize("at_once", [1, 3, 8])
async def test_a_late_copy_is_known_by_the_archive(tmp_path: Path, at_once: int) -> None:
    """What has left the memory, by time or because another process took over, is asked of the store."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    await upgrade(url)
    engine, log = open_engine(url), MemoryLog()
    for first in range(0, len(TOLD), at_once):
        for record in TOLD[first : first + at_once]:
            await log.append("default", encode(record))
        end = await log.end(0)
        runner = Runner(log, StoreWriter(engine), Policy(), owner="one", ticking=False)
        runner._on_applied = lambda offset, runner=runner, end=end: runner.stop() if offset >= end else None
        async with asyncio.timeout(30):
            await runner.run()
    rows = [
        row
        for record in {each.id: each for each in TOLD}.values()
        for row in await StoreReader(engine).delivery(record.id)
    ]
    await engine.dispose()

    by_offset = {row.offset: row.duplicate_of for row in rows}
    assert [by_offset[n + 1] for n in range(len(TOLD))] == [None if n is None else n + 1 for n in FIRST_COPIES]


@pytest.mark.parametrize("off", [HOUR, -HOUR])
def test_the_clock_of_the_log_judges(off: timedelta) -> None:
    """What came in under a wrong clock was received when the log says, less what it waited before it was sent."""
    (record,) = deliveries(("11:00", "a"))
    waited, received = timedelta(minutes=5), record.received_at
    wrong = Delivery(
        **{name: getattr(record, name) for name in record.__struct_fields__} | {"received_at": received + off}
    )

    taken = on_log_time(wrong, received + waited, received + off + waited)
    assert isinstance(taken, Delivery)
    assert taken.received_at == received


def test_a_right_clock_is_believed() -> None:
    """However long a record waited in a spool, and though it was a minute on its way."""
    (record,) = deliveries(("11:00", "a"))

    sent = record.received_at + HOUR
    assert on_log_time(record, sent + timedelta(seconds=70), sent) is record
    assert on_log_time(record, sent) is record  # an older version did not say when it sent it
