"""What the store promises to whoever writes, whatever database it lies in (`conftest.py` lists them)."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.incidents.decisions import Decision, DecisionKind
from alertline.incidents.model import Row
from alertline.store.engine import reading
from alertline.store.port import Applied, Batch, Claim, Fenced, Filter, LogChanged, StreamClock
from alertline.store.reader import StoreReader
from alertline.store.rows import read_row
from alertline.store.tables import ROW_TABLES, decisions
from alertline.store.writer import StoreWriter
from tests.support.store_rows import T0, alert, batch, change, delivery, episode, incident, item, summary


async def stored(engine: AsyncEngine) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    """The fold of the decisions table, and the current rows: body by kind and id."""
    fold: dict[tuple[str, str], str] = {}
    current: dict[tuple[str, str], str] = {}
    async with reading(engine) as connection:
        columns = (decisions.c.row_kind, decisions.c.row_id, decisions.c.body)
        order = (decisions.c.stream, decisions.c.offset, decisions.c.n)
        for kind, id_, body in await connection.execute(select(*columns).order_by(*order)):
            fold[kind, id_] = body
        for table in ROW_TABLES.values():
            for id_, body in await connection.execute(select(table.c.id, table.c.body)):
                current[table.name, id_] = body
    return fold, current


async def test_claiming_again_counts_the_epoch_and_keeps_the_position(writer: StoreWriter, reader: StoreReader) -> None:
    """The first claim begins at 0; the next one goes on where the last batch ended, with a higher epoch."""
    first = await writer.claim("log", 0, "one")
    await writer.commit(batch(first, next_offset=17))
    second = await writer.claim("log", 0, "two")

    assert first == Claim("log", 0, 1, 0)
    assert second == Claim("log", 0, 2, 17)
    assert await reader.applied(0) == 17
    assert await reader.applied(1) == 0


async def test_a_claim_for_another_log_is_refused(writer: StoreWriter) -> None:
    """A store filled from one log refuses another one instead of skipping its records."""
    await writer.claim("log", 0, "one")

    with pytest.raises(LogChanged, match="other"):
        await writer.claim("other", 0, "one")


async def test_an_old_claim_writes_nothing(writer: StoreWriter, engine: AsyncEngine, reader: StoreReader) -> None:
    """Whoever lost the partition is fenced, and no part of the batch is there."""
    old = await writer.claim("log", 0, "one")
    await writer.claim("log", 0, "two")

    with pytest.raises(Fenced):
        await writer.commit(batch(old, [alert()], deliveries=[delivery("d", 0)], summaries=[summary("i1")]))

    assert await stored(engine) == ({}, {})
    assert await reader.delivery("d") == []
    assert await reader.applied(0) == 0


@pytest.mark.parametrize("first", [0, 4, 6])
async def test_a_gap_or_a_repetition_is_fenced(writer: StoreWriter, reader: StoreReader, first: int) -> None:
    """A batch that does not begin exactly where the last one ended is refused."""
    claim = await writer.claim("log", 0, "one")
    await writer.commit(batch(claim, next_offset=5))

    with pytest.raises(Fenced):
        await writer.commit(batch(claim, first=first, next_offset=9))

    assert await reader.applied(0) == 5


async def test_a_claim_that_holds_no_more_is_told(writer: StoreWriter) -> None:
    """Whoever asks learns that somebody took over, or that the store is elsewhere than where he left it."""
    claim = await writer.claim("log", 0, "one")
    await writer.check(claim)
    await writer.commit(batch(claim, next_offset=5))
    await writer.check(msgspec.structs.replace(claim, next_offset=5))

    with pytest.raises(Fenced):
        await writer.check(claim)
    await writer.claim("log", 0, "two")
    with pytest.raises(Fenced):
        await writer.check(msgspec.structs.replace(claim, next_offset=5))


async def test_a_failing_batch_leaves_nothing(writer: StoreWriter, engine: AsyncEngine, reader: StoreReader) -> None:
    """An error late in the transaction takes everything back, the position too; the same claim may go on."""
    claim = await writer.claim("log", 0, "one")
    twice = [delivery("d", 1), delivery("d", 1)]

    with pytest.raises(Exception, match=r"(?i)unique"):
        await writer.commit(batch(claim, [alert()], deliveries=twice))
    assert await stored(engine) == ({}, {})

    await writer.commit(batch(claim, [alert()], deliveries=twice[:1]))
    assert await reader.applied(0) == 1


async def test_current_rows_are_the_fold_of_the_decisions(writer: StoreWriter, engine: AsyncEngine) -> None:
    """Whatever rows several batches wrote, the row tables hold the newest of each id, as the decisions say."""
    claim = await writer.claim("log", 0, "one")
    rows: list[Row] = [alert(), incident(), episode("e1", "i1"), item("n1", None), change("c1", T0)]
    await writer.commit(batch(claim, [*rows, alert(title="second"), episode("e1", "i2")]))
    await writer.commit(batch(claim, [alert("a2"), item("n1", "i1"), alert(title="third")], first=1))

    fold, current = await stored(engine)

    assert fold == current
    assert len(fold) == 6
    assert read_row(fold["alerts", "a1"]) == alert(title="third")


async def test_loading_gives_rows_in_the_order_of_their_making(writer: StoreWriter) -> None:
    """What is loaded equals what was decided; an update does not move a row to the end, whatever its id."""
    claim = await writer.claim("log", 0, "one")
    e9, e5, e1 = episode("e9", None, alert="z"), episode("e5", None, alert="y"), episode("e1", None, alert="x")
    await writer.commit(batch(claim, [e9, alert("z"), alert("y"), alert("z", title="new")]))
    await writer.commit(batch(claim, [alert("x"), e1, item("n", None), alert("y"), e5], first=1))

    loaded = await writer.load(await writer.claim("log", 0, "two"))

    assert loaded.rows == [
        alert("z", title="new"), alert("y"), alert("x"), e9, e1, e5, item("n", None)
    ]  # fmt: skip
    assert loaded.clocks == [StreamClock("s", T0)]


async def test_loading_is_limited_to_the_partition(writer: StoreWriter) -> None:
    """The owner of one partition does not get the rows, clocks and deliveries of another one's streams."""
    one, other = [await writer.claim("log", partition, "one") for partition in (0, 1)]
    await writer.commit(batch(one, [incident()], deliveries=[delivery("d", 1)]))
    await writer.commit(
        Batch(
            claim=other, first=0, next_offset=1, summaries=(), clocks=[StreamClock("t", T0)],
            decisions=[Applied("t", 0, 0, Decision(DecisionKind.INCIDENT_OPENED, incident("b", stream="t")))],
            deliveries=[delivery("d", 1, stream="t", partition=1)],
        )
    )  # fmt: skip

    loaded = await writer.load(other)

    assert loaded.rows == [incident("b", stream="t")]
    assert loaded.clocks == [StreamClock("t", T0)]
    assert loaded.deliveries == [delivery("d", 1, stream="t", partition=1)]


async def test_loading_remembers_deliveries_for_their_time(writer: StoreWriter) -> None:
    """Deliveries with an id of their own are remembered for 24 h of log time, to the microsecond.

    Others for twice 60 s: what is not late was received within 60 s of log time, and its copy within 60 s of that.
    """
    claim = await writer.claim("log", 0, "one")
    day, minutes, moment = timedelta(hours=24), timedelta(seconds=120), timedelta(microseconds=1)
    kept = [delivery("k", 1, T0 - day, keyed=True), delivery("h", 2, T0 - minutes), delivery("n", 3, T0)]
    gone = [delivery("k", 4, T0 - day - moment, keyed=True), delivery("h", 5, T0 - minutes - moment)]
    await writer.commit(batch(claim, deliveries=[*gone, *kept]))

    assert (await writer.load(claim)).deliveries == kept


async def test_nul_characters_come_back(writer: StoreWriter, reader: StoreReader) -> None:
    """A NUL character breaks nothing: bodies give it back, and what holds it is found."""
    claim = await writer.claim("log", 0, "one")
    odd = "a\0b"
    rows: list[Row] = [incident(), item("n1", "i1", text=odd), change("c1", T0, scope=odd)]
    await writer.commit(
        batch(
            claim,
            rows,
            deliveries=[delivery(odd, 1, reason=odd)],
            summaries=[summary("i1", title=odd, services=(odd,), scope=odd)],
        )
    )

    facts = await reader.facts("i1")
    page = await reader.page(Filter(service=odd, text=odd))

    assert facts is not None
    assert [said.text for said in facts.items] == [odd]
    assert [line.title for line in page.incidents] == [odd]
    assert await reader.delivery(odd) == [delivery(odd, 1, reason=odd)]
    assert (await writer.load(claim)).rows == rows[:-1]  # changes are no part of a memory
