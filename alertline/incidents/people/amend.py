"""What a command changes in the incident it was given to (contract §8.9, §8.11, §8.15). Automation never undoes it."""

from collections.abc import Callable
from typing import Final

import msgspec

from alertline.incidents.correlating.lifecycle import reopen, resolve_said
from alertline.incidents.correlating.membership import merge
from alertline.incidents.decisions import DecisionKind
from alertline.incidents.model import IncidentRow, ItemRow
from alertline.incidents.people.editing import before_of, correct, lost_race, refused, why_no_row
from alertline.incidents.people.moving import attach, detach, split
from alertline.incidents.people.undoing import inverse
from alertline.incidents.words import time_words
from alertline.incidents.work import Work
from schemas.events import Command
from schemas.vocabulary import CommandName, IncidentStatus, MilestoneName, RowKind

__all__ = ["apply", "describe", "not_standing", "prepared"]

# how a command shows on the timeline; those that set a milestone are rows of its kind
_KINDS: Final = {
    CommandName.ACKNOWLEDGE: RowKind.ACKNOWLEDGED,
    CommandName.RESOLVE: RowKind.RESOLVED,
    CommandName.REOPEN: RowKind.REOPENED,
    CommandName.CLOSE: RowKind.CLOSED,
    CommandName.MERGE: RowKind.MERGED,
    CommandName.SPLIT: RowKind.SPLIT,
    CommandName.ATTACH: RowKind.CORRECTION,
    CommandName.DETACH: RowKind.CORRECTION,
    CommandName.OVERRIDE_MILESTONE: RowKind.CORRECTION,
    CommandName.UPDATE: RowKind.NOTE,
    CommandName.DECLARE: RowKind.DECLARED,
    CommandName.EDIT_ENTRY: RowKind.NOTE,
    CommandName.UNDO: RowKind.NOTE,
}
_WORDS: Final = {
    CommandName.ACKNOWLEDGE: "Acknowledged",
    CommandName.RESOLVE: "Resolved by hand",
    CommandName.REOPEN: "Reopened by hand",
    CommandName.CLOSE: "Closed",
    CommandName.MERGE: "Merged into another incident",
    CommandName.SPLIT: "Alerts split off",
    CommandName.ATTACH: "Alerts attached by hand",
    CommandName.DETACH: "Alerts detached",
    CommandName.UPDATE: "Edited",
    CommandName.EDIT_ENTRY: "A row edited",
    CommandName.UNDO: "Taken back",
}


def describe(command: Command) -> tuple[RowKind, str]:
    """The timeline kind and the sentence of a command."""
    kind = _KINDS[command.command]
    if command.command is CommandName.UPDATE and "severity" in command.fields:
        kind = RowKind.SEVERITY_CHANGED
    if command.command is CommandName.OVERRIDE_MILESTONE:
        if command.undo:
            words = f"Override of {command.milestone} undone"
        else:
            words = f"{command.milestone} set to {time_words(command.to) if command.to else 'none'}"
    elif command.command is CommandName.DECLARE:
        words = str(command.fields.get("title") or "Declared by hand")
        return kind, f"{words}: {command.reason}" if command.reason else words
    else:
        words = _WORDS[command.command]
    return kind, f"{words}: {command.reason}" if command.reason else f"{words}."


def prepared(work: Work, home: IncidentRow, row: ItemRow) -> ItemRow:
    """A command as it is to be decided about its incident: an undo as what it comes to, and with what was before it.

    One that comes too late, or can be no command, is refused here, before anything of it is seen.
    """
    if row.command == CommandName.UNDO:
        meant = inverse(work.state, home, row)
        if isinstance(meant, str):
            return refused(row, meant)
        row = meant
    late = lost_race(work, home, row)
    if late is not None:
        return refused(row, f"somebody was first: {late}", lost=True)
    if row.command == CommandName.EDIT_ENTRY:
        refusal, words = why_no_row(work, home, row)
        if refusal is not None:
            return refused(row, refusal)
        row = msgspec.structs.replace(row, args={**row.args, "row": words})
    return before_of(work, home, row)


def apply(work: Work, home: IncidentRow, row: ItemRow) -> None:
    """Carry out a command that was attached to its incident; one that cannot be is kept, with the reason."""
    assert row.command is not None  # noqa: S101 - entries are not applied
    step = _STEPS.get(CommandName(row.command))
    refusal = step(work, home, row) if step is not None else None
    if refusal is not None:
        work.decide(DecisionKind.ITEM_ATTACHED, refused(row, refusal))
    elif "undoes" in row.args:
        _note_undo(work, row)


def _note_undo(work: Work, row: ItemRow) -> None:
    """What was taken back says by what; an acknowledgement is then none."""
    undone = work.state.items[row.args["undoes"]]
    still = undone.accepted and undone.command != CommandName.ACKNOWLEDGE
    noted = msgspec.structs.replace(undone, accepted=still, args={**undone.args, "undone_by": row.id})
    work.decide(DecisionKind.ITEM_ATTACHED, noted)


def not_standing(row: ItemRow) -> ItemRow:
    """A resolve that does not stand: a row and a conflict, not the end (§8.9)."""
    text = f"Said to be resolved, but an alert started after that: it does not stand. {row.text}".rstrip()
    args = {**row.args, "claims": "resolved"}
    return msgspec.structs.replace(row, accepted=False, kind=RowKind.NOTE, text=text, args=args)


# ------------------------------------------------------- one function a command; each answers why it cannot, or None


def _resolve(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    if not resolve_said(work, home, row):
        work.decide(DecisionKind.ITEM_ATTACHED, not_standing(row))
    return None


def _reopen(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    if home.status is IncidentStatus.OPEN:
        return "the incident is open"
    reopen(work, home, row)
    return None


def _close(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    if home.status is IncidentStatus.CLOSED:
        return "the incident is closed already"
    work.decide_incident(DecisionKind.INCIDENT_CLOSED, home, status=IncidentStatus.CLOSED, deadline=None)
    work.touch(home.id, interval=True)
    return None


def _override(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    name = row.args.get("milestone")
    if name is None:
        return "it names no milestone"
    work.touch(home.id, interval=name in (MilestoneName.IMPACT_STARTED, MilestoneName.DETECTED, MilestoneName.RESOLVED))
    return None


def _merge(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    survivor = work.state.survivor(str(row.args.get("into")))
    if survivor is None or survivor.id == home.id:
        return "there is no other incident of that id"
    if survivor.scope != home.scope:
        return "nothing links across scopes"
    merge(work, home, survivor)
    return None


def _update(work: Work, home: IncidentRow, _row: ItemRow) -> str | None:
    work.touch(home.id)
    return None


_STEPS: Final[dict[CommandName, Callable[[Work, IncidentRow, ItemRow], str | None]]] = {
    CommandName.RESOLVE: _resolve,
    CommandName.REOPEN: _reopen,
    CommandName.CLOSE: _close,
    CommandName.OVERRIDE_MILESTONE: _override,
    CommandName.MERGE: _merge,
    CommandName.SPLIT: split,
    CommandName.ATTACH: attach,
    CommandName.DETACH: detach,
    CommandName.EDIT_ENTRY: correct,
    CommandName.UPDATE: _update,
}
