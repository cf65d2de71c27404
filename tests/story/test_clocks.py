"""Sources whose clocks are ahead of ours: a time after its own receipt cannot be, and is never put right in silence."""

from schemas.vocabulary import Basis, EndBasis, IncidentStatus, MilestoneName, RowKind
from tests.support.story import Story, time


def ahead() -> Story:
    """A source whose clock is five minutes ahead tells of an alert from 10:00 to 10:20, by our clock."""
    story = Story()
    story.at("10:00:30").fires(start="10:05")
    story.at("10:20:10").resolves(start="10:05", end="10:25")
    return story


def test_a_time_after_its_own_receipt_gives_way_to_the_receipt() -> None:
    """Start and end are when we heard of them, and say so: by basis, note, flag and the time as it was stated."""
    story = ahead()
    incident = story.incident()

    (alert,) = incident.alerts
    assert [(each.started_at, each.ended_at, each.end_basis) for each in alert.episodes] == [
        (time("10:00:30"), time("10:20:10"), EndBasis.ASSUMED)
    ]
    assert story.milestone("detected") == "10:00:30 fallback"
    assert story.milestone("resolved") == "10:20:10 assumed"
    assert "clock_skew" in incident.flags
    for name in (MilestoneName.DETECTED, MilestoneName.RESOLVED):
        milestone = incident.milestones[name]
        assert milestone is not None
        assert "clock is ahead, it stated" in (milestone.note or "")
    stated = {row.kind: row.original_time for row in incident.timeline if row.original_time}
    assert stated == {
        RowKind.ALERT_FIRED: time("10:05").isoformat(),
        RowKind.ALERT_RESOLVED: time("10:25").isoformat(),
    }


def test_what_the_source_names_by_its_own_start_is_the_same_firing() -> None:
    """A repeat after the stated start has passed, a late one after the resolve, the resolve: one episode."""
    story = Story()
    story.at("10:00:30").fires(start="10:05")
    story.at("10:07").fires(start="10:05", description="repeated")
    story.at("10:20:10").resolves(start="10:05", end="10:25")
    story.at("10:20:40").fires(start="10:05", description="late")

    incident = story.incident()
    assert incident.status is IncidentStatus.RESOLVED
    assert [len(each.episodes) for each in incident.alerts] == [1]
    assert incident.alerts[0].notifications == 4


def test_a_resolve_before_the_stated_start_has_passed_ends_it() -> None:
    """Three minutes by our clock, all of it in the source's future."""
    story = Story()
    story.at("10:00:30").fires(start="10:05")
    story.at("10:03:10").resolves(start="10:05", end="10:08")

    (episode,) = story.incident().alerts[0].episodes
    assert (episode.started_at, episode.ended_at) == (time("10:00:30"), time("10:03:10"))


def test_two_seconds_are_no_skew() -> None:
    """Clocks that are kept differ by as much; what is stated stands."""
    story = Story()
    story.at("10:00:00").fires(start="10:00:02")

    assert story.milestone("detected") == "10:00:02 reported"
    assert "clock_skew" not in story.incident().flags


def test_a_clock_that_is_behind_is_indistinguishable_from_delay() -> None:
    """Nothing is put right: the stated start stands."""
    story = Story()
    story.at("10:10").fires(start="10:00")

    detected = story.incident().milestones[MilestoneName.DETECTED]
    assert detected is not None
    assert (detected.at, detected.basis) == (time("10:00"), Basis.REPORTED)
