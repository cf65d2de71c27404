"""What a person corrects is corrected in every place, and what the machine says stays readable (the demo's outage)."""

from alertline.store.reports import ReportReader
from review.reports.asking import Of, asked_of
from review.reports.making import behind, report_of
from schemas.vocabulary import MetricName
from tests.support.filled import Filled, asked_in_sql
from tests.support.places import agree, every_place

DETECT = MetricName.DETECT_FROM_IMPACT
RESOLVE = MetricName.RESOLVE_FROM_DETECT


async def incident_of(url: str) -> str:
    """The id of the one incident."""
    ((incident,),) = await asked_in_sql(url, "SELECT DISTINCT incident_id FROM v_incident_metrics")
    return str(incident)


async def seconds(url: str, metric: MetricName) -> tuple[object, ...]:
    """Effective and automatic value with their bases, and whether a person overrode something."""
    query = "SELECT seconds, basis, automatic_seconds, automatic_basis, overridden FROM v_incident_metrics"
    (row,) = await asked_in_sql(url, f"{query} WHERE metric = '{metric}'")
    return row


async def stamp(url: str, milestone: str) -> tuple[object, ...] | None:
    """Basis, revision and automatic basis of a milestone, and whether its two times are there."""
    rows = await asked_in_sql(
        url,
        "SELECT milestone, at IS NOT NULL, basis, revision, automatic_at IS NOT NULL, automatic_basis "
        "FROM v_incident_milestones",
    )
    return next((row[1:] for row in rows if row[0] == milestone), None)


async def test_an_override_and_its_undo_reach_every_place(url: str, demo: Filled) -> None:
    """Detected at 14:05; a person says 14:07:30, then none, then takes it back."""
    incident = await incident_of(url)
    agree((await every_place(url, demo))(DETECT), 1, 300.0)
    before = await seconds(url, DETECT)
    assert before == (300.0, "derived", 300.0, "derived", False)

    await demo.order("override_milestone", incident=incident, milestone="detected", to="2024-08-20T14:07:30Z")
    agree((await every_place(url, demo))(DETECT), 1, 450.0)
    agree((await every_place(url, demo))(RESOLVE), 1, 5850.0)
    assert await seconds(url, DETECT) == (450.0, "derived", 300.0, "derived", True)
    assert await seconds(url, RESOLVE) == (5850.0, "reported", 6000.0, "reported", True)
    assert await stamp(url, "detected") == (True, "manual", 1, True, "reported")

    await demo.order("override_milestone", incident=incident, milestone="mitigated", to=None)
    assert await stamp(url, "mitigated") == (False, None, None, True, "manual")
    assert (await seconds(url, MetricName.RECOVER_FROM_IMPACT))[0] is None

    for milestone in ("mitigated", "detected"):
        await demo.order("override_milestone", incident=incident, milestone=milestone, undo=True)
    agree((await every_place(url, demo))(DETECT), 1, 300.0)
    assert await seconds(url, DETECT) == before  # nothing says any more that it was overridden
    assert await stamp(url, "detected") == (True, "reported", 2, True, "reported")


async def test_a_drill_counts_no_more(url: str, demo: Filled) -> None:
    """It stands apart by name, in every place; its values can still be read in the view."""
    await demo.order("update", incident=await incident_of(url), fields={"classification": "drill"})

    agree((await every_place(url, demo))(RESOLVE), 0, None)
    ((reason, value),) = await asked_in_sql(
        url,
        "SELECT excluded, seconds FROM v_incident_metrics WHERE metric = 'resolve_from_detect'",
    )
    assert (reason, value) == ("drill", 6000.0)


async def test_the_timeline_view_is_the_timeline(url: str, demo: Filled) -> None:
    """Row for row what the incident shows, also after a change that came late."""
    from alertline.incidents.present import present
    from alertline.store.reader import StoreReader

    incident = await incident_of(url)
    await demo.order("acknowledge", incident=incident, at="2024-08-20T14:06:00Z")
    facts = await StoreReader(demo.engine).facts(incident)
    assert facts is not None
    shown = present(facts, facts.policy).timeline

    rows = await asked_in_sql(
        url, "SELECT row_id, kind, text, basis, actor, evidence, current FROM v_timeline ORDER BY n"
    )
    assert [tuple(row[:6]) for row in rows] == [
        (each.id, each.kind, each.text, each.basis, each.actor, " ".join(each.evidence)) for each in shown
    ]
    assert {bool(row[6]) for row in rows} == {True}


async def test_groups_by_source_leave_pagers_out(url: str, demo: Filled) -> None:
    """The outage is one of each monitoring source that fired in it; a page about it makes its pager none of them."""
    reader = ReportReader(demo.engine)
    made = await report_of(reader, asked_of({"group_by": "source"}))
    rows = await asked_in_sql(url, "SELECT DISTINCT a.source, e.paging FROM episodes e JOIN alerts a ON a.id = e.alert")

    sources = {source for source, paging in rows if not paging}
    assert sources
    assert {group.key: group.incidents for group in made.groups} == dict.fromkeys(sources, 1)
    (counted,) = await behind(reader, asked_of({"group_by": "source"}), Of(key=str(min(map(str, sources)))))
    assert counted.excluded is None
