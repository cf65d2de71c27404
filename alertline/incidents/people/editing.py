"""Commands that set something: what was there before is kept with them, and a lost race is no lost edit (§6).

A command that names a revision is decided only if the thing still has it; whoever comes second is told, and nothing of
theirs is half done.
"""

from typing import Any, Final

import msgspec

from alertline.incidents.correlating.lifecycle import resolve_said
from alertline.incidents.correlating.membership import wake
from alertline.incidents.decisions import DecisionKind
from alertline.incidents.derived.edits import fields_set, is_written, judged_by, marks_of, revisions_of, slots_of
from alertline.incidents.derived.timeline import timeline
from alertline.incidents.model import IncidentRow, ItemRow
from alertline.incidents.work import Work
from schemas.incident import Slot
from schemas.vocabulary import CommandName, MilestoneName, RowKind

__all__ = ["before_of", "correct", "lost_race", "refused", "why_no_row"]

CORRECTABLE: Final = ("kind", "text", "at", "ended_at")
_FEW: Final = 120  # characters of a row that tell which one it was


def lost_race(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    """Why a command comes too late: somebody changed the thing since its author looked; None if nobody did."""
    seen = row.args.get("revision")
    if seen is None:
        return None
    revisions = revisions_of(work.state.members[home.id].items.values())
    changed = [thing for thing in judged_by(row) if revisions[thing] != seen]
    return f"{changed[0]} is at revision {revisions[changed[0]]}, not {seen}" if changed else None


def refused(row: ItemRow, reason: str, *, lost: bool = False) -> ItemRow:
    """A command that is kept, and not carried out; `lost`: somebody else was first."""
    args = {**row.args, "refused": reason} | ({"lost": True} if lost else {})
    return msgspec.structs.replace(row, accepted=False, args=args, text=f"Not carried out: {reason}. {row.text}")


def before_of(work: Work, home: IncidentRow, row: ItemRow) -> ItemRow:
    """The command with what stands before it: the history shows it, and an undo brings it back."""
    items = work.state.members[home.id].items.values()
    before: Any = None
    if row.command == CommandName.OVERRIDE_MILESTONE and "milestone" in row.args:
        milestone = work.state.stamps(home.id).milestones[MilestoneName(row.args["milestone"])]
        before = milestone and {"at": milestone.at.isoformat(), "basis": milestone.basis.value}
    elif row.command == CommandName.UPDATE:
        set_, written = fields_set(items), slots_of(items)
        fields = row.args.get("fields", {})
        before = {name: set_.get(name) for name in fields if name != "slots"}
        if "slots" in fields:
            before["slots"] = {name: _plain(written.get(name, Slot())) for name in fields["slots"]}
    elif row.command == CommandName.EDIT_ENTRY:
        before = _row_before(work, home, row)
    elif row.command == CommandName.MERGE:
        return msgspec.structs.replace(row, args={**row.args, "loser": home.id})
    else:
        return row
    return msgspec.structs.replace(row, args={**row.args, "before": before})


def _plain(slot: Slot) -> dict[str, str]:
    return {"status": slot.status.value, "text": slot.text}


def _row_before(work: Work, home: IncidentRow, row: ItemRow) -> dict[str, Any]:
    entry = str(row.args.get("entry"))
    mark = marks_of(work.state.members[home.id].items.values()).get(entry)
    target = work.state.item(entry)
    found: dict[str, Any] = {}
    for name in row.args.get("fields", {}):
        if name in CORRECTABLE:
            found[name] = msgspec.to_builtins(getattr(target, name)) if target is not None else None
        else:
            found[name] = getattr(mark, name) if mark is not None else (None if name == "note" else False)
    return found


def why_no_row(work: Work, home: IncidentRow, row: ItemRow) -> tuple[str | None, str]:
    """Why a row cannot be edited so (None: it can), and the row in a few words."""
    entry, fields = str(row.args.get("entry")), row.args.get("fields", {})
    target = work.state.item(entry)
    if target is not None and target.incident == home.id:
        if any(name in fields for name in CORRECTABLE) and not is_written(target):
            return "only what a person wrote is corrected; of a record, add a note or override the milestone", ""
        if "kind" in fields and fields["kind"] != target.kind and RowKind.RESOLVED in (target.kind, fields["kind"]):
            return "a resolve is said anew, or its milestone overridden", ""
        if "at" in fields and fields["at"] is None:
            return "an entry has a time", ""
        return None, target.text[:_FEW]
    rows = timeline(work.state.facts(home.id), work.state.stamps(home.id))
    shown = next((each for each in rows if each.id == entry), None)
    if shown is None:
        return "the incident has no such row", ""
    if any(name in fields for name in CORRECTABLE):
        return "only what a person wrote is corrected; of a record, add a note or override the milestone", ""
    return None, shown.text[:_FEW]


def correct(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    """Let an entry say what its author meant; pins, hides and notes need nothing but the command itself."""
    fields = {name: value for name, value in row.args.get("fields", {}).items() if name in CORRECTABLE}
    if not fields:
        return None
    old = work.state.items[row.args["entry"]]
    new = msgspec.convert({**msgspec.to_builtins(old), **fields}, ItemRow)
    work.decide(DecisionKind.ITEM_CORRECTED, new)
    work.touch(home.id, interval=True)
    if new.kind is RowKind.RESOLVED:
        resolve_said(work, home, new)
    wake(work, home.id)
    return None
