"""What people put somewhere else: alerts and entries that are split off, detached, attached (contract §8.15).

Automation never moves back what a person moved. Each command keeps what it moved and from where (`moved`), so that it
can be taken back.
"""

import msgspec

from alertline.incidents.correlating.lifecycle import open_incident, resolve_said
from alertline.incidents.correlating.membership import move, revive, told_of, wake
from alertline.incidents.decisions import DecisionKind
from alertline.incidents.ids import mark_id
from alertline.incidents.model import EpisodeRow, IncidentRow, ItemRow
from alertline.incidents.work import Work
from schemas.vocabulary import CommandName, RowKind

__all__ = ["attach", "detach", "split"]


def split(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    """Part alerts and entries off; those that a merge brought make it undone. Why not, else None."""
    if "revive" in row.args:
        revive(work, home, row.args["revive"])
        return None
    episodes, items = _episodes_here(work, home, row), _entries_here(work, home, row)
    if episodes is None or items is None or not (episodes or items):
        return "it names no alerts of this incident"
    origins = {each.origin for each in episodes}
    origin = origins.pop() if len(origins) == 1 else None
    lost = None if origin is None else work.state.incident(origin)
    if origin is not None and lost is not None and lost.merged_into == home.id:
        revive(work, home, origin)
        return None
    return _part(work, home, row, episodes, items)


def detach(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    """Give alerts an incident of their own, or let what was attached go where it came from."""
    if "back" in row.args:
        return _back(work, home, row)
    episodes = _episodes_here(work, home, row)
    if not episodes:
        return "it names no alerts of this incident"
    return _part(work, home, row, episodes, [])


def attach(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    """Let alerts and entries belong here, wherever they were."""
    if "back" in row.args:
        return _back_here(work, home, row)
    episodes, items = _episodes_elsewhere(work, home, row), _entries_elsewhere(work, home, row)
    if episodes is None or items is None or not (episodes or items):
        return "it names nothing that is known and is not here already"
    named: list[EpisodeRow | ItemRow] = [*episodes, *items]
    if any(each.scope != home.scope for each in named):
        return "nothing links across scopes"
    _bring(work, home, row, episodes, items)
    return None


# ------------------------------------------------------------------- moving


def _part(work: Work, home: IncidentRow, row: ItemRow, episodes: list[EpisodeRow], items: list[ItemRow]) -> str | None:
    """Give episodes and entries an incident of their own that is never merged back by itself."""
    if len(episodes) == len(work.state.members[home.id].episodes) and not told_of(work, home.id):
        return "nothing would be left"
    first = min(episodes, key=lambda each: (each.started_at, each.id), default=None)
    at = first.started_at if first is not None else min(each.at for each in items)
    alert = work.state.alert(first.alert) if first is not None else None
    service = alert.service if alert is not None else items[0].service if items else None
    new = open_incident(work, scope=home.scope, by=mark_id("ev", row.id), at=at, service=service)
    work.decide_incident(DecisionKind.INCIDENT_UPDATED, new, cannot_link=(home.id,))
    for episode in episodes:
        move(work, episode, new.id, origin=None, pinned=True)
    _take_along(work, items, new.id)
    home = work.state.incidents[home.id]
    work.decide_incident(DecisionKind.INCIDENT_UPDATED, home, cannot_link=(*home.cannot_link, new.id))
    wake(work, home.id)
    _keep(work, row, dict.fromkeys(_ids(episodes, items), new.id))
    return None


def _bring(work: Work, home: IncidentRow, row: ItemRow, episodes: list[EpisodeRow], items: list[ItemRow]) -> None:
    """Move episodes and entries here; what they leave empty leads here."""
    moved = {each.id: each.incident for each in episodes} | {each.id: each.incident for each in items}
    for episode in episodes:
        move(work, episode, home.id, origin=None, pinned=True)
    _take_along(work, items, home.id)
    for left in dict.fromkeys(each for each in moved.values() if each is not None and each != home.id):
        _leave(work, work.state.incidents[left], home.id)
    _keep(work, row, moved)


def _take_along(work: Work, items: list[ItemRow], to: str) -> None:
    """Move entries, with what people said about them since."""
    for item in items:
        edits = [] if item.incident is None else _edits_of(work, item)
        for each in (item, *edits):
            there = msgspec.structs.replace(each, incident=to, origin=None, older_origins=(), retry_until=None)
            work.decide(DecisionKind.ITEM_ATTACHED, there)
        if item.kind is RowKind.RESOLVED:
            resolve_said(work, work.state.incidents[to], work.state.items[item.id])
    work.touch(to, interval=True)


def _edits_of(work: Work, item: ItemRow) -> list[ItemRow]:
    said = work.state.members[item.incident or ""].items.values()
    return [each for each in said if each.command == CommandName.EDIT_ENTRY and each.args.get("entry") == item.id]


def _leave(work: Work, left: IncidentRow, to: str) -> None:
    """An incident that lost an alert: emptied and without human entries, it becomes an alias (§8.15)."""
    work.touch(left.id, interval=True)
    wake(work, left.id)
    if not work.state.members[left.id].episodes and not told_of(work, left.id):
        work.decide_incident(DecisionKind.INCIDENT_MERGED, work.state.incidents[left.id], merged_into=to)


def _ids(episodes: list[EpisodeRow], items: list[ItemRow]) -> list[str]:
    return [*(each.id for each in episodes), *(each.id for each in items)]


def _keep(work: Work, row: ItemRow, moved: dict[str, str | None]) -> None:
    row = work.state.items[row.id]
    work.decide(DecisionKind.ITEM_ATTACHED, msgspec.structs.replace(row, args={**row.args, "moved": moved}))


# ------------------------------------------------------------------- moving back


def _back_here(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    """What was parted from here comes back, as far as it is still where it was put."""
    episodes, items = _still_there(work, row.args["back"])
    if not (episodes or items):
        return "nothing of it is where it was put"
    _bring(work, home, row, episodes, items)
    return None


def _still_there(work: Work, moved: dict[str, str | None]) -> tuple[list[EpisodeRow], list[ItemRow]]:
    episodes: list[EpisodeRow] = []
    items: list[ItemRow] = []
    for name, put in moved.items():
        if put is None or work.state.incident(put) is None:
            continue
        members = work.state.members[put]
        episodes += [members.episodes[name]] if name in members.episodes else []
        items += [members.items[name]] if name in members.items else []
    return episodes, items


def _back(work: Work, home: IncidentRow, row: ItemRow) -> str | None:
    """What was attached here goes back to the incidents that it came from; those that were emptied live again."""
    came_from: dict[str, str] = row.args["back"]
    here = dict.fromkeys(came_from, home.id)
    episodes, items = _still_there(work, dict(here))
    if not (episodes or items):
        return "nothing of it is here any more"
    if len(episodes) == len(work.state.members[home.id].episodes) and not told_of(work, home.id):
        return "nothing would be left"
    for left in dict.fromkeys(came_from[each] for each in _ids(episodes, items)):
        origin = work.state.incident(left)
        if origin is not None and origin.merged_into == home.id:
            work.decide_incident(DecisionKind.INCIDENT_REVIVED, origin, merged_into=None)
        elif origin is None or origin.merged_into is not None:
            return "where it came from was merged since"
    for episode in episodes:
        move(work, episode, came_from[episode.id], origin=None, pinned=True)
    for item in items:
        _take_along(work, [item], came_from[item.id])
    wake(work, home.id)
    return None


# ------------------------------------------------------------------- what is named


def _episodes_here(work: Work, home: IncidentRow, row: ItemRow) -> list[EpisodeRow] | None:
    """The episodes of the named alerts within the incident; None if one has none here."""
    found: dict[str, EpisodeRow] = {}
    for name in row.args.get("alerts", []):
        called = _alerts_called(work, str(name), row.scope)
        own = [each for alert in called for each in work.state.members_of(home.id, alert)]
        if not own:
            return None
        found |= {each.id: each for each in own}
    return list(found.values())


def _episodes_elsewhere(work: Work, home: IncidentRow, row: ItemRow) -> list[EpisodeRow] | None:
    """Of each named alert what it has where it fired last; None if that is here, or nowhere."""
    found: dict[str, EpisodeRow] = {}
    for name in row.args.get("alerts", []):
        called = _alerts_called(work, str(name), row.scope)
        newest = [each for alert in called if (each := work.state.newest_episode(alert)) is not None]
        last = max(newest, key=lambda each: (each.started_at, each.id), default=None)
        if last is None or last.incident == home.id:
            return None
        found[last.id] = last
        if last.incident is not None and work.state.incident(last.incident) is not None:
            found |= {each.id: each for each in work.state.members_of(last.incident, last.alert)}
    return list(found.values())


def _alerts_called(work: Work, name: str, scope: str) -> list[str]:
    """The alert of an id, or, as people know them, those of the scope with that dedup key."""
    if work.state.alert(name) is not None:
        return [name]
    known = work.state.alerts_known_as([name])
    return [alert.id for alert in known if alert.dedup_key == name and alert.scope == scope]


def _entries_here(work: Work, home: IncidentRow, row: ItemRow) -> list[ItemRow] | None:
    found = [work.state.item(str(name)) for name in row.args.get("entries", [])]
    own = [each for each in found if each is not None and each.incident == home.id and each.command is None]
    return own if len(own) == len(found) else None


def _entries_elsewhere(work: Work, home: IncidentRow, row: ItemRow) -> list[ItemRow] | None:
    found = [work.state.item(str(name)) for name in row.args.get("entries", [])]
    others = [each for each in found if each is not None and each.incident != home.id and each.command is None]
    return others if len(others) == len(found) else None
