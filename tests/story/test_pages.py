"""What pagers add to an incident, and what they never decide (contract §8.9, §8.12)."""

from typing import Any

from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus, IncidentStatus, PageAction, RowKind
from tests.support.story import Story, time, times_of


def page(action: PageAction, at: str, *, created: str = "10:01", **more: Any) -> AlertEvent:
    """One record of the page that was created at 10:01."""
    statuses = {PageAction.RESOLVED: AlertStatus.RESOLVED, PageAction.ACKNOWLEDGED: AlertStatus.ACKNOWLEDGED}
    return AlertEvent(
        status=statuses.get(action, AlertStatus.FIRING),
        identity="svc/edge",
        dedup_key="P1",
        title="Page",
        starts_at=time(created),
        ends_at=time(at) if action is PageAction.RESOLVED else None,
        changed_at=time(at),
        paging=True,
        action=action,
        **more,
    )


def paged(*records: tuple[str, PageAction, str]) -> Story:
    """An alert of api from 10:00, paged at 10:01, and more records of the page: receipt, action, time."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    story.at("10:01:01").posts([page(PageAction.TRIGGERED, "10:01")], source="pagerduty_webhook_v3")
    for received, action, at in records:
        story.at(received).posts([page(action, at)], source="pagerduty_webhook_v3")
    return story


def test_a_page_notifies_and_its_acknowledgement_is_the_incidents() -> None:
    """Both are the pager's word; detection stays the monitor's; taking it back is a row only."""
    story = paged(
        ("10:04:01", PageAction.ACKNOWLEDGED, "10:04"),
        ("10:09:01", PageAction.UNACKNOWLEDGED, "10:09"),
    )
    story.at("10:20:10").resolves(start="10:00", end="10:20")

    assert story.milestone("notified") == "10:01 reported"
    assert story.milestone("acknowledged") == "10:04 reported"
    assert story.milestone("detected") == "10:00 reported"
    assert times_of(story.incident(), RowKind.NOTE) == ["10:09"]
    assert times_of(story.incident(), RowKind.ALERT_FIRED) == ["10:00"]


def test_a_page_that_nobody_ends_keeps_no_incident_open() -> None:
    """The monitor's alert ended: that decides."""
    story = paged()
    story.at("10:20:10").resolves(start="10:00", end="10:20")

    assert story.incident().status is IncidentStatus.RESOLVED
    assert story.milestone("resolved") == "10:20 reported"


def test_a_pagers_resolve_while_an_alert_fires_is_a_row_and_a_conflict() -> None:
    """It is told, and it is not the end."""
    story = paged(("10:10:01", PageAction.RESOLVED, "10:10"))
    story.at("10:20:10").resolves(start="10:00", end="10:20")

    incident = story.incident()
    assert story.milestone("resolved") == "10:20 reported"
    assert [(each.what, each.values) for each in incident.conflicts] == [("resolved", (time("10:10"),))]
    assert times_of(incident, RowKind.RESOLVED) == ["10:20"]
    assert times_of(incident, RowKind.NOTE) == ["10:10"]


def test_a_pagers_resolve_soon_after_the_last_end_is_the_resolve() -> None:
    """Up to ten minutes after the last alert ended, people's word that it is over counts; later it does not."""
    soon, late = paged(), paged()
    for story, at in ((soon, "10:27"), (late, "10:31")):
        story.at("10:20:10").resolves(start="10:00", end="10:20")
        story.at("10:35").posts([page(PageAction.RESOLVED, at)], source="pagerduty_webhook_v3")

    assert soon.milestone("resolved") == "10:27 reported"
    assert late.milestone("resolved") == "10:20 reported"


def test_a_page_alone_counts_as_an_alert() -> None:
    """Nothing else was heard: it opens an incident, detects it and ends it."""
    story = Story()
    story.at("10:01:01").posts([page(PageAction.TRIGGERED, "10:01")], source="pagerduty_webhook_v3")
    story.at("10:30:01").posts([page(PageAction.RESOLVED, "10:30")], source="pagerduty_webhook_v3")

    assert story.milestone("detected") == "10:01 reported"
    assert story.milestone("resolved") == "10:30 reported"
    assert [alert.source for alert in story.incident().alerts] == ["pagerduty_webhook_v3"]


def test_a_monitors_alert_joins_the_incident_that_its_page_opened() -> None:
    """The page was faster: once the alert is there, the times are the monitor's."""
    story = Story()
    story.at("10:01:01").posts([page(PageAction.TRIGGERED, "10:01")], source="pagerduty_webhook_v3")
    story.at("10:01:30").fires(start="10:00")
    story.at("10:20:10").resolves(start="10:00", end="10:20")

    assert story.milestone("detected") == "10:00 reported"
    assert story.milestone("notified") == "10:01 reported"
    assert [alert.dedup_key for alert in story.incident().alerts] == ["HighLatency"]


def test_a_key_that_a_page_carries_beats_the_time() -> None:
    """Of two incidents at the same time it belongs to the one whose alert it names."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    story.at("10:20").fires("DiskFull", start="10:19:30", service="billing")
    story.at("10:21").posts([page(PageAction.TRIGGERED, "10:20:30", created="10:20:30", aliases=("DiskFull",))])

    by_service = {each.services: times_of(each, RowKind.NOTIFIED) for each in story.told().incidents}
    assert by_service == {("api",): [], ("billing",): ["10:20:30"]}


def test_an_escalation_is_a_milestone_and_a_note_a_row() -> None:
    """The first escalation stands; each is a row."""
    story = paged(
        ("10:08:01", PageAction.ESCALATED, "10:08"),
        ("10:12:01", PageAction.ESCALATED, "10:12"),
        ("10:13:01", PageAction.ANNOTATED, "10:13"),
    )

    assert story.milestone("escalated") == "10:08 reported"
    assert times_of(story.incident(), RowKind.ESCALATED) == ["10:08", "10:12"]
    assert times_of(story.incident(), RowKind.NOTE) == ["10:13"]
