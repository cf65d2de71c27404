"""What comes long after an incident was resolved, and how far one incident reaches in time."""

from schemas.vocabulary import CommandName, EntryKind, IncidentStatus, RowKind, Severity
from tests.support.story import Story, time, times_of


def sealed(*, repeats: bool = False) -> Story:
    """An alert from 10:00 to 10:20, resolved at 10:25:10; sealed a day and ten minutes later."""
    story = Story()
    story.at("10:00:30").fires(start="10:00", repeats=repeats)
    story.at("10:20:10").resolves(start="10:00", end="10:20", repeats=repeats)
    return story


def test_a_firing_before_the_seal_withdraws_and_after_it_is_another_incident() -> None:
    """The same start is heard again: until the seal the resolve was wrong; after it, it is history."""
    for received, incidents in (("+1 10:30", 1), ("+1 10:35:11", 2)):
        story = sealed()
        story.at(received).fires(start="10:00", description="again")
        assert len(story.told().incidents) == incidents


def test_what_fires_after_the_seal_begins_when_it_is_heard() -> None:
    """Its old start is part of the sealed incident; repeats and the resolve that name it go to the new one."""
    story = sealed()
    before = story.incident()
    story.at("+1 11:00").fires(start="10:00", description="again")
    story.at("+1 12:00").fires(start="10:00", description="and again")
    story.at("+1 12:30:10").resolves(start="10:00", end="+1 12:30")

    first, second = story.told().incidents
    assert (first.milestones, first.version) == (before.milestones, before.version)
    assert second.recurrence_of == first.id
    assert [(each.started_at, each.ended_at) for each in second.alerts[0].episodes] == [
        (time("+1 11:00"), time("+1 12:30"))
    ]
    assert second.alerts[0].notifications == 3


def test_a_late_end_after_the_seal_only_annotates() -> None:
    """The stamps stay; what was told too late is a note, once, however often it is told."""
    story = sealed()
    before = story.incident()
    for second in (0, 30):
        story.at(f"+1 11:00:{second:02d}").resolves(start="10:00", end="10:40", description=str(second))

    incident = story.incident()
    assert incident.milestones == before.milestones
    assert times_of(incident, RowKind.NOTE) == ["10:40"]
    assert incident.alerts[0].notifications == 4


def test_a_late_start_after_the_seal_only_annotates() -> None:
    """An earlier start, told a day late, moves nothing any more."""
    story = sealed()
    before = story.incident()
    story.at("+1 11:00").resolves(start="09:50", end="10:10")

    incident = story.incident()
    assert incident.milestones == before.milestones
    assert len(times_of(incident, RowKind.NOTE)) == 1


def test_evidence_alone_joins_no_sealed_incident() -> None:
    """Another alert of its service and time, told a day late, stands alone; told before the seal it joins."""
    for received, incidents in (("+1 10:30", 1), ("+1 10:36", 2)):
        story = sealed()
        story.at(received).resolves("Errors", start="10:05", end="10:15")
        assert len(story.told().incidents) == incidents


def test_people_still_change_a_sealed_incident() -> None:
    """Entries attach, and a person may reopen."""
    story = sealed()
    story.at("+1 11:00").says(EntryKind.FINDING, at="10:10", text="It was the disk.")
    story.at("+1 11:01").orders(CommandName.REOPEN, at="10:15")

    incident = story.incident()
    assert times_of(incident, RowKind.FINDING) == ["10:10"]
    assert (incident.status, incident.reopen_count) == (IncidentStatus.OPEN, 1)


def test_an_alert_that_expired_and_is_heard_of_days_later_is_a_new_incident() -> None:
    """Its source was away for two days: what was assumed stands, and that it fires is not hidden."""
    story = Story()
    story.at("10:00:30").fires(start="10:00", repeats=True)
    story.at("+2 10:00").fires(start="10:00", repeats=True, description="still")

    first, second = story.told().incidents
    assert (first.status, second.status) == (IncidentStatus.RESOLVED, IncidentStatus.OPEN)
    assert second.recurrence_of == first.id


def test_evidence_alone_stops_to_join_six_hours_after_the_start() -> None:
    """A chain of alerts of other services, each a minute after the one before; the same service still joins."""
    story = Story()
    story.at("10:00:10").fires("A", start="10:00", service="a")
    for n in range(1, 400):
        at = f"{10 + n // 60}:{n % 60:02d}"
        story.at(f"{at}:10").fires(f"B{n}", start=at, service=f"s{n}")
    story.at("16:40").fires("C", start="16:40", service="a", severity=Severity.CRITICAL)

    first, second = story.told().incidents
    assert {"a", "s1", "s360"} <= set(first.services)
    assert "s361" in second.services
    assert "C" in {alert.dedup_key for alert in first.alerts}
