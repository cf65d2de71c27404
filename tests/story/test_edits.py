"""What people set, take back and put elsewhere: revisions, undo, history (contract §6, §8.11, §8.13–8.16)."""

from typing import Any

import pytest

from schemas.incident import Edit, Incident, TimelineRow
from schemas.vocabulary import CommandName, EntryKind, MilestoneName, RowKind, Severity
from tests.story.test_people import firing, two_incidents
from tests.support.story import Story, time


def order(story: Story, command: CommandName, **more: Any) -> Edit:
    """Give an order at 10:30, and see it in the history of its incident."""
    before = {each.id for incident in story.told().incidents for each in incident.history}
    story.at("10:30").orders(command, **more)
    (new,) = [each for incident in story.told().incidents for each in incident.history if each.id not in before]
    return new


def row_of(incident: Incident, kind: RowKind) -> TimelineRow:
    """The one row of a kind."""
    (row,) = [each for each in incident.timeline if each.kind is kind]
    return row


def test_a_declaration_by_hand_opens_an_incident_of_its_own() -> None:
    """Whatever else is open: it has the title that was given, and alerts may raise its severity, never lower it."""
    story = firing()
    story.at("10:02").orders(
        CommandName.DECLARE, at="10:01", service="shop", fields={"title": "Customers call", "severity": "error"}
    )
    declared = next(each for each in story.told().incidents if each.title == "Customers call")

    assert (declared.severity, declared.services) == (Severity.ERROR, ("shop",))
    assert declared.milestones[MilestoneName.DETECTED] is not None
    assert [row.text for row in declared.timeline if row.kind is RowKind.DECLARED] == ["Customers call"]


def test_the_second_of_two_edits_is_told_that_it_lost() -> None:
    """Both saw revision 0: the first stands, the second is kept in the history with the reason, and nowhere else."""
    story = firing()
    slots = {"root_cause": {"text": "the pool", "status": "draft"}}
    first = order(story, CommandName.UPDATE, fields={"slots": slots}, revision=0)
    second = order(story, CommandName.UPDATE, fields={"slots": {"root_cause": {"text": "no idea"}}}, revision=0)

    incident = story.incident()
    assert (first.done, second.done) == (True, False)
    assert second.refused == "somebody was first: slot root_cause is at revision 1, not 0"
    assert (incident.postmortem.slots["root_cause"].text, incident.postmortem.slots["root_cause"].revision) == (
        "the pool",
        1,
    )
    assert not [row for row in incident.timeline if "no idea" in row.text]


def test_edits_of_different_things_never_meet() -> None:
    """A revision is that of the thing: another slot, a milestone and the title are at theirs."""
    story = firing()
    for more in (
        {"fields": {"slots": {"root_cause": {"text": "a"}}}},
        {"fields": {"slots": {"impact": {"text": "b"}}}},
        {"fields": {"title": "c"}},
    ):
        assert order(story, CommandName.UPDATE, revision=0, **more).done
    assert order(
        story, CommandName.OVERRIDE_MILESTONE, milestone=MilestoneName.DETECTED, to=time("9:58"), revision=0
    ).done

    assert story.incident().revisions["title"] == 1
    assert story.incident().revisions["detected"] == 1
    assert story.incident().revisions["severity"] == 0


@pytest.mark.parametrize(
    ("more", "read"),
    [
        ({"fields": {"title": "A better title"}}, lambda each: each.title),
        ({"fields": {"severity": "info"}}, lambda each: each.severity),
        ({"fields": {"classification": "drill"}}, lambda each: each.classification),
        ({"fields": {"slots": {"tasks": {"text": "x"}}}}, lambda each: each.postmortem.slots["tasks"].text),
    ],
)
def test_what_was_set_is_taken_back(more: dict[str, Any], read: Any) -> None:
    """What stood before stands again, though it was never set; taken back once, and no more."""
    story = firing()
    before = read(story.incident())
    done = order(story, CommandName.UPDATE, **more)
    changed = read(story.incident())
    undo = order(story, CommandName.UNDO, of=done.id, reason="a slip")
    again = order(story, CommandName.UNDO, of=done.id)

    assert changed != before
    assert read(story.incident()) == before
    assert (done.undoable, undo.undoable, again.refused) == (True, True, "it was taken back before")
    assert undo.what.startswith("Undo: ")


def test_an_older_setting_is_not_taken_back_over_a_newer_one() -> None:
    """What somebody set since would be lost."""
    story = firing()
    first = order(story, CommandName.UPDATE, fields={"title": "one"})
    order(story, CommandName.UPDATE, fields={"title": "two"})
    undo = order(story, CommandName.UNDO, of=first.id)

    assert undo.refused == "it was set again since: take that back first"
    assert story.incident().title == "two"


def test_the_undo_of_an_override_brings_the_one_before_it_back() -> None:
    """And the undo of that one the automatic value; each is one more revision."""
    story = firing()
    first = order(story, CommandName.OVERRIDE_MILESTONE, milestone=MilestoneName.DETECTED, to=time("9:50"), reason="a")
    second = order(story, CommandName.OVERRIDE_MILESTONE, milestone=MilestoneName.DETECTED, reason="none")
    seen = []
    for each in (second, first):
        order(story, CommandName.UNDO, of=each.id)
        seen.append(story.milestone("detected"))

    assert seen == ["09:50 manual", "09:50 manual"]
    last = story.incident().history[-1]
    assert last.refused == "it was set again since: take that back first"
    assert order(story, CommandName.UNDO, of=story.incident().history[-2].id).done
    assert story.incident().milestones[MilestoneName.DETECTED] is None


def test_an_acknowledgement_is_taken_back() -> None:
    """Nobody acknowledged it then."""
    story = firing()
    done = order(story, CommandName.ACKNOWLEDGE, at="10:10")
    assert story.milestone("acknowledged") == "10:10 manual"
    order(story, CommandName.UNDO, of=done.id)

    assert story.milestone("acknowledged") is None


def test_a_resolve_is_not_taken_back_but_reopened() -> None:
    """The history says what to do instead."""
    story = firing()
    done = order(story, CommandName.RESOLVE, at="10:20")

    assert not done.undoable
    assert order(story, CommandName.UNDO, of=done.id).refused == "reopen the incident instead"


def test_an_entry_is_corrected() -> None:
    """Its time, its words, its kind: the milestone follows, and what it said before is kept."""
    story = firing()
    story.at("10:12").says(EntryKind.CAUSE_IDENTIFIED, at="10:11", text="the pool")
    entry = row_of(story.incident(), RowKind.CAUSE_IDENTIFIED)
    done = order(
        story, CommandName.EDIT_ENTRY, entry=entry.id, fields={"at": time("10:09").isoformat(), "text": "the backend"}
    )

    assert entry.written
    assert story.milestone("cause_identified") == "10:09 manual"
    assert (done.before, done.what) == ({"at": "2025-03-04T10:11:00Z", "text": "the pool"}, "Row “the pool”")
    order(story, CommandName.EDIT_ENTRY, entry=entry.id, fields={"kind": "finding"})
    assert story.milestone("cause_identified") is None
    assert row_of(story.incident(), RowKind.FINDING).revision == 2


def test_what_a_machine_recorded_is_never_corrected() -> None:
    """It can be pinned, hidden and annotated: its own content stays."""
    story = firing()
    fired = row_of(story.incident(), RowKind.ALERT_FIRED)
    refused = order(story, CommandName.EDIT_ENTRY, entry=fired.id, fields={"text": "nothing happened"})
    done = order(story, CommandName.EDIT_ENTRY, entry=fired.id, fields={"pinned": True, "note": "the first sign"})

    row = row_of(story.incident(), RowKind.ALERT_FIRED)
    assert refused.refused is not None
    assert refused.refused.startswith("only what a person wrote")
    assert (row.text, row.pinned, row.note, row.revision) == (fired.text, True, "the first sign", 1)
    order(story, CommandName.UNDO, of=done.id)
    assert row_of(story.incident(), RowKind.ALERT_FIRED).note is None


def test_a_row_that_is_not_there_is_not_edited() -> None:
    """The command says so."""
    done = order(firing(), CommandName.EDIT_ENTRY, entry="ev_nowhere", fields={"hidden": True})

    assert done.refused == "the incident has no such row"


def test_a_merge_is_taken_back() -> None:
    """Also where the other incident has no alert, and also one merge after the other."""
    story = two_incidents()
    first, second = story.told().incidents
    story.at("10:21").orders(CommandName.DECLARE, at="10:05", fields={"title": "Calls"})
    third = next(each for each in story.told().incidents if each.title == "Calls")
    inner = order(story, CommandName.MERGE, incident=third.id, into=second.id)
    outer = order(story, CommandName.MERGE, incident=second.id, into=first.id)
    too_early = order(story, CommandName.UNDO, incident=first.id, of=inner.id)
    assert too_early.refused == "it was merged further since: take that back first"

    assert order(story, CommandName.UNDO, incident=first.id, of=outer.id).done
    assert order(story, CommandName.UNDO, incident=second.id, of=inner.id).done
    after = {each.id: each for each in story.told().incidents}
    assert set(after) == {first.id, second.id, third.id}
    assert after[third.id].title == "Calls"
    assert [alert.dedup_key for alert in after[second.id].alerts] == ["DiskFull"]


def test_a_detached_alert_comes_back_by_undo() -> None:
    """The incident that it had for a while leads here."""
    story = firing()
    story.at("10:02:30").fires("Errors", start="10:02")
    incident = story.incident()
    errors = next(alert.id for alert in incident.alerts if alert.dedup_key == "Errors")
    done = order(story, CommandName.DETACH, incident=incident.id, alerts=(errors,))
    apart = len(story.told().incidents)
    order(story, CommandName.UNDO, incident=incident.id, of=done.id)

    assert apart == 2
    assert sorted(alert.dedup_key for alert in story.incident().alerts) == ["Errors", "HighLatency"]


def test_an_attached_alert_goes_back_by_undo() -> None:
    """The incident that it had emptied lives again, under its own id."""
    story = two_incidents()
    first, second = story.told().incidents
    done = order(story, CommandName.ATTACH, incident=first.id, alerts=(second.alerts[0].id,))
    assert story.incident().aliases == (second.id,)
    order(story, CommandName.UNDO, incident=first.id, of=done.id)

    assert {each.id: [alert.dedup_key for alert in each.alerts] for each in story.told().incidents} == {
        first.id: ["HighLatency"],
        second.id: ["DiskFull"],
    }


def test_an_alert_is_attached_again_with_all_that_it_had() -> None:
    """Not only its newest episode."""
    story = firing()
    for n, start in enumerate(("10:02", "10:04", "10:06")):
        story.at(f"10:0{2 * n + 2}:10").fires("Errors", start=start)
        story.at(f"10:0{2 * n + 3}:10").resolves("Errors", start=start, end=f"10:0{2 * n + 3}")
    incident = story.incident()
    errors = next(alert for alert in incident.alerts if alert.dedup_key == "Errors")
    order(story, CommandName.DETACH, incident=incident.id, alerts=(errors.id,))
    order(story, CommandName.ATTACH, incident=incident.id, alerts=(errors.id,))

    again = next(alert for alert in story.incident().alerts if alert.dedup_key == "Errors")
    assert len(again.episodes) == len(errors.episodes) == 3


def test_what_waits_is_attached_by_hand() -> None:
    """An entry that found no incident goes where a person says."""
    story = Story()
    story.at("8:00").says(EntryKind.FINDING, at="8:00", text="odd traffic")
    story.at("10:00:30").fires(start="10:00")
    (waiting,) = story.told().unattached
    order(story, CommandName.ATTACH, entries=(waiting.id,))

    assert story.told().unattached == ()
    assert row_of(story.incident(), RowKind.FINDING).text == "odd traffic"


def test_a_split_takes_the_entries_that_it_names() -> None:
    """Entries stay unless they are named (§8.15), and keep what people said about them."""
    story = firing()
    story.at("10:02:30").fires("Errors", start="10:02")
    story.at("10:06").says(EntryKind.NOTE, at="10:05", text="about the errors")
    incident = story.incident()
    note = row_of(incident, RowKind.NOTE)
    order(story, CommandName.EDIT_ENTRY, entry=note.id, fields={"pinned": True})
    errors = next(alert.id for alert in incident.alerts if alert.dedup_key == "Errors")
    order(story, CommandName.SPLIT, incident=incident.id, alerts=(errors,), entries=(note.id,))

    other = next(each for each in story.told().incidents if each.id != incident.id)
    assert row_of(other, RowKind.NOTE).pinned
    assert not [row for row in story.told().incidents if row.id == incident.id and "about" in str(row.timeline)]


def test_a_merge_does_not_bring_the_losers_title_along() -> None:
    """The survivor's words win; a slot that only the loser had is kept."""
    story = two_incidents()
    first, second = story.told().incidents
    order(story, CommandName.UPDATE, incident=first.id, fields={"slots": {"impact": {"text": "mine"}}})
    order(
        story,
        CommandName.UPDATE,
        incident=second.id,
        fields={"title": "Theirs", "slots": {"impact": {"text": "theirs"}, "tasks": {"text": "buy disks"}}},
    )
    order(story, CommandName.MERGE, incident=second.id, into=first.id)

    slots = story.incident().postmortem.slots
    assert (story.incident().title, slots["impact"].text, slots["tasks"].text) == (
        "HighLatency on api (+1 more)",
        "mine",
        "buy disks",
    )
