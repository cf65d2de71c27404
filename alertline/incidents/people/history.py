"""What people ordered about an incident: before, after, who, why, and whether it can be taken back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from alertline.incidents.derived.edits import newest_setters
from alertline.incidents.model import ItemRow
from alertline.incidents.people.undoing import why_not_undone
from schemas.incident import Edit
from schemas.vocabulary import CommandName

__all__ = ["history_of"]

_WORDS: Final = {
    CommandName.ACKNOWLEDGE: "Acknowledged",
    CommandName.RESOLVE: "Resolved",
    CommandName.REOPEN: "Reopened",
    CommandName.CLOSE: "Closed",
    CommandName.MERGE: "Merged",
    CommandName.SPLIT: "Split",
    CommandName.ATTACH: "Attached",
    CommandName.DETACH: "Detached",
    CommandName.DECLARE: "Declared",
    CommandName.UNDO: "Taken back",
}


def history_of(orders: Sequence[ItemRow]) -> tuple[Edit, ...]:
    """The commands about an incident, oldest first; those that were not carried out too, with the reason."""
    newest = newest_setters(orders)
    return tuple(_edit(item, newest) for item in sorted(orders, key=lambda each: each.order))


def _edit(item: ItemRow, newest: Mapping[str, str]) -> Edit:
    before, after = _values(item)
    return Edit(
        id=item.id,
        at=item.read_at,
        actor=item.actor,
        command=CommandName(item.command or ""),
        what=_what(item),
        before=before,
        after=after,
        reason=item.args.get("reason"),
        done=item.accepted or "undone_by" in item.args,
        refused=None if item.accepted else item.args.get("refused"),
        undoable=why_not_undone(item, newest) is None,
        undone_by=item.args.get("undone_by"),
    )


def _what(item: ItemRow) -> str:
    """The thing that was set, or what was done."""
    command = CommandName(item.command or "")
    if command is CommandName.OVERRIDE_MILESTONE:
        words = str(item.args.get("milestone", "")).replace("_", " ").capitalize()
    elif command is CommandName.EDIT_ENTRY:
        words = f"Row “{item.args.get('row', item.args.get('entry'))}”"
    elif command is CommandName.UPDATE:
        words = ", ".join(_names(item.args.get("fields", {})))
    else:
        words = _WORDS[command]
    return f"Undo: {words}" if "undoes" in item.args and command is not CommandName.UNDO else words


def _names(fields: dict[str, Any]) -> Iterable[str]:
    for name, value in fields.items():
        if name == "slots":
            yield from (f"Slot {slot.replace('_', ' ')}" for slot in value)
        else:
            yield name.capitalize()


def _values(item: ItemRow) -> tuple[Any, Any]:
    """What stood there, and what stands there since."""
    if item.command == CommandName.OVERRIDE_MILESTONE:
        return item.args.get("before"), None if item.args.get("undo") else {"at": item.args.get("to")}
    if item.command in (CommandName.UPDATE, CommandName.EDIT_ENTRY):
        return item.args.get("before"), item.args.get("fields")
    if item.command == CommandName.MERGE:
        return item.args.get("loser"), item.args.get("into")
    return None, item.args.get("alerts") or item.args.get("entries")
