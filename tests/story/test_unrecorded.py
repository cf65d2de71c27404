"""Where deliveries had to be refused, the incidents of that time say that something may be missing there."""

from alertline.incidents.telling.plaintext import incident_text
from schemas.events import Change
from schemas.vocabulary import ChangeKind
from tests.support.story import Story, time

SAID = "deliveries may be missing here"


def refused(story: Story, at: str, first: str, last: str) -> None:
    """What the receiver tells when its log is back."""
    story.at(at).posts(
        [Change(kind=ChangeKind.UNRECORDED, text=SAID, at=time(first), ended_at=time(last))], source="alertline"
    )


def gaps(story: Story) -> list[list[tuple[str, str]]]:
    """The stretches in which something may be missing, of each incident by its start."""
    found = sorted(story.told().incidents, key=lambda each: each.timeline[0].at)
    return [[(f"{gap.from_:%H:%M}", f"{gap.to:%H:%M}") for gap in each.gaps if gap.what == SAID] for each in found]


def test_incidents_of_the_time_show_it_whatever_their_scope() -> None:
    """As much of it as lay within the incident; those before and after it show nothing."""
    story = Story()
    story.at("08:00").fires("early", start="08:00")
    story.at("08:10").resolves("early", start="08:00", end="08:10")
    story.at("10:00").fires("open", start="10:00", environment="production")
    story.at("10:05").fires("over", start="10:05")
    story.at("10:40").resolves("over", start="10:05", end="10:20")
    refused(story, "10:41", "10:10", "10:30")
    refused(story, "10:42", "09:40", "10:02")
    story.at("11:30").fires("late", start="11:30")

    assert gaps(story) == [[], [("10:00", "10:02"), ("10:10", "10:30")], [("10:10", "10:20")], []]


def test_it_is_neither_a_candidate_nor_a_row() -> None:
    """Nothing was changed in the observed system; the text of the incident tells it as a gap."""
    story = Story()
    story.at("10:00").fires(start="10:00")
    refused(story, "10:31", "10:10", "10:30")
    incident = story.incident()

    assert incident.changes == ()
    assert SAID not in [row.text for row in incident.timeline]
    assert SAID in incident_text(incident)
