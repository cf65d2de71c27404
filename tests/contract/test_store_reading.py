"""What the store promises to whoever reads, whatever database it lies in (`conftest.py` lists them)."""

from datetime import timedelta

import msgspec
import pytest

from alertline.incidents.model import Row
from alertline.incidents.policy import Policy, policy_of
from alertline.store.port import Filter, Held
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter
from schemas.events import Rejected
from schemas.vocabulary import HeldState, IncidentStatus, Outcome, Severity
from tests.support.store_rows import (
    T0,
    alert,
    batch,
    change,
    configuration,
    delivery,
    episode,
    handled,
    incident,
    item,
    summary,
)

MINUTE = timedelta(minutes=1)


async def listed(reader: StoreReader, **wanted: object) -> list[str]:
    """Ids of the first page for a filter."""
    page = await reader.page(msgspec.structs.replace(Filter(), **wanted))
    return [line.id for line in page.incidents]


async def test_the_list_is_sorted_and_leaves_losers_out(writer: StoreWriter, reader: StoreReader) -> None:
    """Newest start first, equal starts by id; what was merged away is not listed; lines come back whole."""
    lines = [summary("b"), summary("a"), summary("c", T0 + MINUTE, services=("api", "db"), flags=("storm",))]
    await writer.commit(
        batch(await writer.claim("log", 0, "one"), summaries=[*lines, summary("lost", merged_into="a")])
    )

    page = await reader.page(Filter())

    assert page.incidents == [lines[2], lines[1], lines[0]]
    assert page.next_cursor is None


async def test_pages_follow_on_each_other(writer: StoreWriter, reader: StoreReader) -> None:
    """Whatever the page size, going through all pages gives every incident once, in order."""
    lines = [summary(f"i{number}", T0 + MINUTE * (number // 3)) for number in range(10)]
    await writer.commit(batch(await writer.claim("log", 0, "one"), summaries=lines))
    everything = await listed(reader)

    for size in (1, 2, 3, 9, 10, 11):
        found, cursor = list[str](), None
        while True:
            page = await reader.page(Filter(), cursor, size)
            assert len(page.incidents) <= size
            found += [line.id for line in page.incidents]
            if (cursor := page.next_cursor) is None:
                break
        assert found == everything


@pytest.mark.parametrize(("limit", "size"), [(-1, 1), (0, 1), (200, 200), (10_000, 200)])
async def test_the_limit_is_bounded(writer: StoreWriter, reader: StoreReader, limit: int, size: int) -> None:
    """A page has 1 to 200 lines, whatever is asked for."""
    lines = [summary(f"i{number}") for number in range(201)]
    await writer.commit(batch(await writer.claim("log", 0, "one"), summaries=lines))

    assert len((await reader.page(Filter(), None, limit)).incidents) == size


@pytest.mark.parametrize("cursor", ["", "?", "ü", "bm9uZQ==", "WzEsMl0=", "WzFlMzAsImEiXQ=="])
async def test_a_bad_cursor_is_refused(reader: StoreReader, cursor: str) -> None:
    """A cursor that we never gave out is a ValueError, not a wrong page."""
    with pytest.raises(ValueError, match="cursor"):
        await reader.page(Filter(), cursor)
    with pytest.raises(ValueError, match="cursor"):
        await reader.quarantine(None, cursor)


async def test_filters(writer: StoreWriter, reader: StoreReader) -> None:
    """Each filter alone, its bounds (since within, until beyond), and several together."""
    lines = [
        summary("a", status=IncidentStatus.CLOSED, services=("api", "db")),
        summary("b", T0 + MINUTE, severity=Severity.CRITICAL, services=("api",)),
        summary("c", T0 + 2 * MINUTE),
    ]
    await writer.commit(batch(await writer.claim("log", 0, "one"), summaries=lines))

    assert await listed(reader, status=IncidentStatus.CLOSED) == ["a"]
    assert await listed(reader, severity=Severity.CRITICAL) == ["b"]
    assert await listed(reader, service="api") == ["b", "a"]
    assert await listed(reader, service="nothing") == []
    assert await listed(reader, since=T0 + MINUTE) == ["c", "b"]
    assert await listed(reader, until=T0 + MINUTE) == ["a"]
    assert await listed(reader, service="api", status=IncidentStatus.OPEN) == ["b"]


async def test_text_is_sought_in_any_case_and_literally(writer: StoreWriter, reader: StoreReader) -> None:
    """Case does not matter, beyond ASCII too; the wildcards of SQL are plain characters."""
    lines = [summary("a", title="Über 100% CPU"), summary("b", title="über_laden / x"), summary("c", title="1000 CPU")]
    await writer.commit(batch(await writer.claim("log", 0, "one"), summaries=lines))

    assert await listed(reader, text="ÜBER") == ["a", "b"]
    assert await listed(reader, text="100%") == ["a"]
    assert await listed(reader, text="r_l") == ["b"]
    assert await listed(reader, text="N / X") == ["b"]
    assert await listed(reader, text="") == ["a", "b", "c"]


async def test_a_summary_is_replaced_with_its_services(writer: StoreWriter, reader: StoreReader) -> None:
    """The newest line of an incident counts, within a batch and across; services that it lost no longer find it."""
    claim = await writer.claim("log", 0, "one")
    await writer.commit(batch(claim, summaries=[summary("a", services=("x",)), summary("a", services=("api", "db"))]))
    assert await listed(reader, service="x") == []
    assert await listed(reader, service="db") == ["a"]

    await writer.commit(batch(claim, first=1, summaries=[summary("a", title="new", services=("api",))]))

    assert await listed(reader, service="db") == []
    assert await listed(reader, service="api", text="new") == ["a"]


async def test_facts_are_those_of_the_survivor(writer: StoreWriter, reader: StoreReader) -> None:
    """Every id that leads to an incident, through several merges too, gives its rows, in the order of their making."""
    lost = [incident("i3", merged_into="i2"), incident("i2", merged_into="i1"), incident("i0", merged_into="i1")]
    members = [episode("e2", "i1"), episode("e1", "i1")]
    said = [item("n2", "i1"), item("n1", "i1")]
    other: list[Row] = [alert("a2"), episode("e3", "other"), item("n3", None)]
    rows: list[Row] = [alert(), incident(), *lost, *members, *said, *other]
    await writer.commit(batch(await writer.claim("log", 0, "one"), rows))

    for name in ("i0", "i1", "i2", "i3"):
        facts = await reader.facts(name)
        assert facts is not None
        assert facts.row == incident()
        assert facts.alerts == (alert(),)
        assert facts.episodes == tuple(members)
        assert facts.items == tuple(said)
        assert facts.aliases == ("i0", "i2", "i3")
    assert await reader.facts("unknown") is None


@pytest.mark.parametrize("status", list(IncidentStatus))
async def test_facts_hold_the_changes_around_the_incident(
    writer: StoreWriter, reader: StoreReader, status: IncidentStatus
) -> None:
    """From 60 min before the first onset, pending window included, to the end; to this day while it is open."""
    end = T0 + 30 * MINUTE
    member = msgspec.structs.replace(episode("e1", "i1", T0, end), pending_for=120.0)
    first = T0 - 62 * MINUTE
    moment = timedelta(microseconds=1)
    times = {"early": first - moment, "first": first, "last": end, "late": end + 10 * MINUTE}
    changes = [change(name, at) for name, at in times.items()]
    rows: list[Row] = [alert(), incident(status=status), member, *changes, change("elsewhere", T0, "other")]
    await writer.commit(batch(await writer.claim("log", 0, "one"), rows))

    facts = await reader.facts("i1")

    assert facts is not None
    expected = ["first", "last", "late"] if status is IncidentStatus.OPEN else ["first", "last"]
    assert [row.id for row in facts.changes] == expected


async def test_a_delivery_is_found_with_all_its_copies(writer: StoreWriter, reader: StoreReader) -> None:
    """All occurrences of an id, newest first; nothing for an unknown id; several ids at once."""
    rows = [delivery("d", 1), delivery("x", 2), delivery("d", 5, duplicate_of=1, incidents=("i1",)), delivery("y", 6)]
    await writer.commit(batch(await writer.claim("log", 0, "one"), deliveries=rows, next_offset=7))

    assert await reader.delivery("d") == [rows[2], rows[0]]
    assert await reader.delivery("unknown") == []
    assert await reader.deliveries(["d", "x"]) == [rows[2], rows[1], rows[0]]


async def test_the_quarantine_is_read_page_by_page(writer: StoreWriter, reader: StoreReader) -> None:
    """What could not be read, or in part only, newest receipt first, each once; no copies and no vain readings."""
    rows = [delivery(f"q{n}", n, T0 + MINUTE * (n // 2), outcome=Outcome.QUARANTINED, reason="?") for n in range(4)]
    rows.append(delivery("q4", 4, T0 + MINUTE * 2, outcome=Outcome.PARTIAL, unread=(Rejected(1, "/1", "odd"),)))
    other = [
        delivery("good", 9),
        delivery("q1", 10, outcome=Outcome.QUARANTINED, duplicate_of=1),
        delivery("vain", 11, outcome=Outcome.QUARANTINED, replay_of="q1"),
        delivery("late", 12, outcome=Outcome.IGNORED, replay_of="q1"),
    ]
    await writer.commit(batch(await writer.claim("log", 0, "one"), deliveries=[*rows, *other]))

    first = await reader.quarantine(limit=3)
    second = await reader.quarantine(cursor=first.next_cursor, limit=3)

    assert [each.delivery.id for each in first.held] == ["q4", "q3", "q2"]
    assert [each.delivery.id for each in second.held] == ["q1", "q0"]
    assert first.held[0] == Held(rows[4])
    assert second.next_cursor is None


async def test_the_quarantine_by_state(writer: StoreWriter, reader: StoreReader) -> None:
    """What was disposed of is listed apart from what waits, with who did it; only the copy and stream that it names."""
    old, new = (delivery("q", n, T0 + MINUTE * n, outcome=Outcome.QUARANTINED) for n in (1, 2))
    other = delivery("p", 3, outcome=Outcome.QUARANTINED)
    done = handled("q", old.received_at, HeldState.REPLAYED)
    rows: list[Row] = [done, handled("p", T0, HeldState.DISCARDED, stream="elsewhere")]
    await writer.commit(batch(await writer.claim("log", 0, "one"), rows, deliveries=[old, new, other]))

    assert (await reader.quarantine()).held == [Held(new), Held(other)]
    assert (await reader.quarantine(HeldState.REPLAYED)).held == [Held(old, done)]
    assert (await reader.quarantine(HeldState.DISCARDED)).held == []
    assert (await reader.quarantine(None)).held == [Held(new), Held(old, done), Held(other)]
    assert await reader.held("q") == Held(new)
    assert await reader.held("q", 1) == Held(old, done)
    assert await reader.held("q", 3) is None
    assert await reader.held("nothing") is None


async def test_of_several_copies_the_newest_that_waits_is_meant(writer: StoreWriter, reader: StoreReader) -> None:
    """And the newest of all where none waits."""
    claim = await writer.claim("log", 0, "one")
    copies = [delivery("q", n, T0 + MINUTE * n, outcome=Outcome.QUARANTINED) for n in (1, 2)]
    first, second = (handled("q", each.received_at, HeldState.DISCARDED) for each in copies)
    await writer.commit(batch(claim, [second], deliveries=copies))
    assert await reader.held("q") == Held(copies[0])

    await writer.commit(batch(claim, [first], first=1))
    assert await reader.held("q") == Held(copies[1], second)
    assert (await writer.load(claim)).rows == [second, first]


async def test_what_waits_for_an_incident_is_listed(writer: StoreWriter, reader: StoreReader) -> None:
    """What was said without an incident is listed until it is attached to one."""
    claim = await writer.claim("log", 0, "one")
    await writer.commit(batch(claim, [item("n2", None), item("n1", None), item("n0", "i1")]))
    assert await reader.unattached() == [item("n2", None), item("n1", None)]

    await writer.commit(batch(claim, [item("n2", "i1")], first=1))
    assert await reader.unattached() == [item("n1", None)]


async def test_all_incidents_are_listed_by_their_opening(writer: StoreWriter, reader: StoreReader) -> None:
    """Every incident but the losers of merges, by opening, then id."""
    rows = [incident("b"), incident("a"), incident("z", opened_at=T0 - MINUTE), incident("lost", merged_into="a")]
    await writer.commit(batch(await writer.claim("log", 0, "one"), rows))

    assert await reader.all_incident_ids() == ["z", "a", "b"]


async def test_facts_go_by_the_newest_configuration_of_their_stream(writer: StoreWriter, reader: StoreReader) -> None:
    """Not by that of another stream, nor by an older one; without any by the defaults."""
    other = configuration(MINUTE * 9, "elsewhere")
    await writer.commit(batch(await writer.claim("log", 0, "one"), [incident("i1"), other]))
    before = await reader.facts("i1")
    rows = [configuration(MINUTE), configuration(MINUTE * 2)]
    await writer.commit(batch(await writer.claim("log", 0, "one"), rows, first=1))
    after = await reader.facts("i1")

    assert before is not None
    assert after is not None
    assert before.policy == Policy()
    assert after.policy == policy_of(rows[1].configuration)
    assert await reader.digests() == {"elsewhere": other.digest, "s": rows[1].digest}
    assert await reader.log_times() == {"s": T0}
