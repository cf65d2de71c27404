"""Moments: alerts of sources that tell no end, and what happens when one tells it after all."""

from schemas.vocabulary import EndBasis, IncidentStatus, RowKind
from tests.support.story import Story, times_of


def moment() -> Story:
    """Something that happened at 10:00, of a source that says nothing more of it."""
    story = Story()
    story.at("10:00:10").fires(start="10:00", point=True)
    return story


def ends(story: Story) -> list[tuple[str, EndBasis | None]]:
    """Time of day and basis of the end of each episode."""
    return [(f"{each.ended_at:%H:%M}", each.end_basis) for each in story.incident().alerts[0].episodes]


def test_a_moment_is_over_when_it_begins() -> None:
    """Nobody says that it ended, so its incident resolves after a longer quiet; that is assumed."""
    story = moment()
    story.tick("11:30")

    assert ends(story) == [("10:00", EndBasis.ASSUMED)]
    assert story.milestone("resolved") == "10:00 assumed"


def test_a_moment_whose_source_tells_an_end_lasted_until_then() -> None:
    """A trigger without a key, resolved by the key that its sender was told: an interval, reported."""
    story = moment()
    story.at("10:20:05").resolves(start=None, end="10:20")
    story.tick("10:26")

    assert ends(story) == [("10:20", EndBasis.REPORTED)]
    assert story.milestone("resolved") == "10:20 reported"
    assert times_of(story.incident(), RowKind.ALERT_RESOLVED) == ["10:20"]


def test_the_first_end_that_is_told_stays() -> None:
    """Saying it again, without another end, changes nothing."""
    story = moment()
    story.at("10:20:05").resolves(start=None, end="10:20")
    story.at("10:40").resolves(start=None, end=None)

    assert ends(story) == [("10:20", EndBasis.REPORTED)]


def test_a_moment_that_comes_again_is_another_one() -> None:
    """Each has its own time; an end that is told later is that of the newest."""
    story = moment()
    story.at("10:05:10").fires(start="10:05", point=True)
    story.at("10:20:05").resolves(start=None, end="10:20")
    story.tick("10:26")

    assert ends(story) == [("10:00", EndBasis.ASSUMED), ("10:20", EndBasis.REPORTED)]
    assert story.incident().status is IncidentStatus.RESOLVED
