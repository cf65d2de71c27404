"""Alerts that were expected: kept without an incident, unless they go on for longer than that."""

from alertline.incidents.policy import MaintenanceWindow, Policy
from consumers.replay import Replay
from schemas.vocabulary import IncidentStatus, MilestoneName, RowKind, Severity
from tests.support.story import Story, time, times_of

BILLING = MaintenanceWindow(start=time("10:00"), end=time("11:00"), match={"service": "bill*"}, reason="new disks")


def maintained(*windows: MaintenanceWindow) -> Story:
    """A story with maintenance windows: of billing from 10:00 to 11:00, unless others are given."""
    return Story(Policy(maintenance=windows or (BILLING,)))


def test_an_alert_that_ends_within_its_window_is_no_incident() -> None:
    """It is kept, with its times, and shown nowhere."""
    story = maintained()
    story.at("10:05:10").fires(start="10:05", service="billing")
    story.at("10:40:10").resolves(start="10:05", end="10:40", service="billing")
    story.tick("12:00")

    assert story.told().incidents == ()
    replay = Replay(story.policy)
    for record in story.records:
        replay.feed(record)
    (episode,) = replay.states["default"].episodes.values()
    assert (episode.started_at, episode.ended_at, episode.expected) == (time("10:05"), time("10:40"), True)


def test_an_alert_that_fires_on_after_its_window_is_an_alert_like_any_other() -> None:
    """Five minutes after the window it opens an incident, with its own start, and the incident says how it began."""
    story = maintained()
    story.at("10:05:10").fires(start="10:05", service="billing")
    story.tick("11:04:59")
    assert Story.told(story).incidents[0].created_at == time("11:05")  # the quiet period runs on beyond the grace
    story.at("11:30:10").resolves(start="10:05", end="11:30", service="billing")
    story.tick("11:40")

    incident = story.incident()
    assert (incident.created_at, incident.status) == (time("11:05"), IncidentStatus.RESOLVED)
    assert story.milestone("detected") == "10:05 reported"
    assert story.milestone("resolved") == "11:30 reported"
    assert "began_in_maintenance" in incident.flags
    assert [reason.rule for reason in incident.alerts[0].why] == ["first", "maintenance"]


def test_an_end_within_the_grace_is_in_time() -> None:
    """Alerts need a moment to recover after the work is done."""
    story = maintained()
    story.at("10:55:10").fires(start="10:55", service="billing")
    story.at("11:03:10").resolves(start="10:55", end="11:03", service="billing")
    story.tick("12:00")

    assert story.told().incidents == ()


def test_windows_touch_only_what_they_match_and_only_what_begins_in_them() -> None:
    """Another service, an alert from before, one at the very end: all are incidents at once."""
    for service, start in (("api", "10:05"), ("billing", "09:59"), ("billing", "11:00")):
        story = maintained()
        story.at("11:00:10").fires(start=start, service=service)

        assert story.incident().status is IncidentStatus.OPEN
        assert "began_in_maintenance" not in story.incident().flags


def test_a_window_without_patterns_matches_everything_and_labels_match_too() -> None:
    """All patterns must match; a name that is no field is a label."""
    everything = MaintenanceWindow(start=time("10:00"), end=time("11:00"))
    europe = MaintenanceWindow(start=time("10:00"), end=time("11:00"), match={"region": "eu-*", "severity": "warning"})
    for window, labels, severity, held in (
        (everything, {}, Severity.CRITICAL, True),
        (europe, {"region": "eu-west"}, Severity.WARNING, True),
        (europe, {"region": "us-east"}, Severity.WARNING, False),
        (europe, {"region": "eu-west"}, Severity.CRITICAL, False),
        (europe, {}, Severity.WARNING, False),
    ):
        story = maintained(window)
        story.at("10:05:10").fires(start="10:05", labels=labels, severity=severity)
        assert (story.told().incidents == ()) is held


def test_the_condition_of_an_open_incident_is_its_business() -> None:
    """It fired before the window, ended, and fires again within it: the same incident, at once."""
    story = maintained()
    story.at("09:50:10").fires(start="09:50", service="billing")
    story.at("09:58:10").resolves(start="09:50", end="09:58", service="billing")
    story.at("10:01:10").fires(start="10:01", service="billing")

    incident = story.incident()
    assert times_of(incident, RowKind.ALERT_REFIRED) == ["10:01"]
    assert "began_in_maintenance" not in incident.flags


def test_a_prolonged_maintenance_counts_as_one() -> None:
    """A second window begins before the first is over: the second's end counts."""
    second = MaintenanceWindow(start=time("10:50"), end=time("12:00"), match={"service": "billing"})
    story = maintained(BILLING, second)
    story.at("10:05:10").fires(start="10:05", service="billing")
    story.tick("11:59")
    assert story.told().incidents == ()
    story.tick("12:06")

    assert story.incident().created_at == time("12:05")


def test_a_resolve_that_comes_late_tells_how_long_it_fired() -> None:
    """Never seen firing: what ended within the window is kept, what went on for longer is an incident."""
    for end, incidents in (("10:40", 0), ("11:20", 1)):
        story = maintained()
        story.at("11:30:10").resolves(start="10:05", end=end, service="billing")
        story.tick("12:00")
        assert len(story.told().incidents) == incidents


def test_an_alert_told_long_after_its_window_does_not_wait() -> None:
    """It still fires when it is first read, two hours after the window: it opens its incident at once."""
    story = maintained()
    story.at("13:00").fires(start="10:05", service="billing")

    assert story.incident().created_at == time("13:00")


def test_what_fires_on_joins_the_incident_that_it_belongs_to() -> None:
    """Another alert of the service fires when the window is over: one incident, detected when the first began."""
    story = maintained()
    story.at("10:58:10").fires(start="10:58", service="billing")
    story.at("11:02:10").fires("Errors", start="11:02", service="billing")
    story.tick("11:10")

    incident = story.incident()
    assert {alert.dedup_key for alert in incident.alerts} == {"HighLatency", "Errors"}
    detected = incident.milestones[MilestoneName.DETECTED]
    assert detected is not None
    assert detected.at == time("10:58")
