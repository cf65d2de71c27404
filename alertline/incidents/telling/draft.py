"""The postmortem draft, in the form that teams already write by hand: facts filled in, slots for everything else.

Guarantees: every automatic line ends in a trace to the events behind it; no cause and no prose is ever generated;
`rerender` changes automatic blocks and nothing else.
"""

from collections.abc import Iterable
from typing import Final

from alertline.incidents.telling.blocks import Auto, Slotted, kept, parse, render_auto
from alertline.incidents.telling.sections import SECTIONS, open_questions
from alertline.incidents.telling.slots import is_placeholder, required_slots, slot_of, slot_text
from schemas.incident import Incident

__all__ = ["draft", "rerender"]

_QUESTIONS: Final = "open_questions"

# what stands between the parts belongs to people: they may change or delete it, and a later rendering keeps that
_FORM: Final = """\
{auto:header}
## Issue Summary

{auto:summary}
**Root Cause**: see below.

**Impact**

{slot:impact}
**Could it have been detected sooner?**

{slot:detection_sooner}
## Key times

{auto:key_times}
## Durations

{auto:durations}
## Timeline

{auto:timeline}
## Root Cause

{auto:cause_records}
{slot:root_cause}
## Resolution

{auto:resolution_records}
{slot:resolution}
## Candidate changes

Candidates, not causes: changes recorded near the start of the impact, nearest first.

{auto:candidates}
## Corrective and Preventative Measures

**Improvements**

{slot:improvements}
**Tasks**

{slot:tasks}
## Open questions

{auto:open_questions}
## Appendix

{auto:alerts}
{auto:definitions}
"""


def draft(incident: Incident) -> str:
    """The whole draft as Markdown, what people have written into its slots included."""
    written = [name for name in required_slots() if slot_of(incident, name).text]
    return "\n".join(_part(line, incident, written) for line in _FORM.split("\n"))


def rerender(existing_markdown: str, incident: Incident) -> str:
    """Bring the automatic blocks of a document up to date; every other character stays as it is.

    A block that somebody edited by hand is kept as their text, with a note, and the fresh block is put below it.
    Blocks that were deleted are not forced back. Rendering again changes nothing.
    """
    segments = parse(existing_markdown)
    in_document = {segment.name: not is_placeholder(segment) for segment in segments if isinstance(segment, Slotted)}
    written = [name for name in required_slots() if in_document.get(name, bool(slot_of(incident, name).text))]
    return "".join(
        _refreshed(segment, incident, written) if isinstance(segment, Auto) else segment.raw for segment in segments
    )


def _part(line: str, incident: Incident, written: Iterable[str]) -> str:
    kind, _, name = line.strip("{}").partition(":")
    if kind == "auto":
        return render_auto(name, _content(name, incident, written))
    return slot_text(incident, name) if kind == "slot" else line


def _content(name: str, incident: Incident, written: Iterable[str]) -> str:
    lines = open_questions(incident, written) if name == _QUESTIONS else SECTIONS[name](incident)
    return "".join(f"{line}\n" for line in lines)


def _refreshed(block: Auto, incident: Incident, written: Iterable[str]) -> str:
    if block.name != _QUESTIONS and block.name not in SECTIONS:
        return block.raw  # of another version: not ours to judge
    content = _content(block.name, incident, written)
    unified = block.content.replace("\r\n", "\n")
    if unified == content and block.fresh:
        return block.raw
    fresh = render_auto(block.name, content)
    if not block.raw.endswith("\n"):
        fresh = fresh.removesuffix("\n")
    if "\r\n" in block.raw:
        fresh = fresh.replace("\n", "\r\n")
    return fresh if block.fresh or unified == content else kept(block) + fresh
