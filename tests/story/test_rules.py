"""What configured rules do to alerts, told on a time axis: scope, service, pending windows, and a change in between."""

from datetime import timedelta

import pytest

from schemas.configuration import Configuration, Extraction, PendingRule, Windows
from schemas.vocabulary import IncidentStatus, RowKind, Severity
from tests.support.story import Story, times_of

FIVE = timedelta(minutes=5)


def configured(**fields: object) -> Story:
    """A story whose log begins with a configuration."""
    story = Story()
    story.configure("09:00", Configuration(**fields))  # type: ignore[arg-type]
    return story


def test_the_scope_comes_from_a_label() -> None:
    """Two clusters are two environments: nothing is linked across them."""
    story = configured(scope_rules=(Extraction(label="cluster", regex="^([a-z]+)-"),))
    story.at("10:00:30").fires("A", start="10:00", labels={"cluster": "staging-3"})
    story.at("10:00:40").fires("B", start="10:00", labels={"cluster": "live-1"})
    story.at("10:00:50").fires("C", start="10:00", labels={"cluster": "live-2"})

    assert sorted((each.scope, len(each.alerts)) for each in story.told().incidents) == [("live", 2), ("staging", 1)]


def test_the_first_rule_that_applies_counts() -> None:
    """A rule whose label is missing, or whose expression finds nothing, leaves it to the next one."""
    rules = (
        Extraction(label="component"),
        Extraction(match={"title": "Disk*"}, set="storage"),
        Extraction(label="title", regex="on (\\w+)$"),
        Extraction(set="rest"),
    )
    story = configured(service_rules=rules)
    story.at("10:00:01").fires("A", start="10:00", labels={"component": "cache"}, title="Disk on api")
    story.at("10:00:02").fires("B", start="10:00", title="Disk on api")
    story.at("10:00:03").fires("C", start="10:00", title="Latency on billing")
    story.at("10:00:04").fires("D", start="10:00", title="Latency")

    found = {alert.dedup_key: alert.service for each in story.told().incidents for alert in each.alerts}
    assert found == {"A": "cache", "B": "storage", "C": "billing", "D": "rest"}


def test_the_service_is_asked_for_in_the_scope_that_the_rules_gave() -> None:
    """Rules for the scope come first."""
    story = configured(
        scope_rules=(Extraction(set="lab"),), service_rules=(Extraction(match={"scope": "lab"}, set="bench"),)
    )
    story.at("10:00:30").fires(start="10:00", environment="production")

    incident = story.incident()
    assert (incident.scope, incident.services) == ("lab", ("bench",))


def test_a_rule_for_the_service_reaches_alerts_that_are_known() -> None:
    """From their next firing on: an alert that recurs for years must not keep the service of its first day."""
    story = Story()
    story.at("10:00:30").fires(start="10:00", service=None)
    story.configure("10:01", Configuration(service_rules=(Extraction(match={"service": ""}, set="storage"),)))
    story.at("10:04:30").fires(start="10:00", service=None)

    assert story.incident().services == ("storage",)


@pytest.mark.parametrize(("labels", "incidents"), [(("deploy_id",), 1), ((), 2)])
def test_labels_that_tie_alerts_together_hold_for_those_that_fire_already(
    labels: tuple[str, ...], incidents: int
) -> None:
    """The key was configured in the middle of the outage."""
    story = Story()
    story.at("10:00:30").fires("A", start="10:00", service="api", labels={"deploy_id": "7"})
    story.configure("10:20", Configuration(correlate_by=labels))
    story.at("10:40:30").fires("B", start="10:40", service="queue", labels={"deploy_id": "7"})

    assert len(story.told().incidents) == incidents


def test_a_configured_pending_window_moves_the_impact_and_says_where_it_is_from() -> None:
    """The alert states none: the rule of the configuration stands in, derived, with its provenance in the note."""
    story = configured(pending=(PendingRule(match={"source": "alertmanager"}, pending_for=FIVE),))
    story.at("10:05:30").fires(start="10:05")

    assert story.milestone("impact_started") == "10:00 derived"
    (started,) = [row for row in story.incident().timeline if row.kind is RowKind.IMPACT_STARTED]
    assert "300 s (from the configuration)" in started.text


def test_an_alert_that_states_its_pending_window_keeps_it() -> None:
    """Also when it says so only in a later notification."""
    story = configured(pending=(PendingRule(pending_for=FIVE),))
    story.at("10:05:30").fires(start="10:05")
    story.at("10:06:30").fires(start="10:05", pending_for=300.0)

    assert story.milestone("impact_started") == "10:00 derived"
    milestones = story.incident().milestones.values()
    assert not any("configuration" in (each.note or "") for each in milestones if each is not None)


@pytest.mark.parametrize(
    ("severity", "expected"), [(Severity.WARNING, "10:05 assumed"), (Severity.ERROR, "10:04 derived")]
)
def test_a_pending_rule_holds_only_where_it_matches(severity: Severity, expected: str) -> None:
    """Of several the first that matches; none: the start itself."""
    rules = (
        PendingRule(match={"severity": "error"}, pending_for=timedelta(minutes=1)),
        PendingRule(match={"severity": "e*"}, pending_for=FIVE),
    )
    story = configured(pending=rules)
    story.at("10:05:30").fires(start="10:05", severity=severity)

    assert story.milestone("impact_started") == expected


@pytest.mark.parametrize(
    ("at", "quiet", "reopened"),
    [("10:22", 30, []), ("10:27", 30, ["10:35"]), ("10:22", 5, ["10:35"])],
)
def test_a_quiet_period_that_changes_holds_for_what_still_waits(at: str, quiet: int, reopened: list[str]) -> None:
    """Resolved at 10:20: while it still waits the new period counts; once it was over, nothing is taken back."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    story.at("10:20").resolves(start="10:00", end="10:20")
    story.configure(at, Configuration(windows=Windows(quiet=timedelta(minutes=quiet), reopen=timedelta(hours=1))))
    story.at("10:35:30").fires(start="10:35")

    incident = story.incident()
    assert incident.status is IncidentStatus.OPEN
    assert times_of(incident, RowKind.REOPENED) == reopened


def test_the_same_configuration_again_changes_nothing() -> None:
    """A server that starts again says what holds already."""
    story, again = configured(), configured()
    for each in (story, again):
        each.at("10:00:30").fires(start="10:00")
    again.configure("10:01", Configuration())

    assert again.told().incidents == story.told().incidents
