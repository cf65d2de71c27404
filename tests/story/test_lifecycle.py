"""When an incident opens, resolves and reopens, told on a time axis (contract §8.5, §8.6, §8.9, §8.10)."""

from collections.abc import Callable
from itertools import permutations

from schemas.vocabulary import AlertStatus, CommandName, EntryKind, IncidentStatus, MilestoneName, RowKind, Severity
from tests.support.story import Story, alert, time, times_of


def outage() -> Story:
    """An alert from 10:00 to 10:20."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    story.at("10:20:10").resolves(start="10:00", end="10:20")
    return story


def test_resolved_is_the_latest_end_in_event_time_once_it_was_quiet() -> None:
    """The quiet period decides that it is over, the source's own time when."""
    story = outage()

    assert story.milestone("resolved") == "10:20 reported"
    assert story.incident().status is IncidentStatus.RESOLVED


def test_a_late_resolve_keeps_the_time_of_its_source() -> None:
    """A resolve delivered an hour late ends the incident when the source says that it ended."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    story.at("11:20").resolves(start="10:00", end="10:20")

    assert story.milestone("resolved") == "10:20 reported"


def test_the_same_alert_within_the_reopen_window_reopens() -> None:
    """Eight minutes after the resolve it is the same incident, and its first resolve is kept."""
    story = outage()
    story.at("10:28:30").fires(start="10:28")
    story.at("10:40:10").resolves(start="10:28", end="10:40")

    incident = story.incident()
    assert incident.reopen_count == 1
    assert incident.first_resolved_at == time("10:20")
    assert times_of(incident, RowKind.REOPENED) == ["10:28"]
    assert times_of(incident, RowKind.ALERT_REFIRED) == ["10:28"]
    assert story.milestone("resolved") == "10:40 reported"


def test_the_same_alert_after_the_reopen_window_is_a_recurrence() -> None:
    """Twelve minutes after the resolve it is a new incident that names the old one."""
    story = outage()
    story.at("10:32:30").fires(start="10:32")
    story.at("10:42:10").resolves(start="10:32", end="10:42")

    first, second = story.told().incidents
    assert second.recurrence_of == first.id
    assert (first.reopen_count, second.reopen_count) == (0, 0)


def test_a_recurrence_that_arrives_before_the_quiet_period_is_told_apart_by_event_time() -> None:
    """Both are delivered late and at once: event time still says that twelve minutes lay between them."""
    story = Story()
    story.at("11:00").fires(start="10:00")
    story.at("11:00:01").resolves(start="10:00", end="10:20")
    story.at("11:00:02").fires(start="10:32")
    story.at("11:00:03").resolves(start="10:32", end="10:42")

    assert len(story.told().incidents) == 2


def test_a_resolve_seen_before_its_firing_stands() -> None:
    """Later firings of that start are late delivery, whenever they come."""
    story = Story()
    story.at("10:20:10").resolves(start="10:00", end="10:20")
    story.at("10:50").fires(start="10:00")

    assert story.milestone("resolved") == "10:20 reported"


def test_a_firing_soon_after_its_resolve_is_late_delivery() -> None:
    """Within 60 s of the resolve's receipt nothing changes and nothing is corrected."""
    story = outage()
    story.at("10:21:05").fires(start="10:00", description="again")

    incident = story.incident()
    assert incident.status is IncidentStatus.RESOLVED
    assert times_of(incident, RowKind.CORRECTION) == []


def test_a_firing_long_after_its_resolve_withdraws_it() -> None:
    """The source took its resolve back: the episode goes on, and a correction keeps what was said."""
    story = outage()
    story.at("10:23:10").fires(start="10:00", description="again")
    story.at("10:35:10").resolves(start="10:00", end="10:35")

    incident = story.incident()
    (alert,) = incident.alerts
    assert [(each.started_at, each.ended_at) for each in alert.episodes] == [(time("10:00"), time("10:35"))]
    assert times_of(incident, RowKind.CORRECTION) == ["10:20"]
    assert incident.reopen_count == 0


def test_a_known_delivery_withdraws_nothing() -> None:
    """The very delivery of the firing, sent again after the resolve under its own id, is a duplicate."""
    story = Story()
    from schemas.vocabulary import AlertStatus
    from tests.support.story import alert

    firing = alert("HighLatency", AlertStatus.FIRING, "10:00", None)
    story.at("10:00:30").posts([firing], key="k1")
    story.at("10:20:10").resolves(start="10:00", end="10:20")
    story.at("10:30").posts([firing], key="k1")

    assert story.milestone("resolved") == "10:20 reported"
    assert story.incident().alerts[0].notifications == 2


def test_an_informational_resolve_alone_is_no_incident() -> None:
    """A resolve never seen firing is kept, unless it is informational."""
    info, unknown = Story(), Story()
    info.at("10:20:10").resolves(start="10:00", end="10:20", severity=Severity.INFO)
    unknown.at("10:20:10").resolves(start="10:00", end="10:20", severity=Severity.UNKNOWN)

    assert info.told().incidents == ()
    assert unknown.milestone("detected") == "10:00 reported"
    assert unknown.milestone("resolved") == "10:20 reported"


def test_a_resolve_without_an_environment_is_about_the_alert_of_its_key() -> None:
    """Many senders name the environment only when the alert fires; one that names another is about another alert."""
    story = Story()
    story.at("10:00:30").fires(start="10:00", environment="production")
    story.at("10:05").posts([alert("HighLatency", AlertStatus.ACKNOWLEDGED, None, None)])
    story.at("10:10").resolves(end="10:09", environment="staging")
    story.at("10:20:30").resolves(end="10:20")
    story.at("10:21").resolves(end="10:20", title="once more")

    production, staging = sorted(story.told().incidents, key=lambda each: each.scope)
    (episode,) = production.alerts[0].episodes
    assert (production.scope, staging.scope) == ("production", "staging")
    assert (episode.started_at, episode.ended_at) == (time("10:00"), time("10:20"))
    assert times_of(production, RowKind.ACKNOWLEDGED) == ["10:05"]


def test_what_still_fires_stays_open() -> None:
    """One of two alerts ended: the incident is open, and nothing is invented about its end."""
    story = outage()
    story.at("10:10:30").fires("Errors", start="10:05")

    incident = story.incident()
    assert incident.status is IncidentStatus.OPEN
    assert incident.milestones[MilestoneName.RESOLVED] is None
    assert incident.metrics["resolve_from_detect"].seconds is None  # type: ignore[index]  # StrEnum keys take their text


def test_a_person_resolves_while_it_fires() -> None:
    """Refreshes and the later end of the running episode move nothing."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    story.at("10:15:20").orders(CommandName.RESOLVE, at="10:15")
    story.at("10:16:30").fires(start="10:00", description="refresh")
    story.at("10:40:10").resolves(start="10:00", end="10:40")

    assert story.milestone("resolved") == "10:15 manual"
    assert story.incident().reopen_count == 0


def test_a_new_episode_reopens_what_a_person_resolved() -> None:
    """The person's resolve is kept as the first; the latest end is the resolve now."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    story.at("10:15:20").orders(CommandName.RESOLVE, at="10:15")
    story.at("10:16:10").resolves(start="10:00", end="10:16")
    story.at("10:23:30").fires(start="10:23")
    story.at("10:45:10").resolves(start="10:23", end="10:45")

    incident = story.incident()
    assert (incident.reopen_count, incident.first_resolved_at) == (1, time("10:15"))
    assert story.milestone("resolved") == "10:45 reported"


def test_a_resolve_that_an_alert_contradicts_is_a_row_and_a_conflict() -> None:
    """Somebody says 10:15, but an alert started at 10:18: the statement does not stand, and is not hidden."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    story.at("10:18:30").fires("Errors", start="10:18")
    story.at("10:30").says(EntryKind.RESOLVED, at="10:15")
    story.at("10:40:10").resolves(start="10:00", end="10:40")
    story.at("10:40:11").resolves("Errors", start="10:18", end="10:40")

    incident = story.incident()
    assert story.milestone("resolved") == "10:40 reported"
    assert [(each.what, each.values) for each in incident.conflicts] == [("resolved", (time("10:15"),))]


def test_a_record_received_before_the_deadline_but_read_after_it_withdraws_the_resolve() -> None:
    """A second receiver's record comes late into the log: that is a correction, not a reopening (§8.4)."""
    story = outage()
    story.tick("10:26")
    story.at("10:24").fires(start="10:23:30")
    story.at("10:30:10").resolves(start="10:23:30", end="10:30")
    story.tick("10:41")  # four turns in half an hour: the alert flaps, and holds the incident open for longer

    incident = story.incident()
    assert incident.reopen_count == 0
    assert times_of(incident, RowKind.CORRECTION) == ["10:20"]
    assert story.milestone("resolved") == "10:30 reported"


def test_close_is_a_command_and_keeps_the_resolve() -> None:
    """Closed half an hour later, also without naming the incident."""
    story = outage()
    story.at("10:50").orders(CommandName.CLOSE, at="10:50")

    assert story.incident().status is IncidentStatus.CLOSED
    assert (story.milestone("resolved"), story.milestone("closed")) == ("10:20 reported", "10:50 manual")


def test_a_person_reopens() -> None:
    """Automation does not resolve it again by itself: nothing ended since."""
    story = outage()
    story.at("10:40").orders(CommandName.REOPEN, at="10:40")
    story.tick("12:00")

    incident = story.incident()
    assert (incident.status, incident.reopen_count) == (IncidentStatus.OPEN, 1)
    assert story.milestone("resolved") is None


def test_a_lone_lesser_alert_does_not_stretch_a_bigger_incident() -> None:
    """A warning of the incident fires again eight minutes after the critical outage ended: that is another incident."""
    story = outage()
    story.at("10:05:30").fires("Lag", start="10:05", severity=Severity.WARNING)
    story.at("10:20:11").resolves("Lag", start="10:05", end="10:20", severity=Severity.WARNING)
    story.at("10:28:30").fires("Lag", start="10:28", severity=Severity.WARNING)

    first, second = story.told().incidents
    assert (first.reopen_count, second.recurrence_of) == (0, first.id)


def test_a_late_resolve_without_a_start_ends_what_fired_by_then() -> None:
    """The source names no start: its end tells which of two firings it was."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    story.at("10:30:30").fires(start="10:30")
    story.at("10:31").resolves(end="10:10")
    story.at("10:45").resolves(end="10:44")

    episodes = [each for incident in story.told().incidents for alert in incident.alerts for each in alert.episodes]
    assert sorted((each.started_at, each.ended_at) for each in episodes if each.ended_at) == [
        (time("10:00"), time("10:10")),
        (time("10:30"), time("10:44")),
    ]


def test_a_resolve_ends_every_start_of_its_episode() -> None:
    """Two replicas name starts ten seconds apart: in whichever order it is told, the episode is over."""
    tellings: list[Callable[[Story, str], Story]] = [
        lambda story, at: story.at(at).fires(start="10:00:30"),
        lambda story, at: story.at(at).fires(start="10:00:20"),
        lambda story, at: story.at(at).resolves(start="10:00:20", end="10:08:30"),
    ]
    for order in permutations(tellings):
        story = Story()
        for n, tell in enumerate(order):
            tell(story, f"10:09:{n:02d}")
        (alert,) = story.incident().alerts
        assert [(each.started_at, each.ended_at) for each in alert.episodes] == [(time("10:00:20"), time("10:08:30"))]


def test_a_replica_that_goes_on_firing_is_believed() -> None:
    """One says resolved, the other repeats its firing minutes later: it is not over."""
    story = Story()
    story.at("10:00:31").fires(start="10:00:30")
    story.at("10:00:32").fires(start="10:00:20")
    story.at("10:09").resolves(start="10:00:20", end="10:08:30")
    story.at("10:12").fires(start="10:00:30", description="still")

    assert story.incident().status is IncidentStatus.OPEN


def test_a_source_that_names_a_new_start_each_time_fills_no_row() -> None:
    """A thousand starts without an end are one episode of a few spans, and a resolve still ends it."""
    story = Story()
    for n in range(1000):
        story.at(f"10:{n // 60:02d}:{n % 60:02d}").fires(start=f"10:{n // 60:02d}:{n % 60:02d}")
    story.at("10:30").resolves(start="10:16:39", end="10:20")

    (alert,) = story.incident().alerts
    assert [(each.started_at, each.ended_at) for each in alert.episodes] == [(time("10:00"), time("10:20"))]
    assert alert.notifications == 1001


def test_two_starts_without_an_end_between_are_one_episode_until_an_end_tells_them_apart() -> None:
    """The earliest start is kept; a late resolve of the first splits them again."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    story.at("10:08:30").fires(start="10:08")
    together = story.incident().alerts[0].episodes
    story.at("10:09").resolves(start="10:00", end="10:04")
    story.at("10:30:10").resolves(start="10:08", end="10:30")
    apart = story.incident().alerts[0].episodes

    assert [(each.started_at, each.ended_at) for each in together] == [(time("10:00"), None)]
    assert [(each.started_at, each.ended_at) for each in apart] == [
        (time("10:00"), time("10:04")),
        (time("10:08"), time("10:30")),
    ]
