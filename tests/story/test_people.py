"""What people say and order: where it goes and what it changes (contract §8.7, §8.11, §8.13–8.16)."""

from schemas.events import AlertEvent
from schemas.vocabulary import (
    AlertStatus,
    ChangeKind,
    CommandName,
    EntryKind,
    IncidentStatus,
    MilestoneName,
    RowKind,
    Severity,
)
from tests.support.story import Story, alert, time, times_of


def firing() -> Story:
    """An alert that fires since 10:00."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    return story


def test_an_entry_finds_the_incident_that_covers_its_time() -> None:
    """Without an incident named it goes to the one that was running then."""
    story = firing()
    story.at("10:06").says(EntryKind.FINDING, at="10:05")

    assert times_of(story.incident(), RowKind.FINDING) == ["10:05"]
    assert story.told().unattached == ()


def test_an_entry_that_comes_before_its_incident_waits_for_it() -> None:
    """The alert reaches us after the finding: the finding is attached when the incident appears."""
    story = Story()
    story.at("10:06").says(EntryKind.FINDING, at="10:05")
    story.at("10:08").fires(start="10:00")

    assert times_of(story.incident(), RowKind.FINDING) == ["10:05"]


def test_an_entry_waits_an_hour_and_no_longer() -> None:
    """After 60 min of log time it stays unattached, and is shown as that."""
    story = Story()
    story.at("10:06").says(EntryKind.FINDING, at="10:05")
    story.at("11:07").fires(start="11:06")

    assert [item.text for item in story.told().unattached] == ["…"]


def test_of_two_incidents_the_service_decides() -> None:
    """An entry that names a service goes to the incident that has it."""
    story = firing()
    story.at("10:20").fires("DiskFull", start="10:19:30", service="billing")
    story.at("10:30").says(EntryKind.FINDING, at="10:29", service="billing")

    by_service = {incident.services: times_of(incident, RowKind.FINDING) for incident in story.told().incidents}
    assert by_service == {("api",): [], ("billing",): ["10:29"]}


def test_of_two_incidents_without_a_hint_neither_is_taken() -> None:
    """An entry that fits two incidents equally well is not guessed."""
    story = firing()
    story.at("10:20").fires("DiskFull", start="10:19:30", service="billing")
    story.at("10:30").says(EntryKind.FINDING, at="10:29")

    assert len(story.told().unattached) == 1


def test_a_service_that_nobody_has_is_ignored() -> None:
    """The one open incident is found all the same."""
    story = firing()
    story.at("10:06").says(EntryKind.HYPOTHESIS, at="10:05", service="the-website")

    assert times_of(story.incident(), RowKind.HYPOTHESIS) == ["10:05"]


def test_nothing_crosses_scopes() -> None:
    """An entry of staging does not go to production, however close."""
    story = Story()
    story.at("10:00:30").fires(start="10:00", environment="production")
    story.at("10:06").says(EntryKind.FINDING, at="10:05", scope="staging")

    assert story.incident().scope == "production"
    assert len(story.told().unattached) == 1


def test_a_declaration_opens_an_incident_that_alerts_join() -> None:
    """People noticed first: detection is theirs, and its basis says so."""
    story = Story()
    story.at("10:00:20").says(EntryKind.DECLARED, at="10:00", text="Customers report errors", service="api")
    story.at("10:09:30").fires(start="10:09")
    story.at("10:30:10").resolves(start="10:09", end="10:30")

    assert story.milestone("detected") == "10:00 manual"
    assert story.milestone("impact_started") == "10:00 assumed"
    assert times_of(story.incident(), RowKind.ALERT_FIRED) == ["10:09"]


def test_at_the_same_time_the_alert_detected_it() -> None:
    """A declaration at the very second of the alert's start takes nothing from the machine."""
    story = firing()
    story.at("10:01").says(EntryKind.DECLARED, at="10:00")

    assert story.milestone("detected") == "10:00 reported"


def test_a_pending_window_moves_the_impact_back() -> None:
    """The condition held before the alert fired: derived, with the interval as the lower bound only."""
    story = Story()
    story.at("10:00:30").fires(start="10:00", pending_for=300.0)

    impact = story.incident().milestones[MilestoneName.IMPACT_STARTED]
    assert impact is not None
    assert (impact.at, impact.earliest, impact.latest) == (time("9:55"), time("9:54"), time("9:55"))
    assert story.milestone("impact_started") == "09:55 derived"


def test_an_informational_alert_is_a_member_and_not_the_start() -> None:
    """Only impact-class alerts give an onset."""
    story = Story()
    story.at("10:00:30").fires("Evictions", start="10:00", severity=Severity.INFO)
    story.at("10:04:30").fires(start="10:04", pending_for=120.0)

    assert story.milestone("impact_started") == "10:02 derived"
    assert story.milestone("detected") == "10:00 reported"


def test_a_persons_start_replaces_the_assumed_one() -> None:
    """And an earlier derived one stands against it."""
    assumed, derived = firing(), Story()
    assumed.at("10:15").says(EntryKind.IMPACT_STARTED, at="9:54")
    derived.at("10:00:30").fires(start="10:00", pending_for=600.0)
    derived.at("10:15").says(EntryKind.IMPACT_STARTED, at="9:54")

    assert assumed.milestone("impact_started") == "09:54 manual"
    assert derived.milestone("impact_started") == "09:50 derived"


def test_two_people_two_starts_is_a_conflict() -> None:
    """The earlier stands, both are told."""
    story = firing()
    story.at("10:15").says(EntryKind.IMPACT_STARTED, at="9:56")
    story.at("10:18").says(EntryKind.IMPACT_STARTED, at="9:54", actor="ben")

    (conflict,) = story.incident().conflicts
    assert (conflict.what, conflict.values) == ("impact_started", (time("9:54"), time("9:56")))


def test_an_override_wins_and_its_undo_brings_the_automatic_value_back() -> None:
    """Each step is a revision; none can be set too."""
    story = firing()
    revisions = []
    for order in ({"to": time("9:57")}, {"undo": True}, {}):
        story.at("10:12").orders(
            CommandName.OVERRIDE_MILESTONE, milestone=MilestoneName.DETECTED, reason="call", **order
        )
        milestone = story.incident().milestones[MilestoneName.DETECTED]
        revisions.append(None if milestone is None else (f"{milestone.at:%H:%M}", milestone.basis, milestone.revision))

    assert revisions == [("09:57", "manual", 1), ("10:00", "reported", 2), None]


def test_an_assumed_impact_moves_with_an_overridden_detection() -> None:
    """A derived one does not: that is a conflict of order."""
    assumed, derived = firing(), Story()
    derived.at("10:00:30").fires(start="10:00", pending_for=60.0)
    for story in (assumed, derived):
        story.at("10:12").orders(CommandName.OVERRIDE_MILESTONE, milestone=MilestoneName.DETECTED, to=time("9:50"))

    assert assumed.milestone("impact_started") == "09:50 assumed"
    assert derived.milestone("impact_started") == "09:59 derived"
    assert [each.what for each in derived.incident().conflicts] == ["order"]


def test_changes_near_the_start_are_candidates_nearest_first() -> None:
    """From an hour before to five minutes after; those within the incident are rows too; none is called a fix."""
    story = Story()
    story.at("8:50").changes(ChangeKind.DEPLOY, at="8:50", text="too old")
    story.at("9:20").changes(ChangeKind.FLAG, at="9:20", text="flag")
    story.at("9:58").changes(ChangeKind.CONFIG, at="9:58", text="pool", service="api")
    story.at("10:00:30").fires(start="10:00")
    story.at("10:10").changes(ChangeKind.ROLLBACK, at="10:10", text="back")
    story.at("10:20:10").resolves(start="10:00", end="10:20")

    incident = story.incident()
    assert [change.text for change in incident.changes] == ["pool", "flag"]
    assert times_of(incident, RowKind.ROLLBACK) == ["10:10"]
    assert incident.milestones[MilestoneName.FIX_APPLIED] is None


def test_what_is_not_measured_is_null() -> None:
    """Nobody acknowledged, nothing was rejected: null with a reason, never zero."""
    story = firing()
    story.at("10:20:10").resolves(start="10:00", end="10:20")
    metrics = story.incident().metrics

    assert {name for name, metric in metrics.items() if metric.seconds is None and not metric.reason} == set()
    assert [metrics[name].seconds for name in ("ack_from_detect", "detour_total")] == [None, None]  # type: ignore[index]
    assert metrics["resolve_from_detect"].seconds == 1200.0  # type: ignore[index]


def test_an_override_of_resolved_is_superseded_by_a_reopening_and_its_revision_stays() -> None:
    """What the person said is counted, and no longer stands."""
    story = firing()
    story.at("10:20:10").resolves(start="10:00", end="10:20")
    story.at("10:22").orders(CommandName.OVERRIDE_MILESTONE, milestone=MilestoneName.RESOLVED, to=time("10:19"))
    story.at("10:28:30").fires(start="10:28")
    story.at("10:40:10").resolves(start="10:28", end="10:40")

    resolved = story.incident().milestones[MilestoneName.RESOLVED]
    assert resolved is not None
    assert (resolved.at, resolved.basis, resolved.revision) == (time("10:40"), "reported", 1)


def two_incidents() -> Story:
    """Unrelated outages of api (10:00) and billing (10:19:30)."""
    story = firing()
    story.at("10:20").fires("DiskFull", start="10:19:30", service="billing", severity=Severity.WARNING)
    return story


def test_a_merge_keeps_every_row_and_the_old_id() -> None:
    """The loser leaves the list, its id leads to the survivor, its alerts and words are there."""
    story = two_incidents()
    first, second = story.told().incidents
    story.at("10:30").says(EntryKind.NOTE, at="10:29", incident=second.id)
    story.at("10:31").orders(CommandName.MERGE, incident=second.id, into=first.id, reason="one disk")

    merged = story.incident()
    assert merged.id == first.id
    assert merged.aliases == (second.id,)
    assert sorted(alert.dedup_key for alert in merged.alerts) == ["DiskFull", "HighLatency"]
    assert times_of(merged, RowKind.NOTE) == ["10:29"]


def test_a_split_of_what_was_merged_undoes_the_merge() -> None:
    """The old id lives again, with its own alerts and words."""
    story = two_incidents()
    before = story.told().incidents
    story.at("10:31").orders(CommandName.MERGE, incident=before[1].id, into=before[0].id)
    disk = next(alert.id for alert in story.incident().alerts if alert.dedup_key == "DiskFull")
    story.at("10:32").orders(CommandName.SPLIT, incident=before[0].id, alerts=(disk,))

    after = story.told().incidents
    assert [incident.id for incident in after] == [incident.id for incident in before]
    assert [[each.dedup_key for each in incident.alerts] for incident in after] == [["HighLatency"], ["DiskFull"]]


def test_the_losers_override_becomes_a_conflict() -> None:
    """Both were overridden: the survivor's value wins, the other is told."""
    story = two_incidents()
    first, second = story.told().incidents
    for incident, to in ((first, "9:50"), (second, "10:10")):
        story.at("10:30").orders(
            CommandName.OVERRIDE_MILESTONE, incident=incident.id, milestone=MilestoneName.DETECTED, to=time(to)
        )
    story.at("10:31").orders(CommandName.MERGE, incident=second.id, into=first.id)

    assert story.milestone("detected") == "09:50 manual"
    assert ("detected", (time("10:10"),)) in [(each.what, each.values) for each in story.incident().conflicts]


def test_a_detached_alert_has_an_incident_of_its_own_and_stays_there() -> None:
    """Automation does not bring it back when it fires again."""
    story = firing()
    story.at("10:02:30").fires("Errors", start="10:02")
    (incident,) = story.told().incidents
    errors = next(alert.id for alert in incident.alerts if alert.dedup_key == "Errors")
    story.at("10:05").orders(CommandName.DETACH, incident=incident.id, alerts=(errors,), reason="unrelated")
    story.at("10:06").resolves("Errors", start="10:02", end="10:05:30")
    story.at("10:08").fires("Errors", start="10:07:30")

    members = {each.id: sorted(alert.dedup_key for alert in each.alerts) for each in story.told().incidents}
    assert sorted(members.values()) == [["Errors"], ["HighLatency"]]
    assert members[incident.id] == ["HighLatency"]


def test_an_attached_alert_empties_its_incident_into_an_alias() -> None:
    """The incident that lost its only alert leads to the one that got it."""
    story = two_incidents()
    first, second = story.told().incidents
    story.at("10:30").orders(CommandName.ATTACH, incident=first.id, alerts=(second.alerts[0].id,))

    incident = story.incident()
    assert (incident.id, incident.aliases) == (first.id, (second.id,))
    assert [reason.rule for alert in incident.alerts if alert.dedup_key == "DiskFull" for reason in alert.why] == [
        "manual"
    ]


def test_a_command_may_name_an_alert_by_its_dedup_key() -> None:
    """People know the vendor's key, not our id."""
    story = firing()
    story.at("10:02:30").fires("Errors", start="10:02")
    story.at("10:05").orders(CommandName.DETACH, alerts=("Errors",))

    assert sorted(alert.dedup_key for each in story.told().incidents for alert in each.alerts) == [
        "Errors",
        "HighLatency",
    ]
    assert len(story.told().incidents) == 2


def test_a_command_that_cannot_be_carried_out_is_kept_with_the_reason() -> None:
    """Merging into nothing changes nothing, and says so."""
    story = firing()
    story.at("10:30").orders(CommandName.MERGE, into="inc_nowhere")

    notes = [row.text for row in story.incident().timeline if row.kind is RowKind.NOTE]
    assert notes == ["Not carried out: there is no other incident of that id. Merged into another incident."]


def test_one_delivery_may_hold_two_scopes() -> None:
    """Two environments in one group are two incidents."""
    story = Story()
    events: list[AlertEvent] = [
        alert("HighLatency", AlertStatus.FIRING, "10:00", None, environment=name) for name in ("production", "staging")
    ]
    story.at("10:00:30").posts(events)

    assert sorted(incident.scope for incident in story.told().incidents) == ["production", "staging"]
    assert {incident.status for incident in story.told().incidents} == {IncidentStatus.OPEN}
