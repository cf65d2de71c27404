"""Whoever lost a partition writes nothing of anything: each statement of a batch is fenced, however it is written."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.eventlog.port import LogRecord, Position
from alertline.incidents.decisions import Decision, DecisionKind
from alertline.incidents.model import Row
from alertline.incidents.policy import Policy
from alertline.store.engine import writing
from alertline.store.port import Applied, Batch, Claim, Fenced
from alertline.store.tables import positions
from alertline.store.writer import StoreWriter
from consumers.applying import States, apply_records
from ingest.intake import Posted, receive
from ingest.integrations import Integrations
from schemas.records import encode
from schemas.vocabulary import HeldState
from tests.support.store_rows import T0, change, configuration, handled, item
from tests.support.stores import dumped

NewWriter = Callable[..., StoreWriter]


def everything(claim: Claim, writer: StoreWriter, service: str, about: str | None = None) -> Batch:
    """A batch with rows for every statement: what an alert comes to, and rows of all other kinds.

    `about`: the incident whose line, services, milestones and timeline it writes anew; None: its own.
    """
    found = Integrations().nearest("generic", "generic", None)
    body = b'{"title": "%s", "status": "firing", "service": "%s"}' % (service.encode(), service.encode())
    at = T0 + timedelta(minutes=len(service))
    read = receive(Posted(integration="generic", body=body, received_at=at), *found)
    record = LogRecord(Position(0, claim.next_offset), "default", at, encode(read))
    made = apply_records(States(Policy()), [record], claim)
    (line,), (timeline,) = made.summaries, made.timelines
    rows: list[Row] = [configuration(timedelta(minutes=len(service))), item(f"it_{service}", line.id)]
    rows += [change(f"ch_{service}", T0), handled(f"d_{service}", T0, HeldState.REPLAYED)]
    more = [Applied("s", claim.next_offset, n, Decision(DecisionKind.CONFIGURED, row)) for n, row in enumerate(rows)]
    told = line.id if about is None else about
    batch = msgspec.structs.replace(
        made,
        decisions=[*made.decisions, *more],
        summaries=[line, msgspec.structs.replace(line, id=told)],
        timelines=[msgspec.structs.replace(timeline, incident=told)],
    )
    assert all(rows for _, rows in writer._prepared(batch)), "a statement without rows needs no fence"
    writer._forget()
    return batch


async def test_an_old_claim_changes_nothing(new_writer: NewWriter, engine: AsyncEngine) -> None:
    """Neither adds it, nor does it write over what is there, nor take it out."""
    writer = new_writer(telling=True)
    old = await writer.claim("log", 0, "one")
    await writer.commit(there := everything(old, writer, "api"))
    new = await new_writer(telling=True).claim("log", 0, "two")
    before = await dumped(engine)
    old = msgspec.structs.replace(new, epoch=old.epoch)

    with pytest.raises(Fenced):
        await writer.commit(everything(old, writer, "storage", there.summaries[0].id))

    assert await dumped(engine) == before
    await writer.commit(everything(new, writer, "storage", there.summaries[0].id))  # by the new one it is another
    after = await dumped(engine)
    assert {table for table, rows in after.items() if rows == before[table]} == {"tokens"}


async def test_who_waits_for_a_claim_that_is_just_made_is_fenced(
    new_writer: NewWriter, engine: AsyncEngine, kind: str
) -> None:
    """A claim that is not committed yet holds the position: what waits for it finds that it has gone."""
    if "postgresql" not in kind:
        pytest.skip("on SQLite a transaction that writes is alone")
    writer = new_writer(telling=True)
    old = await writer.claim("log", 0, "one")
    before = await dumped(engine)

    async with writing(engine) as connection:
        await connection.execute(update(positions).values(epoch=positions.c.epoch + 1))
        late = asyncio.create_task(writer.commit(everything(old, writer, "api")))
        await asyncio.wait({late}, timeout=0.2)
        assert not late.done()

    with pytest.raises(Fenced):
        await late
    after = await dumped(engine)
    assert {table: rows for table, rows in after.items() if table != "positions"} == (
        {table: rows for table, rows in before.items() if table != "positions"}
    )
