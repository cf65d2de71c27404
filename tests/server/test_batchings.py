"""The same log comes to the same bytes, however it is cut into batches, and however often it is all loaded again.

What is over leaves the memory after every batch, and is recalled from the store.
"""

import asyncio
import random
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertline.eventlog.port import LogRecord, Position
from alertline.incidents.present import present
from alertline.store.engine import open_engine
from alertline.store.migrate import upgrade
from alertline.store.port import Claim, Filter
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter
from consumers.applying import States, apply_records
from consumers.replay import Replay
from schemas.public import to_json_bytes
from schemas.records import Delivery, Record, Tick, encode
from tests.properties.test_evidence import weeks
from tests.properties.test_resting import HASTY as POLICY
from tests.support.generated import logs


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty store: copied, not made anew, for every example."""
    path = tmp_path_factory.mktemp("empty") / "store.db"
    asyncio.run(upgrade(f"sqlite+aiosqlite:///{path}"))
    return path


def replayed(log: Sequence[Record]) -> list[bytes]:
    """What the log comes to in memory."""
    replay = Replay(POLICY)
    for record in log:
        replay.feed(record)
    replay.run_on()
    return sorted(map(to_json_bytes, replay.result().incidents))


def with_ticks(log: Sequence[Delivery], rnd: random.Random) -> Iterator[Record]:
    """The log with ticks at moments that log time passes anyway; at its end log time runs on by the quiet period."""
    log_time = log[0].received_at
    for record in log:
        if record.received_at > log_time:
            if rnd.random() < 0.2:
                yield Tick(stream="default", at=log_time + (record.received_at - log_time) * rnd.random())
            log_time = record.received_at
        yield record
    yield Tick(stream="default", at=log_time + POLICY.quiet)


async def stored(log: Sequence[Record], url: str, rnd: random.Random) -> list[bytes]:
    """What the log comes to through a store, in batches of any size, with reloads in between."""
    engine = open_engine(url)
    try:
        writer, reader = StoreWriter(engine), StoreReader(engine)
        claim, states = await writer.claim("log", 0, "one"), States(POLICY)
        waiting = [
            LogRecord(Position(0, n), "default", _appended(log, n), encode(record)) for n, record in enumerate(log)
        ]
        while waiting:
            size = rnd.randint(1, 8)
            chunk, waiting = waiting[:size], waiting[size:]
            batch = await writer.recalling(partial(apply_records, states, chunk, claim))
            await writer.commit(batch)
            states.rest()
            claim = msgspec.structs.replace(claim, next_offset=batch.next_offset)
            if rnd.random() < 0.3:
                claim, states = await _again(writer)
        ids = [summary.id for summary in (await reader.page(Filter(), limit=1000)).incidents]
        return sorted(to_json_bytes(present(facts, POLICY)) for facts in await reader.facts_of(ids))
    finally:
        await engine.dispose()


def _appended(log: Sequence[Record], n: int) -> datetime:
    """The log's own clock: nothing was appended before it was received."""
    return max(each.received_at if isinstance(each, Delivery) else each.at for each in log[: n + 1]) + timedelta(
        seconds=1
    )


async def _again(writer: StoreWriter) -> tuple[Claim, States]:
    """Another process takes over: all that it knows is what was written."""
    claim, states = await writer.claim("log", 0, "another"), States(POLICY)
    states.restore(await writer.load(claim, POLICY))
    return claim, states


@settings(max_examples=100)
@given(log=logs(ordered=True) | weeks(), rnd=st.randoms(use_true_random=False))
def test_batches_reloads_and_ticks(
    empty: Path, tmp_path_factory: pytest.TempPathFactory, log: list[Delivery], rnd: random.Random
) -> None:
    """Byte-equal to the replay in memory."""
    if not log:
        return
    path = tmp_path_factory.mktemp("store") / "store.db"
    shutil.copy(empty, path)

    assert asyncio.run(stored(list(with_ticks(log, rnd)), f"sqlite+aiosqlite:///{path}", rnd)) == replayed(log)
