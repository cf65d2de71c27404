"""The same log leaves the same rows in every database, byte for byte, and every reader is told the same."""

import random
from collections.abc import Sequence
from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.eventlog.port import LogRecord, Position
from alertline.incidents.policy import Policy
from alertline.store.port import Filter, Loaded
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter
from consumers.applying import States, apply_records
from schemas.records import Delivery, Record, encode
from tests.support.generated import logs
from tests.support.stores import Both, dumped, emptied


async def _applied(engine: AsyncEngine, log: Sequence[Record], rnd: random.Random, **writes: int) -> list[object]:
    """Apply a log in batches; gives all that is stored, loaded and read after it."""
    await emptied(engine)
    writer, reader = StoreWriter(engine, telling=True, **writes), StoreReader(engine)
    claim, states = await writer.claim("log", 0, "one"), States(Policy())
    records = [
        LogRecord(Position(0, n), "default", record.received_at + timedelta(days=1), encode(record))
        for n, record in enumerate(log)
        if isinstance(record, Delivery)
    ]
    while records:
        size = rnd.randint(1, 6)
        batch, records = apply_records(states, records[:size], claim), records[size:]
        await writer.commit(batch)
        claim = msgspec.structs.replace(claim, next_offset=batch.next_offset)
    loaded = await writer.load(claim)
    ids = await reader.all_incident_ids()
    page = await reader.page(Filter(text="E"), limit=2)
    follow = page.next_cursor and await reader.page(Filter(text="E"), page.next_cursor, 2)
    return [
        await dumped(engine),
        msgspec.structs.replace(loaded, deliveries=sorted(loaded.deliveries, key=lambda row: row.offset)),
        ids,
        await reader.facts_of(ids),
        [page, follow, await reader.unattached(), await reader.quarantine(None), await reader.log_times()],
    ]


@settings(max_examples=20)
@given(log=logs(most=20), seed=st.integers(0, 9))
def test_the_same_log_leaves_the_same_rows(both_stores: Both, log: list[Delivery], seed: int) -> None:
    """In a file and on PostgreSQL, whatever the batches, written as small ones are, as large ones, or as it comes."""
    sqlite = both_stores.run(_applied(both_stores.sqlite, log, random.Random(seed)))
    for small in 1000, 0, 12:
        postgresql = both_stores.run(_applied(both_stores.postgresql, log, random.Random(seed), small=small))
        assert postgresql == sqlite

    assert isinstance(sqlite[1], Loaded)
