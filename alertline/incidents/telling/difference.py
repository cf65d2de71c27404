"""What two rule sets make of the same recorded day: incidents that are grouped otherwise, and stamps that moved."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from alertline.incidents.telling.wording import day_and_clock, one_line
from schemas.incident import Incident
from schemas.vocabulary import MilestoneName

__all__ = ["difference", "difference_text"]

_STAMPS: Final = (MilestoneName.IMPACT_STARTED, MilestoneName.DETECTED, MilestoneName.RESOLVED)

Member = tuple[str, str, str, str]  # scope, source, dedup key, start: the same in both, whatever the ids


def difference(first: Sequence[Incident], second: Sequence[Incident]) -> dict[str, object]:
    """Compare two outcomes of one log by the episodes that their incidents hold.

    Returns plain data: how many `incidents` each has, how many are the `same`, those `regrouped` (which incidents of
    the first share their episodes with which of the second), and those with the same episodes whose stamps `changed`.
    """
    homes = [_homes(first), _homes(second)]
    same, changed, regrouped = 0, [], []
    for ours, theirs in _groups(homes):
        if len(ours) == len(theirs) == 1 and _members(ours[0]) == _members(theirs[0]):
            moved = _moved(ours[0], theirs[0])
            same += not moved
            if moved:
                changed.append({"title": ours[0].title, "first": ours[0].id, "second": theirs[0].id, "stamps": moved})
        else:
            regrouped.append({"first": [_told(each) for each in ours], "second": [_told(each) for each in theirs]})
    counts = {"first": len(first), "second": len(second)}
    return {"incidents": counts, "same": same, "regrouped": regrouped, "changed": changed}


def difference_text(found: Mapping[str, object], names: tuple[str, str]) -> str:
    """The comparison for a terminal; `names` say what each side is."""
    counts, regrouped, changed = found["incidents"], found["regrouped"], found["changed"]
    assert isinstance(counts, dict)  # noqa: S101 - our own shape
    assert isinstance(regrouped, list)  # noqa: S101
    assert isinstance(changed, list)  # noqa: S101
    lines = [
        f"{names[0]}: {counts['first']} incidents; {names[1]}: {counts['second']} incidents; {found['same']} the same",
    ]
    for group in regrouped:
        lines += ["", f"regrouped: {len(group['first'])} became {len(group['second'])}"]
        for side, name in zip(("first", "second"), names, strict=True):
            lines += [f"  {name}:"] + [
                f"    {each['id']}  {each['episodes']} episodes  {one_line(str(each['title']))}" for each in group[side]
            ]
    for each in changed:
        lines += ["", f"stamps moved: {one_line(str(each['title']))}  ({each['first']})"]
        lines += [f"  {stamp['milestone']}: {stamp['first']} became {stamp['second']}" for stamp in each["stamps"]]
    return "\n".join(lines) + "\n"


def _members(incident: Incident) -> frozenset[Member]:
    return frozenset(
        (incident.scope, alert.source, alert.dedup_key, episode.started_at.isoformat())
        for alert in incident.alerts
        for episode in alert.episodes
    )


def _homes(incidents: Iterable[Incident]) -> dict[Member, Incident]:
    return {member: incident for incident in incidents for member in sorted(_members(incident))}


def _groups(homes: Sequence[Mapping[Member, Incident]]) -> list[tuple[list[Incident], list[Incident]]]:
    """Incidents of both sides that hang together by shared episodes, in order of their first episode's start."""
    waiting = dict.fromkeys(sorted({*homes[0], *homes[1]}, key=lambda each: (each[3], each)))
    groups = []
    while waiting:
        sides: tuple[dict[str, Incident], dict[str, Incident]] = ({}, {})
        queue = [next(iter(waiting))]
        while queue:
            member = queue.pop()
            if member not in waiting:
                continue
            del waiting[member]
            for side, home in zip(sides, homes, strict=True):
                incident = home.get(member)
                if incident is not None and incident.id not in side:
                    side[incident.id] = incident
                    queue += sorted(_members(incident))
        groups.append((list(sides[0].values()), list(sides[1].values())))
    return groups


def _moved(ours: Incident, theirs: Incident) -> list[dict[str, str]]:
    found = []
    for name in _STAMPS:
        one, other = (_stamp(incident, name) for incident in (ours, theirs))
        if one != other:
            found.append({"milestone": name.value, "first": one, "second": other})
    return found


def _stamp(incident: Incident, name: MilestoneName) -> str:
    stamp = incident.milestones.get(name)
    return "not recorded" if stamp is None else f"{day_and_clock(stamp.at)} UTC ({stamp.basis.value})"


def _told(incident: Incident) -> dict[str, object]:
    return {"id": incident.id, "title": incident.title, "episodes": len(_members(incident))}
