"""Taking a command back: the command that brings back what stood before it, recorded as any other.

Only the newest setting of a thing is taken back; what somebody set since is never lost by an undo of what is older.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from alertline.incidents.derived.edits import newest_setters, setters, things
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import IncidentRow, ItemRow
from schemas.vocabulary import CommandName, MilestoneName, RowKind

__all__ = ["INSTEAD", "inverse", "why_not_undone"]

INSTEAD: Final = {
    CommandName.RESOLVE: "reopen the incident instead",
    CommandName.CLOSE: "reopen the incident instead",
    CommandName.REOPEN: "resolve the incident instead",
    CommandName.DECLARE: "merge it, or classify it as a false positive",
}


def inverse(state: StreamState, home: IncidentRow, row: ItemRow) -> ItemRow | str:
    """The command that an undo comes to, or why it comes to none."""
    undone = state.item(str(row.args.get("of")))
    if undone is None or undone.incident != home.id or undone.command is None:
        return "it names no command about this incident"
    refusal = why_not_undone(undone, newest_setters(state.members[home.id].items.values()))
    return refusal if refusal is not None else _INVERSES[CommandName(undone.command)](state, home, row, undone)


def why_not_undone(undone: ItemRow, newest: Mapping[str, str]) -> str | None:
    """Why a command cannot be taken back now; None if it can be. `newest`: the command that set each thing last."""
    command = CommandName(undone.command or "")
    if "undone_by" in undone.args:
        return "it was taken back before"
    if not undone.accepted:
        return "it was not carried out"
    if command not in _INVERSES:
        return INSTEAD.get(command, "it cannot be taken back")
    if any(newest[thing] != undone.id for thing in things(undone)):
        return "it was set again since: take that back first"
    if command is CommandName.MERGE and undone.origin is None:
        return "the incidents were parted again since"
    if command in (CommandName.SPLIT, CommandName.DETACH, CommandName.ATTACH) and not undone.args.get("moved"):
        return "merge the incidents again instead"
    return None


def _of_override(state: StreamState, home: IncidentRow, row: ItemRow, undone: ItemRow) -> ItemRow | str:
    """Back to the override before it, if that still stood; else to the automatic value."""
    name = MilestoneName(undone.args["milestone"])
    earlier = [each for each in setters(state.members[home.id].items.values(), name) if each.order < undone.order]
    back: dict[str, object] = {"undo": True}
    ends = name in (MilestoneName.RESOLVED, MilestoneName.CLOSED)
    if (
        earlier
        and not earlier[-1].args.get("undo")
        and not (ends and home.reopened and earlier[-1].order < home.reopened)
    ):
        to = earlier[-1].args.get("to")
        back = {"to": to} if to is not None else {}
    return _as(row, undone, CommandName.OVERRIDE_MILESTONE, {"milestone": name.value, **back}, RowKind.CORRECTION)


def _of_setting(_state: StreamState, _home: IncidentRow, row: ItemRow, undone: ItemRow) -> ItemRow | str:
    """Each field as it was."""
    args = {"fields": undone.args["before"]}
    if undone.command == CommandName.EDIT_ENTRY:
        args["entry"] = undone.args["entry"]
    kind = RowKind.SEVERITY_CHANGED if "severity" in args["fields"] else RowKind.NOTE
    return _as(row, undone, CommandName(undone.command or ""), args, kind)


def _of_merge(state: StreamState, home: IncidentRow, row: ItemRow, undone: ItemRow) -> ItemRow | str:
    """The loser lives again, with all that came from it."""
    loser = undone.args.get("loser")
    lost = None if loser is None else state.incident(loser)
    if lost is None or undone.origin != loser or lost.merged_into != home.id:
        return "it was merged further since: take that back first"
    return _as(row, undone, CommandName.SPLIT, {"revive": loser}, RowKind.SPLIT)


def _of_parting(_state: StreamState, _home: IncidentRow, row: ItemRow, undone: ItemRow) -> ItemRow | str:
    """What was parted comes back."""
    return _as(row, undone, CommandName.ATTACH, {"back": undone.args["moved"]}, RowKind.CORRECTION)


def _of_attaching(_state: StreamState, _home: IncidentRow, row: ItemRow, undone: ItemRow) -> ItemRow | str:
    """What was attached goes where it came from."""
    if None in undone.args["moved"].values():
        return "some of it was in no incident before: detach it instead"
    return _as(row, undone, CommandName.DETACH, {"back": undone.args["moved"]}, RowKind.CORRECTION)


def _of_acknowledging(_state: StreamState, _home: IncidentRow, row: ItemRow, undone: ItemRow) -> ItemRow | str:
    return _as(row, undone, CommandName.UNDO, {}, RowKind.NOTE)


def _as(row: ItemRow, undone: ItemRow, command: CommandName, args: dict[str, object], kind: RowKind) -> ItemRow:
    kept = {name: value for name, value in row.args.items() if name == "reason"}
    return msgspec.structs.replace(
        row,
        command=command.value,
        kind=kind,
        args={**kept, **args, "undoes": undone.id},
        text=f"Taken back: {undone.text}" + (f" ({row.args['reason']})" if "reason" in row.args else ""),
    )


_INVERSES: Final[dict[CommandName, Callable[[StreamState, IncidentRow, ItemRow, ItemRow], ItemRow | str]]] = {
    CommandName.OVERRIDE_MILESTONE: _of_override,
    CommandName.UPDATE: _of_setting,
    CommandName.EDIT_ENTRY: _of_setting,
    CommandName.MERGE: _of_merge,
    CommandName.SPLIT: _of_parting,
    CommandName.DETACH: _of_parting,
    CommandName.ATTACH: _of_attaching,
    CommandName.ACKNOWLEDGE: _of_acknowledging,
}
