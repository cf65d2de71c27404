"""Episodes that change their incident: merged, revived, moved. The one place for it, whoever asks for it.

A merge is undone by a split, so every moved row keeps the id of the incident that it came from (`origin`). Automation
merges what evidence says is one; what a person took apart or put in its place it leaves alone (contract §8.15).
"""

from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec

from alertline.incidents.correlating.lifecycle import carry_on, withdraw_resolve
from alertline.incidents.decisions import DecisionKind
from alertline.incidents.model import EpisodeRow, IncidentRow, ItemRow
from alertline.incidents.work import Work
from schemas.incident import Reason, Related
from schemas.vocabulary import CommandName, IncidentStatus, MilestoneName, RowKind

__all__ = ["join", "merge", "move", "revive", "told_of", "wake"]

Moved = TypeVar("Moved", EpisodeRow, ItemRow)

_PINNED: Final = (Reason("manual", 99, "A person put it here."),)


def join(work: Work, episode: str, other: Related) -> None:
    """An episode speaks for a second incident as strongly as for its own: they are one, unless people are in the way.

    The survivor is the one that a person has touched, else the older. Where that is both of them, where a person parted
    them or pinned an alert in the one that would go, it is only kept as related.
    """
    row = work.state.episodes[episode]
    home, second = work.state.survivor(row.incident or ""), work.state.survivor(other.incident)
    if home is None or second is None or home.id == second.id:
        return
    survivor, loser = sorted((home, second), key=lambda each: (not _touched(work, each.id), *_age(work, each)))
    if _parted(work, survivor, loser) or _touched(work, loser.id):
        work.decide(DecisionKind.EPISODE_REFRESHED, msgspec.structs.replace(row, related=(*row.related, other)))
        return
    title = work.state.alerts[row.alert].title
    text = f"Merged: “{title}” belongs to both incidents. {' '.join(reason.text for reason in other.why)}"
    why = (*row.why, Reason("bridge", other.points, f"It also ties in another incident. {other.why[0].text}"))
    work.decide(DecisionKind.EPISODE_REFRESHED, msgspec.structs.replace(row, why=why))
    merge(work, loser, survivor)
    work.mark(work.state.incidents[survivor.id], RowKind.MERGED, row.started_at, text, row.start_evidence)


def _by_id(rows: Iterable[Moved]) -> list[Moved]:
    """The rows in an order that does not hang on when the memory took them in: after a restart that is another."""
    return sorted(rows, key=lambda each: each.id)


def merge(work: Work, loser: IncidentRow, survivor: IncidentRow) -> None:
    """Let one incident become part of another: its id leads there from now on."""
    members = work.state.members[loser.id]
    work.decide_incident(DecisionKind.INCIDENT_MERGED, loser, merged_into=survivor.id)
    for episode in _by_id(members.episodes.values()):
        move(work, _older(episode), survivor.id, origin=loser.id)
    overridden = {item.args["milestone"] for item in _overrides(work, survivor.id)}
    for item in _by_id(members.items.values()):
        moved = msgspec.structs.replace(_older(item), incident=survivor.id, origin=loser.id)
        if item.command == CommandName.OVERRIDE_MILESTONE and item.args["milestone"] in overridden:
            moved = msgspec.structs.replace(moved, accepted=False)  # the survivor's win, this one becomes a conflict
        work.decide(DecisionKind.ITEM_ATTACHED, moved)
    wake(work, survivor.id)


def revive(work: Work, home: IncidentRow, origin: str) -> None:
    """Undo a merge: everything that came from the loser goes back under its old id, and stays apart."""
    members = work.state.members[home.id]
    lost = work.state.incidents[origin]
    work.decide_incident(
        DecisionKind.INCIDENT_REVIVED, lost, merged_into=None, cannot_link=(*lost.cannot_link, home.id)
    )
    for episode in _by_id(each for each in members.episodes.values() if each.origin == origin):
        before, older = _before(episode)
        move(work, msgspec.structs.replace(episode, older_origins=older), origin, origin=before)
    for item in _by_id(each for each in members.items.values() if each.origin == origin):
        before, older = _before(item)
        back = msgspec.structs.replace(item, incident=origin, origin=before, older_origins=older)
        if item.command == CommandName.OVERRIDE_MILESTONE and "refused" not in item.args:
            back = msgspec.structs.replace(back, accepted=True)
        work.decide(DecisionKind.ITEM_ATTACHED, back)
    home = work.state.incidents[home.id]
    work.decide_incident(DecisionKind.INCIDENT_UPDATED, home, cannot_link=(*home.cannot_link, origin))
    wake(work, origin)
    wake(work, home.id)


def _older(row: Moved) -> Moved:
    """A row that is merged once more keeps where it came from before: merges are undone one after the other."""
    if row.origin is None:
        return row
    return msgspec.structs.replace(row, older_origins=(*row.older_origins, row.origin))


def _before(row: EpisodeRow | ItemRow) -> tuple[str | None, tuple[str, ...]]:
    """Where a row had come from before the newest merge that brought it."""
    return (row.older_origins[-1], row.older_origins[:-1]) if row.older_origins else (None, ())


def move(work: Work, episode: EpisodeRow, incident: str, *, origin: str | None, pinned: bool | None = None) -> None:
    """Let an episode belong to another incident; `pinned`: because a person said so."""
    row = msgspec.structs.replace(episode, incident=incident, origin=origin)
    if pinned is not None:
        row = msgspec.structs.replace(row, pinned=pinned, why=_PINNED, older_origins=())
    before = work.state.stamps(incident).milestones[MilestoneName.RESOLVED]
    work.decide(DecisionKind.EPISODE_ATTACHED, row)
    carry_on(work, row, before)


def told_of(work: Work, incident: str) -> bool:
    """Whether a person said something about an incident: it then stays, even without alerts."""
    items = work.state.members[incident].items.values()
    return any(item.command in (None, CommandName.DECLARE) and item.actor is not None for item in items)


def _touched(work: Work, incident: str) -> bool:
    """Whether a person has had a hand in an incident."""
    members = work.state.members[incident]
    said = any((item.command or item.actor) and not item.paging for item in members.items.values())
    return said or any(episode.pinned for episode in members.episodes.values())


def _parted(work: Work, one: IncidentRow, other: IncidentRow) -> bool:
    """Whether a person took two incidents apart, under these ids or under older ones that lead to them."""
    apart = {
        (survivor.id, row.id)
        for row in (one, other)
        for each in (row.id, *work.state.aliases(row.id))
        for named in work.state.incidents[each].cannot_link
        if (survivor := work.state.survivor(named)) is not None
    }
    return (one.id, other.id) in apart or (other.id, one.id) in apart


def _age(work: Work, row: IncidentRow) -> tuple[object, ...]:
    return work.state.began(row), row.id


def _overrides(work: Work, incident: str) -> list[ItemRow]:
    items = work.state.members[incident].items.values()
    return [item for item in items if item.command == CommandName.OVERRIDE_MILESTONE]


def wake(work: Work, incident: str) -> None:
    """An incident that still fires after its members changed is open."""
    row = work.state.incidents[incident]
    work.touch(incident, interval=True)
    if row.status is IncidentStatus.RESOLVED and work.state.stamps(incident).at(MilestoneName.RESOLVED) is None:
        withdraw_resolve(work, row)
