"""Leases that a source grants with every notice, as Prometheus does: renewed, run out, taken back."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.policy import Policy
from consumers.replay import Replay
from schemas.incident import Incident
from schemas.records import Tick
from schemas.vocabulary import AlertStatus, Basis, EndBasis, IncidentStatus, MilestoneName, RowKind
from tests.support.story import DAY, Story, alert, time, times_of


def leased(*received: str, seconds: float = 240) -> Story:
    """An alert that began at 10:00 and was said at these times, each time for so long."""
    story = Story()
    for n, at in enumerate(received):
        story.at(at).fires(start="10:00", repeats=True, lease=seconds, description=str(n))
    return story


def ends(incident: Incident) -> list[tuple[str, EndBasis | None]]:
    """Time of day and basis of the ends of an incident's first alert."""
    return [(f"{each.ended_at:%H:%M:%S}", each.end_basis) for each in incident.alerts[0].episodes]


def test_a_lease_that_is_not_renewed_runs_out() -> None:
    """Prometheus died: minutes later it is over, between the last notice and the lease's end. Nothing says resolved."""
    story = leased("10:00:05", "10:01:05")
    story.tick("10:05:04")
    assert story.incident().status is IncidentStatus.OPEN
    story.tick("10:05:05")
    story.tick("10:10:05")

    incident = story.incident()
    assert (incident.status, ends(incident)) == (IncidentStatus.RESOLVED, [("10:01:05", EndBasis.EXPIRED)])
    resolved = incident.milestones[MilestoneName.RESOLVED]
    assert resolved is not None
    assert resolved.basis is Basis.ASSUMED
    assert (resolved.earliest, resolved.at, resolved.latest) == (time("10:01:05"), time("10:01:05"), time("10:05:05"))
    assert "assumed_resolution" in incident.flags


def test_a_lease_is_renewed_by_every_notice() -> None:
    """For as long as it is said again in time, it fires; and its stated end is the end."""
    story = leased(*(f"10:{minute:02d}:05" for minute in range(0, 60, 3)))
    story.at("11:00").resolves(start="10:00", end="10:59", repeats=True)
    story.tick("12:00")

    assert ends(story.incident()) == [("10:59:00", EndBasis.REPORTED)]
    assert "assumed_resolution" not in story.incident().flags


def test_a_lease_is_taken_at_its_word_however_long() -> None:
    """An alert that somebody posts until tomorrow is believed until tomorrow, beyond any pace that would be learned."""
    story = leased("10:00:05", "10:10:05", "10:20:05", seconds=timedelta(hours=20).total_seconds())
    story.tick("+1 06:20:04")
    assert story.incident().status is IncidentStatus.OPEN
    story.tick("+1 06:20:05")

    assert ends(story.incident()) == [("10:20:05", EndBasis.EXPIRED)]


def test_the_longer_of_two_leases_counts() -> None:
    """Two Prometheus servers say the same alert; the one that grants less takes nothing from the other."""
    story = leased("10:00:05", seconds=600)
    story.at("10:01").fires(start="10:00", repeats=True, lease=60)
    story.tick("10:10:04")
    assert story.incident().status is IncidentStatus.OPEN
    story.tick("10:10:05")

    assert ends(story.incident()) == [("10:01:00", EndBasis.EXPIRED)]


def test_a_source_that_grants_no_lease_any_more_is_judged_by_its_silence() -> None:
    """The same alert comes by another way, which promises nothing: hours of silence are usual there."""
    story = leased("10:00:05")
    story.at("10:01").fires(start="10:00", repeats=True)
    story.tick("14:00")
    assert story.incident().status is IncidentStatus.OPEN
    story.tick("14:31")

    assert ends(story.incident()) == [("10:01:00", EndBasis.EXPIRED)]


def test_a_notice_after_the_lease_ran_out_takes_the_end_back() -> None:
    """Prometheus was away for an hour and sees the same start: one episode; a correction keeps what was assumed."""
    story = leased("10:00:05")
    story.tick("10:30")
    assert ends(story.incident()) == [("10:00:05", EndBasis.EXPIRED)]
    story.at("11:00:05").fires(start="10:00", repeats=True, lease=600, description="again")

    incident = story.incident()
    assert incident.status is IncidentStatus.OPEN
    assert [(each.started_at, each.ended_at) for each in incident.alerts[0].episodes] == [(time("10:00"), None)]
    assert set(times_of(incident, RowKind.CORRECTION)) == {"10:00:05"}
    story.tick("11:11")
    assert ends(story.incident()) == [("11:00:05", EndBasis.EXPIRED)]


def test_renewals_that_lay_unread_came_in_time() -> None:
    """The correlator was away: what was received meanwhile renews the lease, and nothing ever expires."""
    story = Story()
    story.tick("11:00")
    for minute in range(0, 60, 3):
        story.at(f"10:{minute:02d}").fires(start="10:00", repeats=True, lease=240, description=str(minute))
    story.at("11:00").resolves(start="10:00", end="10:59", repeats=True)

    incident = story.incident()
    assert ends(incident) == [("10:59:00", EndBasis.REPORTED)]
    assert not times_of(incident, RowKind.CORRECTION)


def test_each_alert_of_a_list_has_its_own_lease() -> None:
    """One is renewed, the other is not: only that one expires."""
    story = Story()
    both = [alert(name, AlertStatus.FIRING, "10:00", None, repeats=True, lease=240.0) for name in ("A", "B")]
    story.at("10:00:05").posts(both)
    story.at("10:03:05").posts([alert("A", AlertStatus.FIRING, "10:00", None, repeats=True, lease=3600.0)])
    story.tick("10:06")

    incident = story.incident()
    assert {each.dedup_key: [own.end_basis for own in each.episodes] for each in incident.alerts} == {
        "A": [None],
        "B": [EndBasis.EXPIRED],
    }


@given(st.lists(st.tuples(st.integers(1, 900), st.integers(1, 600)), min_size=1, max_size=8))
def test_the_first_gap_that_no_lease_covers_is_the_end(notices: list[tuple[int, int]]) -> None:
    """Whatever is granted and whenever it is renewed: as far as leases reach it fires, and there it expires."""
    story, at, until = Story(), 0, 0
    last_told = 0
    for n, (passed, lease) in enumerate(notices):
        if n and at + passed > until:
            break
        at += passed if n else 0
        until, last_told = max(until, at + lease), at
        moment = f"{10 + at // 3600}:{at // 60 % 60:02d}:{at % 60:02d}"
        story.at(moment).fires(start="10:00", repeats=True, lease=float(lease), description=str(n))
    over = DAY + timedelta(hours=10, seconds=until)
    if until > last_told:
        assert episode_at(story, over - timedelta(seconds=1)) == (None, None)
    assert episode_at(story, over) == (DAY + timedelta(hours=10, seconds=last_told), EndBasis.EXPIRED)


def episode_at(story: Story, looked: datetime) -> tuple[datetime | None, EndBasis | None]:
    """How far its one alert's one episode has come by then."""
    replay = Replay(Policy())
    for record in (*story.records, Tick(stream="default", at=looked)):
        replay.feed(record)
    (incident,) = replay.result().incidents
    (episode,) = incident.alerts[0].episodes
    return episode.ended_at, episode.end_basis
