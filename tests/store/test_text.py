"""Whatever text comes, every database takes it, gives it back and finds it, and all of them hold the same bytes."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.incidents.model import Row
from alertline.store.engine import open_engine
from alertline.store.failures import Unstorable
from alertline.store.port import Filter, StreamClock
from alertline.store.reader import StoreReader
from alertline.store.rows import fit, key, unfit
from alertline.store.writer import StoreWriter
from tests.support.store_rows import T0, batch, change, delivery, incident, item, summary
from tests.support.stores import Both, dumped, emptied

SURROGATE = "\ud800"
odd = st.sampled_from(["\0", "\ufffd", "0", "d800", "%", "_", "\\", "'", '"', "\u2028", "ß", "İ", "\U0001f525", "é"])
# everything that a record can hold: JSON in UTF-8 holds no lone surrogates
texts = st.lists(odd | st.text(st.characters(exclude_categories=["Cs"]), max_size=3), max_size=12).map("".join)
long_texts = st.tuples(texts, st.integers(0, 4000)).map(lambda drawn: drawn[0] + "ü" * drawn[1])
any_text = st.text(st.characters() | st.sampled_from(["\0", "\ufffd", SURROGATE]), max_size=20)


@given(any_text, any_text)
def test_different_texts_stay_different(one: str, other: str) -> None:
    """The escape can be taken back, leaves nothing that a database refuses, and keeps parts of a text parts of it."""
    assert unfit(fit(one)) == one
    assert "\0" not in fit(one)
    assert fit(one).encode().decode() == fit(one)
    assert fit(one + other) == fit(one) + fit(other)
    assert (key(one) == key(other)) == (one == other)


@given(st.text(min_size=241), st.text(min_size=1))
def test_a_long_key_is_cut_and_stays_one(text: str, more: str) -> None:
    """It fits an index of every database, two of them in one row too, and is told apart by its hash."""
    assert len(key(text).encode()) <= 1000
    assert key(text) != key(text + more)
    assert key(key(text)) != text


async def _written(engine: AsyncEngine, drawn: Sequence[str]) -> list[object]:
    """Write rows that hold the texts everywhere; gives what is read back by them."""
    title, service, scope, name, said = drawn
    writer, reader = StoreWriter(engine), StoreReader(engine)
    await emptied(engine)
    claim = await writer.claim("log", 0, "one")
    rows: list[Row] = [incident(scope=scope), item("n1", "i1", text=said), change("c1", T0, scope=scope)]
    await writer.commit(
        batch(
            claim,
            rows,
            deliveries=[delivery(name, 1, reason=said)],
            summaries=[summary("i1", title=title, services=(service, service + "\0"), scope=scope)],
            clocks=[StreamClock("s", T0), StreamClock("s\0" + said[:50], T0)],
        )
    )
    facts = await reader.facts("i1")
    assert facts is not None
    assert [row.id for row in facts.changes] == ["c1"]
    assert [row.text for row in facts.items] == [said]
    for wanted in (Filter(text=title[:5]), Filter(service=service), Filter(service=service + "\0", text=title)):
        page = await reader.page(wanted)
        assert [line.title for line in page.incidents] == [title], wanted
    assert await reader.delivery(name) == [delivery(name, 1, reason=said)]
    assert set(await reader.log_times()) == {"s", "s\0" + said[:50]}
    loaded = await writer.load(claim)
    return [facts, loaded, await dumped(engine)]


@settings(max_examples=25)
@given(st.tuples(texts, long_texts, long_texts, texts, long_texts))
def test_both_databases_hold_the_same(both_stores: Both, drawn: tuple[str, str, str, str, str]) -> None:
    """Titles, services, scopes, names and what people say: found again, given back, byte for byte alike."""
    sqlite = both_stores.run(_written(both_stores.sqlite, drawn))

    assert both_stores.run(_written(both_stores.postgresql, drawn)) == sqlite


@pytest.mark.parametrize("kind", ["sqlite_store", "postgresql_store"])
async def test_what_is_no_text_is_refused_as_a_whole(kind: str, request: pytest.FixtureRequest) -> None:
    """A lone surrogate in a body cannot be written: nothing of its batch is; asking for one finds nothing."""
    engine = open_engine(request.getfixturevalue(kind))
    writer, reader = StoreWriter(engine), StoreReader(engine)
    claim = await writer.claim("log", 0, "one")

    with pytest.raises(Unstorable):
        await writer.commit(batch(claim, [item("n1", "i1", text=SURROGATE)]))
    with pytest.raises(Unstorable):
        await writer.commit(batch(claim, [incident(SURROGATE)]))
    with pytest.raises(Unstorable):
        await writer.commit(batch(claim, deliveries=[delivery("d", 2**63)]))

    assert await reader.applied(0) == 0
    assert (await reader.page(Filter(text=SURROGATE, service=SURROGATE))).incidents == []
    assert await reader.facts(SURROGATE) is None
    assert await reader.delivery(SURROGATE) == []
    await engine.dispose()
