"""The postmortem draft: facts with their traces, slots for people, and a rendering that never harms what they wrote."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.telling.blocks import Auto, Slotted, Text, parse
from alertline.incidents.telling.draft import draft, rerender
from alertline.incidents.telling.slots import completeness, required_slots
from schemas.incident import Incident, Slot
from schemas.vocabulary import SlotStatus
from tests.support.sample_incident import outage, running, titled

# what a sender may try, besides anything at all
NASTY = st.sampled_from(
    [
        "<script>alert(1)</script>",
        "--> <b>",
        "<!-- /auto -->",
        "a | b",
        "x\n<!-- /auto -->\n<!-- slot:impact status=done -->\n",
        "\n<!-- /slot -->\n",
        "<!-- auto:timeline v=1 sha=0 -->\n",
        "`*_~[]()#\\",
        "\u2028\x85\x0b\r\n\x1b[31m",
        "\u202egnp.exe",
        "--!>",
        "",
    ]
)
FOREIGN = st.one_of(st.text(), NASTY, st.builds(lambda left, right: left + right, NASTY, NASTY))


def names(document: str) -> list[str]:
    """The structure of a document: its blocks and slots, in order."""
    return [segment.name for segment in parse(document) if not isinstance(segment, Text)]


@pytest.mark.parametrize("incident", [outage(), running()], ids=["outage", "running"])
def test_every_generated_line_names_its_events(incident: Incident) -> None:
    """Each automatic line but a table's head ends in a trace."""
    for segment in parse(draft(incident)):
        if not isinstance(segment, Auto):
            continue
        for line, following in zip(segment.content.split("\n"), [*segment.content.split("\n")[1:], ""], strict=True):
            head = line.startswith("| --- ") or following.startswith("| --- ")
            assert not line or head or re.search(r"<!-- ev: [^<>]+ -->( \|)?$", line), line


def test_traces_name_recorded_events_only() -> None:
    """Every id in a trace stands in the incident."""
    incident = outage()
    known = msgspec.json.encode(incident).decode()

    traces = re.findall(r"<!-- ev: (.*?) -->", draft(incident))

    assert traces
    assert all(identifier in known for trace in traces for identifier in trace.split() if identifier != "none")


def test_the_draft_has_the_form_of_hand_written_ones() -> None:
    """The sections stand in the order in which teams write them."""
    headings = re.findall(r"^## (.*)$", draft(outage()), re.MULTILINE)

    assert headings == [
        "Issue Summary",
        "Key times",
        "Durations",
        "Timeline",
        "Root Cause",
        "Resolution",
        "Candidate changes",
        "Corrective and Preventative Measures",
        "Open questions",
        "Appendix",
    ]


@pytest.mark.parametrize(
    "expected",
    [
        "# Incident Report: API success rate below 90 %",
        "- **Duration**: 1 h 45 min, 2024-08-20 14:00 to 15:45 UTC (start derived, end derived)",
        "by the alert “API success rate below 90 %” (alertmanager)",
        "- **14:05 UTC**: Alert fired: API success rate below 90 % <!-- ev: ev_fire1 -->",
        "The recent API update; rolling back. _(misleading path, rejected 14:30 UTC)_",
        "- **14:25–14:30 UTC**: Rollback: api rolled back",
        "| ack_from_detect | Detected | Acknowledged | not measured |  | nobody acknowledged",
        "| Acknowledged | not recorded |",
        "Candidates, not causes",
        "- [ ] To fill: improvements",
        "- [ ] Conflict about severity: critical, error",
        "- [ ] What happened from 2024-08-20 15:00 to 15:20 UTC?",
        "A **pool setting** was altered.",
        "80 % of users affected. The others saw response times above 10 s.",
    ],
)
def test_the_draft_states_what_is_recorded(expected: str) -> None:
    """Facts, absences and written slots all appear in words."""
    assert expected in draft(outage())


def test_hidden_rows_are_left_out() -> None:
    """What somebody hid is in no part of the draft."""
    document = draft(outage())

    assert "Secret test entry" not in document
    assert "ev_hidden" not in document


def test_a_running_incident_has_no_length() -> None:
    """An open incident says since when it is open; an assumed zero is a lower bound."""
    document = draft(running())

    assert "Open since 2024-08-20 14:05 UTC; not resolved." in document
    assert "| ≥ 0 (assumed) | assumed |" in document
    assert "_To fill: root cause (owner: —)_" in document


def test_days_get_headings_when_there_are_several() -> None:
    """A timeline over midnight says which day each part belongs to."""
    incident = outage()
    last = msgspec.structs.replace(incident.timeline[-2], at=incident.timeline[-2].at.replace(day=21))
    document = draft(msgspec.structs.replace(incident, timeline=(*incident.timeline[:-2], last)))

    assert re.findall(r"^### (.*?) <!--", document, re.MULTILINE) == ["2024-08-20 (UTC)", "2024-08-21 (UTC)"]


@pytest.mark.parametrize("incident", [outage(), running()], ids=["outage", "running"])
def test_rendering_again_changes_nothing(incident: Incident) -> None:
    """A draft rendered again from the same incident is the same bytes."""
    assert draft(incident) == rerender(draft(incident), incident)


def test_new_facts_reach_blocks_and_nothing_else() -> None:
    """Written slots and notes between blocks survive byte for byte; the blocks are those of the new state."""
    document = draft(running())
    written = document.replace("_To fill: root cause (owner: —)_", "The pool.\r\n\r\n* one  ").replace(
        "## Timeline\n", "## Timeline\nOur note <!-- keep -->\n"
    )

    after = rerender(written, outage())

    assert "The pool.\r\n\r\n* one  \n" in after
    assert "## Timeline\nOur note <!-- keep -->\n" in after
    assert "- [ ] To fill: root cause" not in after
    fresh = {part.name: part.content for part in parse(draft(outage())) if isinstance(part, Auto)}
    again = {part.name: part.content for part in parse(after) if isinstance(part, Auto)}
    assert {name: text for name, text in fresh.items() if name != "open_questions"} == {
        name: text for name, text in again.items() if name != "open_questions"
    }


def test_an_edited_block_is_kept_beside_the_fresh_one() -> None:
    """A hand-edited block becomes people's text with a note, once; the fresh block stands below it."""
    document = draft(outage()).replace("- **14:05 UTC**: Alert fired", "- **14:06 UTC**: Really fired")

    once = rerender(document, outage())

    assert "**14:06 UTC**: Really fired" in once
    assert "- **14:05 UTC**: Alert fired" in once
    assert once.count("**Conflict**") == 1
    assert once == rerender(once, outage())


def test_a_deleted_block_stays_deleted() -> None:
    """What people threw out is not forced back."""
    document = draft(outage())
    block = next(part for part in parse(document) if isinstance(part, Auto) and part.name == "alerts")

    assert "auto:alerts" not in rerender(document.replace(block.raw, ""), outage())


def test_other_line_ends_are_no_edit() -> None:
    """An editor that writes CRLF makes no conflict, and rendering keeps its line ends."""
    document = draft(outage()).replace("\n", "\r\n")

    assert document == rerender(document, outage())
    assert "Conflict**" not in rerender(document, running())


@pytest.mark.parametrize(
    "damaged",
    ["<!-- auto:timeline v=1 sha=00 -->\nno end", "<!-- slot:impact status=done -->\n", "<!-- /auto -->\n", ""],
)
def test_damaged_marks_are_ordinary_text(damaged: str) -> None:
    """A document whose marks are broken is left as it is."""
    assert damaged == rerender(damaged, outage())


def test_a_block_pasted_into_a_slot_belongs_to_the_slot() -> None:
    """Inside a slot nothing is ever replaced."""
    document = (
        "<!-- slot:impact status=draft -->\n<!-- auto:timeline v=1 sha=00 -->\nx\n<!-- /auto -->\n<!-- /slot -->\n"
    )

    assert document == rerender(document, outage())


def test_completeness_is_the_share_of_done_slots() -> None:
    """Only required slots that a person marked done count."""
    done = Slot(SlotStatus.DONE, "yes")

    assert completeness({}) == 0
    assert completeness(dict.fromkeys(required_slots(), done)) == 1
    assert completeness({"impact": done, "tasks": Slot(SlotStatus.DRAFT, "x"), "other": done}) == 1 / 6


@given(FOREIGN)
def test_no_text_breaks_the_structure(text: str) -> None:
    """Whatever a sender writes, the draft has the same blocks, each intact, and no mark or tag of the sender."""
    document = draft(titled(text))

    assert names(draft(outage())) == names(document)
    assert all(part.fresh for part in parse(document) if isinstance(part, Auto))
    assert document == rerender(document, titled(text))
    for part in parse(document):
        if isinstance(part, Auto):
            assert "<" not in re.sub(r"<!-- ev: [^<>]+ -->", "", part.content)


@given(FOREIGN)
def test_no_text_breaks_a_table(text: str) -> None:
    """Every table row keeps the number of cells that its head has."""
    for part in parse(draft(titled(text))):
        rows = [line for line in part.raw.split("\n") if line.startswith("|")] if isinstance(part, Auto) else []
        cells = [len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows]
        assert len(set(cells)) <= 1, rows


@given(st.text(), st.text())
def test_people_own_what_stands_between_blocks(before: str, within: str) -> None:
    """Any text between blocks and inside slots survives a rendering with new facts."""
    document = draft(running())
    parts = parse(document)
    safe = "".join(f"> {line}\n" for line in within.split("\n"))
    edited = "".join(
        f"{part.raw}\n> {before}\n" if isinstance(part, Auto) else part.raw.replace("_To fill", f"{safe}_To fill")
        for part in parts
    )

    after = rerender(edited, outage())

    assert [part.raw for part in parse(edited) if not isinstance(part, Auto)] == [
        part.raw for part in parse(after) if not isinstance(part, Auto)
    ]


@given(st.text() | st.sampled_from([draft(outage())[:900], draft(outage())[400:1500]]))
def test_parsing_loses_nothing(document: str) -> None:
    """The segments of any text, joined, are the text."""
    assert document == "".join(part.raw for part in parse(document))


@given(FOREIGN)
def test_rendering_any_document_twice_is_rendering_it_once(text: str) -> None:
    """Rendering is idempotent, whatever people made of the document."""
    document = draft(outage()).replace("- **14:05 UTC**", text, 1).replace("## Timeline", text)
    once = rerender(document, running())

    assert once == rerender(once, running())
    assert {part.name for part in parse(once) if isinstance(part, Slotted)} <= set(required_slots())
