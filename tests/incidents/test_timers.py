"""When timers are carried out."""

from alertline.incidents.policy import Policy
from consumers.replay import Replay
from schemas.vocabulary import EntryKind, IncidentStatus, Severity
from tests.support.story import Story


def test_a_deadline_that_was_over_when_it_was_set_waits_for_no_later_record() -> None:
    """An old end, told to matter only now: the next record carries the timer out, however early that was received."""
    story = Story()
    story.at("10:00:30").resolves(end=None, severity=Severity.INFO)
    story.at("11:37").fires(start="10:00")  # the firing that belongs to it: it was worth an incident
    story.at("10:01").says(EntryKind.NOTE, at="10:00", scope="elsewhere")
    replay = Replay(Policy())
    for record in story.records:
        replay.feed(record)

    (incident,) = replay.states["default"].incidents.values()
    assert incident.status is IncidentStatus.RESOLVED
