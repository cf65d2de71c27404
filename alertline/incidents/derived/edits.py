"""What people set, read from their commands: the newest of each thing stands, and each setting is one more revision.

A thing is what a person can change and another can change at the same time: a milestone, a slot, a row of the timeline,
the title, the severity, the classification. Two people who change different things never meet.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from alertline.incidents.model import ItemRow
from schemas.incident import Slot, TimelineRow
from schemas.vocabulary import CommandName, MilestoneName, SlotStatus

__all__ = [
    "FIELDS",
    "fields_set",
    "is_written",
    "judged_by",
    "marked",
    "marks_of",
    "newest_setters",
    "revisions_of",
    "setters",
    "shown_revisions",
    "slots_of",
    "things",
]

FIELDS = ("title", "severity", "classification")
_MARKS = ("pinned", "hidden", "note")
_MILESTONE_OF = {
    CommandName.ACKNOWLEDGE.value: MilestoneName.ACKNOWLEDGED,
    CommandName.RESOLVE.value: MilestoneName.RESOLVED,
    CommandName.CLOSE.value: MilestoneName.CLOSED,
}


class Mark(msgspec.Struct, frozen=True):
    """What people said about one row of the timeline, apart from its own content."""

    pinned: bool = False
    hidden: bool = False
    note: str | None = None
    revision: int = 0


def is_written(item: ItemRow) -> bool:
    """Whether a person wrote it: then it can be corrected, never what a machine recorded."""
    return item.command is None and item.source == "alertline"


def things(item: ItemRow) -> tuple[str, ...]:
    """The things that a command sets, by name."""
    if item.command == CommandName.OVERRIDE_MILESTONE:
        return (str(item.args.get("milestone")),)
    if item.command == CommandName.EDIT_ENTRY:
        return (f"entry {item.args.get('entry')}",)
    if item.command == CommandName.UPDATE:
        fields: Mapping[str, Any] = item.args.get("fields", {})
        return (*(name for name in FIELDS if name in fields), *(f"slot {name}" for name in fields.get("slots", {})))
    return ()


def judged_by(item: ItemRow) -> tuple[str, ...]:
    """The things whose revision a command may name: those that it sets, or the milestone that it gives a witness."""
    milestone = _MILESTONE_OF.get(item.command or "")
    return things(item) if milestone is None else (milestone.value,)


def setters(items: Iterable[ItemRow], thing: str) -> list[ItemRow]:
    """The commands that set a thing, in log order."""
    return sorted((item for item in items if item.accepted and thing in things(item)), key=lambda each: each.order)


def newest_setters(items: Iterable[ItemRow]) -> dict[str, str]:
    """Of each thing that was set the command that set it last."""
    accepted = sorted((item for item in items if item.command and item.accepted), key=lambda each: each.order)
    return {thing: item.id for item in accepted for thing in things(item)}


def revisions_of(items: Iterable[ItemRow]) -> Counter[str]:
    """How often each thing was set."""
    found: Counter[str] = Counter()
    for item in items:
        if item.command is not None and item.accepted:
            found.update(things(item))
    return found


def shown_revisions(items: Iterable[ItemRow]) -> dict[str, int]:
    """The revision of everything that always has one: milestones and fields; rows and slots carry their own."""
    found = revisions_of(items)
    return {name: found[name] for name in (*MilestoneName, *FIELDS)}


def fields_set(items: Iterable[ItemRow]) -> dict[str, str]:
    """Title, severity and classification as people set them; a merge brings none of them along."""
    found: dict[str, str] = {}
    for item in sorted(items, key=lambda each: each.order):
        if not item.accepted or item.origin is not None:
            continue
        if item.command == CommandName.DECLARE and (title := item.args.get("fields", {}).get("title")):
            found["title"] = title
        if item.command == CommandName.UPDATE:
            for name in (name for name in FIELDS if name in item.args.get("fields", {})):
                value = item.args["fields"][name]
                if value is None:
                    found.pop(name, None)
                else:
                    found[name] = value
    return found


def slots_of(items: Iterable[ItemRow]) -> dict[str, Slot]:
    """What people wrote into slots; what a merge brought along stands where the survivor has nothing."""
    written = [item for item in items if item.command == CommandName.UPDATE and item.accepted]
    found: dict[str, Slot] = {}
    for item in sorted(written, key=lambda each: (each.origin is None, each.order)):
        for name, value in item.args.get("fields", {}).get("slots", {}).items():
            slot = msgspec.convert(value, Slot)
            if slot.status is SlotStatus.EMPTY and slot.text.strip():
                slot = Slot(SlotStatus.DRAFT, slot.text)  # who writes without a word about how far they got
            found[name] = msgspec.structs.replace(slot, revision=found.get(name, Slot()).revision + 1)
    return found


def marks_of(items: Iterable[ItemRow]) -> dict[str, Mark]:
    """What people said about rows: pinned, hidden, annotated."""
    found: dict[str, Mark] = {}
    edits = [item for item in items if item.command == CommandName.EDIT_ENTRY and item.accepted]
    for item in sorted(edits, key=lambda each: each.order):
        mark = found.get(item.args["entry"], Mark())
        said = {name: value for name, value in item.args.get("fields", {}).items() if name in _MARKS}
        found[item.args["entry"]] = msgspec.structs.replace(mark, **said, revision=mark.revision + 1)
    return found


def marked(row: TimelineRow, marks: Mapping[str, Mark]) -> TimelineRow:
    """A row with what people said about it."""
    mark = marks.get(row.id)
    if mark is None:
        return row
    said = {name: getattr(mark, name) for name in Mark.__struct_fields__}
    return msgspec.structs.replace(row, **said)
