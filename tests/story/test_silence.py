"""Sources that fall silent: leases, silent recovery told apart from a stated one, and what takes it back."""

from schemas.incident import Incident
from schemas.vocabulary import AlertStatus, Basis, CommandName, EndBasis, IncidentStatus, MilestoneName, RowKind
from tests.support.story import Story, alert, time, times_of


def silent(*, repeats: bool = True) -> Story:
    """An alert that began at 10:00, was heard of at 10:00:30, and then never again, as far as 20:00."""
    story = Story()
    story.at("10:00:30").fires(start="10:00", repeats=repeats)
    story.tick("20:00")
    return story


def repeating(*received: str) -> Story:
    """An alert that began at 10:00 and was heard of at these times."""
    story = Story()
    for n, at in enumerate(received):
        story.at(at).fires(start="10:00", repeats=True, description=str(n))
    return story


def ends(incident: Incident) -> list[tuple[str, EndBasis | None]]:
    """Time of day and basis of the ends of an incident's first alert."""
    return [(f"{each.ended_at:%H:%M:%S}", each.end_basis) for each in incident.alerts[0].episodes]


def test_an_alert_whose_source_falls_silent_expires() -> None:
    """Its end is assumed and bounded: between the last notice and the end of the lease. The row says so in words."""
    incident = silent().incident()

    resolved = incident.milestones[MilestoneName.RESOLVED]
    assert resolved is not None
    assert (incident.status, resolved.basis) == (IncidentStatus.RESOLVED, Basis.ASSUMED)
    assert (resolved.earliest, resolved.at, resolved.latest) == (time("10:00:30"), time("10:00:30"), time("14:30:30"))
    assert ends(incident) == [("10:00:30", EndBasis.EXPIRED)]
    assert {"assumed_resolution", "auto_resolved"} <= set(incident.flags)
    (row,) = [each for each in incident.timeline if each.kind is RowKind.ALERT_RESOLVED]
    assert "silent until 2025-03-04 14:30:30 UTC" in row.text
    assert row.basis is Basis.ASSUMED


def test_a_stated_recovery_is_told_apart() -> None:
    """The same outage with a resolve is reported, and nothing is assumed."""
    story = Story()
    story.at("10:00:30").fires(start="10:00", repeats=True)
    story.at("10:20:10").resolves(start="10:00", end="10:20", repeats=True)
    story.tick("20:00")

    incident = story.incident()
    assert story.milestone("resolved") == "10:20 reported"
    assert ends(incident) == [("10:20:00", EndBasis.REPORTED)]
    assert "assumed_resolution" not in incident.flags


def test_nothing_expires_before_its_lease_is_over() -> None:
    """Four hours of silence are within the usual repeat interval."""
    story = repeating("10:00:30")
    story.tick("14:30")

    assert story.incident().status is IncidentStatus.OPEN


def test_a_source_that_never_repeats_is_stale_and_never_resolved() -> None:
    """After a day nobody knows whether it fires: that is said, and no end is invented."""
    story = silent(repeats=False)
    assert "stale" not in story.incident().flags
    story.tick("+1 10:00:31")

    assert story.incident().status is IncidentStatus.OPEN
    assert "stale" in story.incident().flags
    story.at("+1 11:00").fires(start="10:00", description="still")
    assert "stale" not in story.incident().flags


def test_the_lease_follows_the_pace_of_the_source() -> None:
    """Two repeats an hour apart: after three hours of silence it is over; after one repeat nothing is learned yet."""
    learned, once = repeating("10:00:30", "11:00:30", "12:00:30"), repeating("10:00:30", "11:00:30")
    for story in (learned, once):
        story.tick("15:06")

    assert ends(learned.incident()) == [("12:00:30", EndBasis.EXPIRED)]
    assert once.incident().status is IncidentStatus.OPEN


def test_the_lease_is_never_shorter_than_its_least() -> None:
    """A source that repeats every five minutes is believed for fifteen."""
    story = repeating("10:00:30", "10:05:30", "10:10:30")
    story.tick("10:25")
    assert story.incident().status is IncidentStatus.OPEN
    story.tick("10:31")

    assert ends(story.incident()) == [("10:10:30", EndBasis.EXPIRED)]


def test_what_was_sent_for_another_alert_tells_nothing_of_the_pace() -> None:
    """A group is sent again whenever it changes: minutes apart in a storm, and then not for four hours."""
    story = Story()
    names = ["HighLatency", "Errors", "DiskFull", "Lag", "Timeouts"]
    for n in range(1, len(names) + 1):
        group = [alert(name, AlertStatus.FIRING, "10:00", None, repeats=True) for name in names[:n]]
        story.at(f"10:{n * 6:02d}").posts(group)
    story.tick("14:00")

    assert story.incident().status is IncidentStatus.OPEN


def test_copies_of_a_second_sender_tell_nothing_of_the_pace() -> None:
    """Two of a pair say the same within seconds: nobody repeats itself that fast."""
    story = repeating("10:00:30", "10:00:35", "10:01:30", "10:01:35")
    story.tick("14:00")

    assert story.incident().status is IncidentStatus.OPEN


def test_a_firing_after_the_expiry_takes_it_back() -> None:
    """The source was only silent: the same episode goes on, and corrections keep what was assumed."""
    story = silent()
    story.at("20:01").fires(start="10:00", repeats=True, description="still")

    incident = story.incident()
    assert (incident.status, incident.reopen_count) == (IncidentStatus.OPEN, 0)
    assert [(each.started_at, each.ended_at) for each in incident.alerts[0].episodes] == [(time("10:00"), None)]
    assert set(times_of(incident, RowKind.CORRECTION)) == {"10:00:30"}
    assert any("heard firing again" in row.text for row in incident.timeline if row.kind is RowKind.CORRECTION)


def test_a_resolve_after_the_expiry_states_the_end() -> None:
    """Its time replaces the estimate, whether it lies after the last notice or before it."""
    for end in ("10:00:10", "12:00"):
        story = silent()
        story.at("20:01").resolves(start="10:00", end=end, repeats=True)

        assert story.milestone("resolved") == f"{end} reported"
        assert times_of(story.incident(), RowKind.CORRECTION) == ["10:00:30"]
        assert "assumed_resolution" not in story.incident().flags


def test_a_second_start_that_expired_too_is_taken_back_with_the_first() -> None:
    """Two replicas name two starts of one episode: hearing of either, it fires."""
    for start in ("10:00", "10:00:10"):
        story = Story()
        story.at("10:00:30").fires(start="10:00", repeats=True)
        story.at("10:00:40").fires(start="10:00:10", repeats=True)
        story.tick("20:00")
        assert ends(story.incident()) == [("10:00:40", EndBasis.EXPIRED)]
        story.at("20:01").fires(start=start, repeats=True, description="still")

        assert story.incident().status is IncidentStatus.OPEN
        assert len(story.incident().alerts[0].episodes) == 1


def test_a_firing_that_was_unread_when_the_lease_ran_out_takes_it_back() -> None:
    """It was received in time and read too late: the source was not silent."""
    story = repeating("10:00:30")
    story.tick("14:40")
    story.at("14:00").fires(start="10:00", repeats=True, description="still")

    assert story.incident().status is IncidentStatus.OPEN


def test_one_alert_resolves_and_another_expires() -> None:
    """The incident ends with the stated end; that it may have gone on is in its basis and its bounds."""
    story = Story()
    story.at("10:00:30").fires(start="10:00", repeats=True)
    story.at("10:00:40").fires("Errors", start="10:00", repeats=True)
    story.at("12:00:10").resolves("Errors", start="10:00", end="12:00", repeats=True)
    story.tick("20:00")

    resolved = story.incident().milestones[MilestoneName.RESOLVED]
    assert resolved is not None
    assert (resolved.at, resolved.basis, resolved.latest) == (time("12:00"), Basis.ASSUMED, time("14:30:30"))


def test_what_a_person_said_of_the_end_is_not_assumed() -> None:
    """Somebody resolved it; that the alert expires later moves nothing."""
    story = repeating("10:00:30")
    story.at("10:30").orders(CommandName.RESOLVE, at="10:30")
    story.tick("20:00")

    assert story.milestone("resolved") == "10:30 manual"


def test_timers_of_every_kind_are_carried_out_in_order_of_their_deadlines() -> None:
    """However late the record is that makes them due, every incident is decided about at its own deadline."""
    story = Story()
    for n, name in enumerate(("A", "B", "C")):
        story.at(f"1{n}:00:30").fires(name, start=f"1{n}:00", repeats=True, service=name)
    story.at("12:30:00").resolves("B", start="11:00", end="12:30", repeats=True)
    story.tick("23:00")

    found = {each.services[0]: each for each in story.told().incidents}
    assert {name: f"{each.updated_at:%H:%M:%S}" for name, each in found.items()} == {
        "B": "12:35:00",
        "A": "14:35:30",
        "C": "16:35:30",
    }
