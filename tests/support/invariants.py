"""What holds of a correlator's memory after any record, whatever it was."""

from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import witnesses
from schemas.vocabulary import Basis, EndBasis, IncidentStatus, MilestoneName, RowKind

__all__ = ["assert_sound", "linked_apart", "pinned"]


def assert_sound(state: StreamState) -> None:
    """Every episode has one live incident of its scope, every id leads to one, every stamp fits its members."""
    seen: set[str] = set()
    for incident, members in state.members.items():
        row = state.incidents[incident]
        survivor = state.survivor(incident)
        assert survivor is not None
        assert survivor.merged_into is None
        assert row.merged_into is None or not members.episodes
        for episode in members.episodes.values():
            assert episode.id not in seen
            assert (episode.incident, episode.scope, episode.absorbed_by) == (incident, row.scope, None)
            assert episode.why
            seen.add(episode.id)
        counting = witnesses(list(members.episodes.values()))
        assert members.tally.firing == sum(episode.ended_at is None for episode in counting)
        _assert_stamps(state, incident)
    assert seen == {each.id for each in state.episodes.values() if each.incident is not None}


def _assert_stamps(state: StreamState, incident: str) -> None:
    """Detection is the earliest start, a resolve nobody said the latest end; nothing is resolved while open."""
    row, members = state.incidents[incident], state.members[incident]
    if row.merged_into is not None or any(item.command is not None for item in members.items.values()):
        return
    stamps = state.stamps(incident)
    counting = witnesses(list(members.episodes.values()))
    detected, resolved = stamps.milestones[MilestoneName.DETECTED], stamps.milestones[MilestoneName.RESOLVED]
    impact = stamps.milestones[MilestoneName.IMPACT_STARTED]
    if counting:
        assert detected is not None
        assert detected.at <= min(each.started_at for each in counting)
        if impact is not None and impact.basis is Basis.ASSUMED:
            assert impact.at <= detected.at
    if row.status is IncidentStatus.OPEN:
        assert resolved is None
    elif resolved is not None and not any(item.kind is RowKind.RESOLVED for item in members.items.values()):
        assert resolved.at == max(each.ended_at for each in counting if each.ended_at is not None)
        if any(each.end_basis is EndBasis.EXPIRED and each.ended_at == resolved.at for each in counting):
            assert resolved.basis is Basis.ASSUMED or resolved.latest == resolved.at


def pinned(state: StreamState) -> dict[str, str | None]:
    """Where people put episodes."""
    return {each.id: each.incident for each in state.episodes.values() if each.pinned and each.absorbed_by is None}


def linked_apart(state: StreamState) -> set[frozenset[str]]:
    """The pairs of incidents that people said are not one, as the incidents that they lead to now."""
    found = set()
    for row in state.incidents.values():
        for other in row.cannot_link:
            one, two = state.survivor(row.id), state.survivor(other)
            assert one is not None
            assert two is not None
            if one.id != two.id:
                found.add(frozenset((row.id, other)))
    return found
