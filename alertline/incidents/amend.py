"""What a command changes in the incident it was given to (contract §8.9, §8.11, §8.15). Automation never undoes it."""

from collections.abc import Callable
from itertools import islice
from typing import Final

import msgspec

from alertline.incidents.decisions import DecisionKind
from alertline.incidents.ids import mark_id
from alertline.incidents.lifecycle import open_incident, reopen, resolve_said
from alertline.incidents.membership import merge, move, revive, told_of
from alertline.incidents.model import EpisodeRow, IncidentRow, ItemRow
from alertline.incidents.words import time_words
from alertline.incidents.work import Work
from schemas.events import Command
from schemas.vocabulary import CommandName, IncidentStatus, MilestoneName, RowKind

__all__ = ["apply", "describe", "not_standing"]

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
    else:
        words = _WORDS[command.command]
    return kind, f"{words}: {command.reason}" if command.reason else f"{words}."


def apply(work: Work, home: IncidentRow, row: ItemRow) -> None:
    """Carry out a command that was attached to its incident; one that cannot be is kept, with the reason."""
    assert row.command is not None  # noqa: S101 - entries are not applied
    step = _STEPS.get(CommandName(row.command))
    refusal = step(work, home, row) if step is not None else None
    if refusal is not None:
        text = f"Not carried out: {refusal}. {row.text}"
        work.decide(DecisionKind.ITEM_ATTACHED, msgspec.structs.replace(row, accepted=False, text=text))


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


def _named(work: Work, row: ItemRow, home: IncidentRow | None) -> list[EpisodeRow] | None:
    """The episodes of the alerts that a command names (those within `home`, if given); None if one has none."""
    found: list[EpisodeRow] = []
    for name in row.args.get("alerts", []):
        called = _alerts_called(work, str(name), row.scope)
        if home is None:
            newest = (work.state.newest_episode(alert) for alert in reversed(called))
            own = list(islice(filter(None, newest), 1))
        else:
            own = [each for alert in called for each in work.state.members_of(home.id, alert)]
        if not own:
            return None
        found += own
    return found or None


def _alerts_called(work: Work, name: str, scope: str) -> list[str]:
    """The alert of an id, or, as people know them, those of the scope with that dedup key."""
    if work.state.alert(name) is not None:
        return [name]
    known = work.state.alerts_known_as([name])
    return [alert.id for alert in known if alert.dedup_key == name and alert.scope == scope]


def _split(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    episodes = _named(work, row, home)
    if episodes is None:
        return "it names no alerts of this incident"
    origins = {each.origin for each in episodes}
    origin = origins.pop() if len(origins) == 1 else None
    lost = None if origin is None else work.state.incidents.get(origin)
    if origin is not None and lost is not None and lost.merged_into == home.id:
        revive(work, home, origin)
        return None
    return _part(work, home, row, episodes)


def _part(work: Work, home: IncidentRow, row: ItemRow, episodes: list[EpisodeRow]) -> str | None:
    """Give episodes an incident of their own that is never merged back by itself."""
    if len(episodes) == len(work.state.members[home.id].episodes) and not told_of(work, home.id):
        return "nothing would be left"
    first = min(episodes, key=lambda each: (each.started_at, each.id))
    service = work.state.alerts[first.alert].service
    new = open_incident(work, scope=home.scope, by=mark_id("ev", row.id), at=first.started_at, service=service)
    work.decide_incident(DecisionKind.INCIDENT_UPDATED, new, cannot_link=(home.id,))
    for episode in episodes:
        move(work, episode, new.id, origin=None, pinned=True)
    home = work.state.incidents[home.id]
    work.decide_incident(DecisionKind.INCIDENT_UPDATED, home, cannot_link=(*home.cannot_link, new.id))
    work.touch(home.id, interval=True)
    return None


def _attach(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    episodes = _named(work, row, None)
    if episodes is None:
        return "it names no known alerts"
    for episode in episodes:
        if episode.scope != home.scope:
            return "nothing links across scopes"
        left = episode.incident
        move(work, episode, home.id, origin=None, pinned=True)
        if left is not None and left != home.id:
            _leave(work, work.state.incidents[left], home.id)
    return None


def _leave(work: Work, left: IncidentRow, to: str) -> None:
    """An incident that lost an alert: emptied and without human entries, it becomes an alias (§8.15)."""
    work.touch(left.id, interval=True)
    if not work.state.members[left.id].episodes and not told_of(work, left.id):
        work.decide_incident(DecisionKind.INCIDENT_MERGED, left, merged_into=to)


def _detach(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    episodes = _named(work, row, home)
    return "it names no alerts of this incident" if episodes is None else _part(work, home, row, episodes)


_STEPS: Final[dict[CommandName, Callable[[Work, IncidentRow, ItemRow], str | None]]] = {
    CommandName.RESOLVE: _resolve,
    CommandName.REOPEN: _reopen,
    CommandName.CLOSE: _close,
    CommandName.OVERRIDE_MILESTONE: _override,
    CommandName.MERGE: _merge,
    CommandName.SPLIT: _split,
    CommandName.ATTACH: _attach,
    CommandName.DETACH: _detach,
}
