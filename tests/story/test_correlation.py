"""Which alerts become one incident, and what is said about it (correlation by evidence)."""

from alertline.incidents.callmap import CallMap
from alertline.incidents.policy import Policy
from schemas.incident import Incident
from schemas.vocabulary import ChangeKind, CommandName, RowKind
from tests.support.story import Story, times_of

SHOP = Policy(calls=CallMap({"web": ("cart", "search"), "cart": ("cart-db",)}))
RATES = Policy(calls=CallMap({"shop": ("rates",), "bank": ("rates",)}))


def services_of(story: Story) -> list[tuple[str, ...]]:
    """The services of each incident, in order of start."""
    return [incident.services for incident in story.told().incidents]


def reasons(incident: Incident) -> dict[str, str]:
    """Rule and sentence of every reason of an incident's alerts."""
    return {reason.rule: reason.text for alert in incident.alerts for reason in alert.why}


def test_what_starts_close_in_time_is_one_incident_and_it_says_why() -> None:
    """Nothing is configured: the chance of coincidence decides, and stands in the reason."""
    story = Story()
    story.at("10:00:10").fires("Latency", start="10:00", service="web")
    story.at("10:01:10").fires("Errors", start="10:00:40", service="cart")

    assert services_of(story) == [("cart", "web")]
    assert reasons(story.incident())["time"] == (
        "Started 40 s after the incident's newest alert; "
        "unrelated alerts start in default about 6×/day, chance of coincidence 1 %."
    )


def test_what_starts_long_after_is_another_incident() -> None:
    """While the first still fires, another service an hour later is not taken in."""
    story = Story()
    story.at("10:00:10").fires("Latency", start="10:00", service="web")
    story.at("11:00:10").fires("Errors", start="11:00", service="billing")

    assert services_of(story) == [("web",), ("billing",)]


def test_the_same_service_is_taken_in_while_the_incident_lasts() -> None:
    """An hour later another check of the same service fires."""
    story = Story()
    story.at("10:00:10").fires("Latency", start="10:00", service="web")
    story.at("11:00:10").fires("Errors", start="11:00", service="web")

    assert "same_service" in reasons(story.incident())


def test_strangers_on_the_map_are_kept_apart_however_close_they_start() -> None:
    """The map knows both, and nothing leads from the one to the other."""
    story = Story(Policy(calls=CallMap({"web": ("cart",), "mail": ("mail-queue",)})))
    story.at("10:00:10").fires("Latency", start="10:00", service="web")
    story.at("10:00:20").fires("Errors", start="10:00:05", service="mail")

    assert services_of(story) == [("web",), ("mail",)]


def test_calls_stretch_the_time_and_name_the_origin() -> None:
    """A callee half an hour later still belongs; without the map it does not."""
    told = []
    for policy in (SHOP, Policy()):
        story = Story(policy)
        story.at("10:00:10").fires("Latency", start="10:00", service="web")
        story.at("10:30:10").fires("Errors", start="10:30", service="cart")
        told.append(story)

    assert services_of(told[0]) == [("cart", "web")]
    assert services_of(told[1]) == [("web",), ("cart",)]
    incident = told[0].incident()
    assert reasons(incident)["calls"] == "web calls cart directly."
    assert incident.probable_origin is not None
    assert (incident.probable_origin.service, f"{incident.probable_origin.at:%H:%M}") == ("cart", "10:30")


def test_what_falls_short_is_shown_as_related() -> None:
    """Forty minutes apart is not enough to join, and too much to say nothing."""
    story = Story()
    story.at("10:00:10").fires("Latency", start="10:00", service="web")
    story.at("10:40:10").fires("Errors", start="10:40", service="cart")

    first, second = story.told().incidents
    assert [related.incident for related in second.related] == [first.id]
    assert 6 <= second.related[0].points < 12


def bridged() -> Story:
    """Two services that have nothing to do with each other fail at once, because of one that both call."""
    story = Story(RATES)
    story.at("10:00:10").fires("Latency", start="10:00", service="shop")
    story.at("10:00:20").fires("Errors", start="10:00:10", service="bank")
    return story


def test_an_alert_that_ties_two_incidents_together_merges_them() -> None:
    """The older survives, the other's id leads to it, and the alert names both reasons."""
    story = bridged()
    before = story.told().incidents
    story.at("10:01:20").fires("Errors5xx", start="10:01", service="rates")

    assert len(before) == 2
    incident = story.incident()
    assert (incident.id, incident.aliases) == (before[0].id, (before[1].id,))
    assert incident.services == ("bank", "rates", "shop")
    assert {"calls", "bridge"} <= set(reasons(incident))
    assert times_of(incident, RowKind.MERGED) == ["10:01"]


def test_what_a_person_parted_is_not_merged_again() -> None:
    """A split brings the old id back, and the next alert that speaks for both is only shown as related."""
    story = bridged()
    second = story.told().incidents[1]
    story.at("10:01:20").fires("Errors5xx", start="10:01", service="rates")
    home = story.incident()
    story.at("10:02").orders(CommandName.SPLIT, incident=home.id, alerts=(second.alerts[0].id,))
    story.at("10:03:10").fires("Saturation", start="10:03", service="rates")

    first, again = story.told().incidents
    assert (first.id, again.id) == (home.id, second.id)
    assert {alert.title for alert in again.alerts} == {second.alerts[0].title}
    assert again.id in {related.incident for related in first.related}


def test_two_incidents_that_people_work_on_are_never_merged() -> None:
    """Both were acknowledged: the merge is left to people."""
    story = bridged()
    first, second = story.told().incidents
    story.at("10:00:32").orders(CommandName.ACKNOWLEDGE, incident=first.id)
    story.at("10:00:33").orders(CommandName.ACKNOWLEDGE, incident=second.id)
    story.at("10:01:20").fires("Errors5xx", start="10:01", service="rates")

    assert len(story.told().incidents) == 2


def test_the_incident_that_a_person_works_on_survives() -> None:
    """It is the younger one; its id is the one that people have open."""
    story = bridged()
    second = story.told().incidents[1]
    story.at("10:00:32").orders(CommandName.ACKNOWLEDGE, incident=second.id)
    story.at("10:01:20").fires("Errors5xx", start="10:01", service="rates")

    assert story.incident().id == second.id


def test_a_shared_key_ties_together_what_nothing_else_does() -> None:
    """Strangers on the map, hours apart, with the same configured label."""
    story = Story(
        Policy(calls=CallMap({"web": ("search",), "mail": ("queue",), "cart": ("db",)}), correlate_by=("deploy_id",))
    )
    story.at("10:00:10").fires("Latency", start="10:00", service="web", labels={"deploy_id": "42"})
    story.at("12:00:10").fires("Errors", start="12:00", service="mail", labels={"deploy_id": "42"})
    story.at("12:01:10").fires("Lag", start="12:01", service="cart", labels={"deploy_id": "43"})

    tied, other = story.told().incidents
    assert (tied.services, other.services) == (("mail", "web"), ("cart",))
    assert reasons(tied)["same_key"] == "They carry the same deploy_id (42)."


def test_candidates_know_what_the_services_depend_on() -> None:
    """A deploy of a callee's callee is a nearer candidate than one of something else."""
    story = Story(SHOP)
    story.at("09:50").changes(ChangeKind.DEPLOY, at="09:50", service="cart-db")
    story.at("09:50:30").changes(ChangeKind.DEPLOY, at="09:50:30", service="mail")
    story.at("10:00:10").fires("Latency", start="10:00", service="web")

    points = {change.service: change.points for change in story.incident().changes}
    assert points == {"cart-db": 11, "mail": 8}


def test_services_that_always_started_together_are_known_by_it() -> None:
    """After a week of company a quarter of an hour is no distance; strangers of a week stay strangers."""
    story = Story()
    for day in range(1, 8):
        for service, minute in (("web", "00"), ("cart", "02"), ("mail", "40")):
            clock = f"{day} 09:{minute}"
            story.at(f"{clock}:10").fires(f"Old{service}", start=clock, service=service)
            story.at(f"{clock}:50").resolves(f"Old{service}", start=clock, end=f"{clock}:40", service=service)
    story.at("9 10:00:10").fires("Latency", start="9 10:00", service="web")
    story.at("9 10:16:10").fires("Errors", start="9 10:16", service="cart")
    story.at("9 10:16:20").fires("Lag", start="9 10:16:05", service="mail")

    last = [incident for incident in story.told().incidents if incident.created_at.day == 13]
    assert [incident.services for incident in last] == [("cart", "web"), ("mail",)]
