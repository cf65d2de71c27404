"""Alerts that fire and end again and again: held open until they are calm, without resolving in between."""

from alertline.incidents.policy import Policy
from schemas.vocabulary import IncidentStatus, RowKind
from tests.support.story import Story, time, times_of


def flapping(rounds: int, *, policy: Policy | None = None, point: bool = False) -> Story:
    """An alert that fires for two minutes every four minutes, from 10:00 on."""
    story = Story(policy)
    for n in range(rounds):
        start, end = f"10:{4 * n:02d}", f"10:{4 * n + 2:02d}"
        story.at(f"{start}:10").fires(start=start, point=point)
        if not point:
            story.at(f"{end}:10").resolves(start=start, end=end)
    return story


def test_an_incident_of_a_flapping_alert_is_held_open() -> None:
    """Two rounds are four turns: it is resolved ten minutes after the last end was read, not five."""
    story = flapping(2)
    story.tick("10:11:05")
    assert story.incident().status is IncidentStatus.OPEN
    story.tick("10:17")

    incident = story.incident()
    assert (incident.status, incident.updated_at) == (IncidentStatus.RESOLVED, time("10:16:10"))
    assert story.milestone("resolved") == "10:06 reported"
    assert "flapping" in incident.flags


def test_firing_again_while_it_is_held_is_no_reopening() -> None:
    """Eight minutes after its end it fires again: one incident, never resolved in between, with all its rows."""
    story = flapping(2)
    story.at("10:14:10").fires(start="10:14")
    story.at("10:16:10").resolves(start="10:14", end="10:16")
    story.tick("10:30")

    incident = story.incident()
    assert (incident.status, incident.reopen_count) == (IncidentStatus.RESOLVED, 0)
    assert times_of(incident, RowKind.ALERT_REFIRED) == ["10:04", "10:14"]
    assert times_of(incident, RowKind.ALERT_RESOLVED) == ["10:02", "10:06", "10:16"]
    assert times_of(incident, RowKind.REOPENED) == []


def test_fewer_turns_or_slower_ones_hold_nothing() -> None:
    """One round, and two that lie further apart than the window, resolve after the quiet period."""
    once, slow = flapping(1), Story()
    for start, end in (("10:00", "10:25"), ("10:27", "10:40")):
        slow.at(f"{start}:10").fires(start=start)
        slow.at(f"{end}:10").resolves(start=start, end=end)

    for story, quiet in ((once, "10:07:10"), (slow, "10:45:10")):
        story.tick("11:00")
        assert story.incident().updated_at == time(quiet)
        assert "flapping" not in story.incident().flags


def test_moments_do_not_flap() -> None:
    """A source that never resolves tells of moments, which do not end."""
    assert "flapping" not in flapping(6, point=True).incident().flags


def test_an_alert_that_flapped_and_then_fired_for_long_holds_nothing() -> None:
    """Its newest turns lie far apart: the quiet period is enough. That it flapped stays said."""
    story = flapping(2)
    story.at("10:08:10").fires(start="10:08")
    story.at("11:00:10").resolves(start="10:08", end="11:00")
    story.tick("11:30")

    assert story.incident().updated_at == time("11:05:10")
    assert "flapping" in story.incident().flags
