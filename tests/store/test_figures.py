"""What reports read is what pages show: after a backlog, after late changes, and in a store made before it."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from alertline.incidents.present import present
from alertline.store.engine import open_engine, writing
from alertline.store.migrate import downgrade, upgrade
from alertline.store.port import Filter
from alertline.store.reader import StoreReader
from alertline.store.rows import fit
from schemas.vocabulary import ChangeKind, CommandName, EntryKind, MilestoneName
from tests.support.filled import Filled, asked_in_sql, filled
from tests.support.story import Story, time

TABLES = {
    "v_incident_metrics": "incident_id, metric",
    "v_incident_milestones": "incident_id, milestone",
    "v_timeline": "incident_id, n",
    "v_incident_services": "incident_id, service",
}


@pytest.fixture(params=["sqlite_store", "postgresql_store"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty store, on each database that is here."""
    return str(request.getfixturevalue(request.param))


def outage(alerts: int = 3) -> Story:
    """Alerts of one service, a statement with a NUL character in it, and a correction."""
    story = Story()
    for n in range(alerts):
        story.at(f"10:{n // 60:02}:{n % 60:02}").fires(f"a{n}", start="10:00", service="api", pending_for=90.5)
    story.at("10:20").says(EntryKind.FINDING, text="a\0b", service="api")
    story.at("10:21").says(EntryKind.ACKNOWLEDGED, service="api")
    story.at("10:22").orders(
        CommandName.OVERRIDE_MILESTONE, at="10:22", service="api",
        milestone=MilestoneName.DETECTED, to=time("10:01"),
    )  # fmt: skip
    for n in range(alerts):
        story.at("11:00:30").resolves(f"a{n}", start="10:00", end="11:00", service="api")
    story.tick("11:30")
    return story


async def everything(url: str) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all views."""
    return {
        view: await asked_in_sql(url, f"SELECT * FROM {view} ORDER BY {order}")  # noqa: S608 - our own names
        for view, order in TABLES.items()
    }


async def told(made: Filled, url: str) -> bool:
    """Whether the timeline of the view is that of the incident's page."""
    reader = StoreReader(made.engine)
    (line,) = (await reader.page(Filter())).incidents
    facts = await reader.facts(line.id)
    assert facts is not None
    shown = [(each.id, fit(each.text)) for each in present(facts, facts.policy).timeline]
    return shown == await asked_in_sql(url, "SELECT row_id, text FROM v_timeline ORDER BY n")


async def test_batches_do_not_matter(sqlite_store: str, tmp_path: Path) -> None:
    """One record a batch, or all at once: the views hold the same."""
    other = f"sqlite+aiosqlite:///{shutil.copy(tmp_path / 'store.db', tmp_path / 'other.db')}"
    for url, batch in ((sqlite_store, 1), (other, 50)):
        async with filled(url) as made:
            await made.feed(outage().records, batch)
            assert await told(made, url)

    assert await everything(sqlite_store) == await everything(other)


async def test_a_large_timeline_is_told_when_there_is_time(url: str) -> None:
    """Its metrics are there at once; the view says that its rows are not current, until they are."""
    async with filled(url) as made:
        await made.feed(outage(120).records)
        ((seconds, basis),) = await asked_in_sql(
            url, "SELECT seconds, basis FROM v_incident_metrics WHERE metric = 'detect_from_impact'"
        )
        assert (seconds, basis) == (150.5, "derived")
        assert not await told(made, url)

        assert await made.catch_up() == 1

        assert await told(made, url)
        assert {bool(row[0]) for row in await asked_in_sql(url, "SELECT current FROM v_timeline")} == {True}


async def test_a_change_that_comes_late_is_in_the_timeline(url: str) -> None:
    """Nothing is decided about the incident then, and yet its timeline has a row more."""
    story = outage()
    story.at("11:31").changes(ChangeKind.DEPLOY, "10:30", "a deployment that nobody told of")
    async with filled(url, story.records) as made:
        assert await told(made, url)
    rows = await asked_in_sql(url, "SELECT text FROM v_timeline WHERE kind = 'change'")
    assert rows == [("a deployment that nobody told of",)]


async def test_a_change_that_comes_late_to_a_large_incident(url: str) -> None:
    """Its rows are not current any more, and the view says so until they are told."""
    current = "SELECT DISTINCT current FROM v_timeline"
    async with filled(url, outage(120).records) as made:
        await made.catch_up()
        assert await asked_in_sql(url, current) == [(True,)]
        late = Story().at("12:31").changes(ChangeKind.DEPLOY, "10:30", "a deployment that nobody told of")
        await made.feed(late.records)
        assert await asked_in_sql(url, current) == [(False,)]
        await made.catch_up()
        assert await told(made, url)


@pytest.mark.parametrize("restarted", [False, True])
async def test_changes_that_left_the_memory_stay_in_the_timeline(url: str, restarted: bool) -> None:
    """An incident that is over for long is told of again, with the changes of its time and one that comes late."""
    story = outage()
    story.at("11:31").changes(ChangeKind.DEPLOY, "10:30", "a deployment")
    story.tick("+3 12:00")
    async with filled(url, story.records) as made:
        if restarted:
            await made.restart()
        late = Story().at("+3 12:01").changes(ChangeKind.FLAG, "10:40", "a flag")
        late.at("+3 12:02").says(EntryKind.NOTE, at="10:45", text="looked at again", service="api")
        await made.feed(late.records)
        assert await told(made, url)
    rows = await asked_in_sql(url, "SELECT text FROM v_timeline WHERE kind = 'change' ORDER BY n")
    assert rows == [("a deployment",), ("a flag",)]


async def test_a_partition_tells_only_its_own(sqlite_store: str) -> None:
    """What another correlator is about to write must not be overwritten by what was read before it."""
    async with filled(sqlite_store, outage(120).records) as made:
        assert await made.untold(1) == []
        assert len(await made.untold(0)) == 1


async def test_a_store_made_before_gets_its_rows(url: str) -> None:
    """After the upgrade the figures are there at once, timelines and automatic values when they are told."""
    async with filled(url, outage().records) as made:
        before = await everything(url)
        await made.engine.dispose()
        await downgrade(url, "0004")
        await upgrade(url)
        await made.restart()

        effective = "SELECT metric, seconds, basis, excluded, detected_at, updated_at FROM v_incident_metrics"
        fresh = await asked_in_sql(url, f"{effective} ORDER BY metric")
        assert await asked_in_sql(url, "SELECT count(*) FROM v_timeline") == [(0,)]
        rules = await asked_in_sql(url, "SELECT source, rule, service FROM alerts ORDER BY rule")
        episodes = await asked_in_sql(url, "SELECT started_at, paging FROM episodes")

        assert await made.catch_up() == 1

        assert await everything(url) == before
        assert await asked_in_sql(url, f"{effective} ORDER BY metric") == fresh
        assert rules == [("alertmanager", f"a{n} on api", "api") for n in range(3)]
        assert {(at, bool(paging)) for at, paging in episodes} == {(1741082400000000, False)}


async def test_what_was_merged_away_is_a_tombstone(url: str) -> None:
    """Its rows stay, marked, with where it went; it counts no more."""
    story = Story()
    story.at("09:00").fires("x", start="09:00", service="api")
    story.at("09:30").resolves("x", start="09:00", end="09:30", service="api")
    story.tick("10:00")
    story.at("20:00").fires("y", start="20:00", service="shop")
    async with filled(url, story.records) as made:
        lines = (await StoreReader(made.engine).page(Filter())).incidents
        into, loser = lines[0].id, lines[1].id
        await made.order("merge", incident=loser, into=into)
        rows = await asked_in_sql(
            url, "SELECT DISTINCT incident_id, deleted, merged_into, excluded FROM v_incident_metrics"
        )

    assert {(row[0], bool(row[1]), row[2], row[3]) for row in rows} == {
        (into, False, None, "open"),
        (loser, True, into, "merged"),
    }


async def test_the_index_of_what_is_not_told_is_used(sqlite_store: str) -> None:
    """The runner asks often: it must not read every incident each time."""
    engine = open_engine(sqlite_store)
    async with writing(engine) as connection:
        plan = await connection.execute(
            text("EXPLAIN QUERY PLAN SELECT incident_id FROM incident_metrics WHERE NOT told ORDER BY incident_id")
        )
        assert "ix_incident_metrics_untold" in str(plan.all())
    await engine.dispose()
