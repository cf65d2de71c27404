"""What people make of the quarantine: each delivery is disposed of once; a second reading counts as a late one."""

from datetime import timedelta

import msgspec
import pytest

from alertline.incidents.memory.state import StreamState
from alertline.incidents.people.quarantine import disposed
from consumers.outcomes import outcomes
from consumers.replay import Replay
from schemas.events import Command
from schemas.records import Delivery, ReplayOf
from schemas.vocabulary import AlertStatus, CommandName, HeldState, Outcome
from tests.support.story import Story, alert, time


def told(story: Story) -> tuple[StreamState, list[list[tuple[str, bool | None, str | None]]]]:
    """The memory after a story, and the outcomes of each delivery's commands."""
    replay, found = Replay(story.policy), []
    for record in story.records:
        taken = replay.feed(record)
        assert isinstance(record, Delivery)
        done = outcomes(replay.states["default"], record, taken)
        found.append([(each.command, each.accepted, each.reason) for each in done])
    return replay.states["default"], found


def unreadable(story: Story, at: str) -> Delivery:
    """A delivery that nobody can read."""
    story.at(at).posts([], key="lost")
    found = story.records[-1]
    assert isinstance(found, Delivery)
    story.records[-1] = lost = msgspec.structs.replace(found, outcome=Outcome.QUARANTINED, reason="not JSON")
    return lost


def read_again(story: Story, lost: Delivery, name: str = "again", outcome: Outcome = Outcome.ACCEPTED) -> None:
    """The same delivery, read again in one way or the other."""
    events = (alert("HighLatency", AlertStatus.FIRING, "10:00", None),) if outcome is Outcome.ACCEPTED else ()
    mark = ReplayOf(delivery=lost.id, at=time("12:00"), actor="ana", reason="mended")
    story.records.append(
        msgspec.structs.replace(lost, id=f"d_{name}", keyed=True, outcome=outcome, events=events, replay_of=mark)
    )


def discards(story: Story, lost: Delivery, at: str, **more: str) -> None:
    """An order to put a delivery aside."""
    story.at(at).orders(CommandName.DISCARD_DELIVERY, delivery=lost.id, received_at=lost.received_at, **more)


def test_a_second_reading_is_a_late_delivery() -> None:
    """It has the old receive time, and the incident opens as of then; log time does not go back."""
    story = Story()
    lost = unreadable(story, "10:00:30")
    story.at("10:20").fires("Other", start="10:20", service="mail", environment="staging")
    read_again(story, lost)
    state, found = told(story)
    row = disposed(state, lost.id, lost.received_at)

    assert found == [[], [], [("replay_delivery", True, None)]]
    assert row is not None
    assert (row.state, row.command, row.actor, row.reason, row.at) == (
        *(HeldState.REPLAYED, "d_again", "ana", "mended", time("12:00")),
    )
    (incident,) = [each for each in story.told().incidents if each.scope == "default"]
    assert incident.alerts[0].episodes[0].started_at == time("10:00")
    assert state.log_time == time("10:20")


def test_of_two_readings_the_first_counts() -> None:
    """Whatever their ids, and however much later the second one is read."""
    story = Story()
    lost = unreadable(story, "10:00:30")
    read_again(story, lost)
    story.at("+3 10:00").resolves(start="10:00", end="10:05")
    read_again(story, lost, "another")
    _, found = told(story)

    assert found[-1] == [("replay_delivery", False, "it was read again as d_again")]
    assert story.incident().alerts[0].notifications == 2


def test_a_reading_in_vain_leaves_it_waiting() -> None:
    """Nothing is decided; a later reading counts."""
    story = Story()
    lost = unreadable(story, "10:00:30")
    read_again(story, lost, "vain", Outcome.QUARANTINED)
    before, found = told(story)
    read_again(story, lost)
    after, _ = told(story)

    assert found[-1] == [("replay_delivery", False, "not JSON")]
    assert disposed(before, lost.id, lost.received_at) is None
    assert disposed(after, lost.id, lost.received_at) is not None


@pytest.mark.parametrize("first", ["discard", "replay"])
def test_whoever_is_first_decides(first: str) -> None:
    """A discard after a replay, a replay after a discard and a second discard change nothing, and say why."""
    story = Story()
    lost = unreadable(story, "10:00:30")
    if first == "discard":
        discards(story, lost, "10:01", reason="noise")
    else:
        read_again(story, lost)
    read_again(story, lost, "second")
    discards(story, lost, "10:02", reason="noise too")
    _, found = told(story)

    why = "it was discarded by ana: noise" if first == "discard" else "it was read again as d_again"
    assert [done[0][1] for done in found[1:]] == [True, False, False]
    assert {done[0][2] for done in found[2:]} == {why}
    assert len(story.told().incidents) == (first == "replay")


def test_copies_are_disposed_of_one_by_one() -> None:
    """The same bytes of another day are another delivery."""
    story = Story()
    lost = unreadable(story, "10:00:30")
    later = msgspec.structs.replace(lost, received_at=lost.received_at + timedelta(days=2))
    story.records.append(later)
    discards(story, lost, "+2 12:00")
    state, _ = told(story)

    assert disposed(state, lost.id, lost.received_at) is not None
    assert disposed(state, later.id, later.received_at) is None


def test_a_discard_is_no_statement_about_an_incident() -> None:
    """It is on no timeline, and not among what waits for its incident; a nameless one does nothing."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    lost = unreadable(story, "10:01")
    before = story.incident()
    discards(story, lost, "10:02")
    story.at("10:03").posts([Command(command=CommandName.DISCARD_DELIVERY)], source="alertline")
    _, found = told(story)

    assert story.told().unattached == ()
    assert story.incident() == before
    assert found[-1] == [("discard_delivery", False, "it names no delivery")]


def test_other_commands_have_outcomes_too() -> None:
    """Carried out, refused with the reason, or waiting for an incident: whoever gave them is told."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    story.at("10:01").orders(CommandName.ACKNOWLEDGE)
    story.at("10:02").orders(CommandName.REOPEN)
    story.at("10:03").orders(CommandName.CLOSE, scope="elsewhere")
    _, found = told(story)

    assert found[1] == [("acknowledge", True, None)]
    assert found[2][0][:2] == ("reopen", False)
    assert "the incident is open" in (found[2][0][2] or "")
    assert found[3][0][:2] == ("close", None)
