"""Where `resolved` is stamped (contract §8.9). Pure; when the status changes is `lifecycle.py`."""

from collections.abc import Sequence

from alertline.incidents.model import EpisodeRow, IncidentRow, ItemRow
from schemas.incident import Milestone
from schemas.vocabulary import Basis, EndBasis, IncidentStatus, RowKind

__all__ = ["resolution", "stands"]


def stands(statement: ItemRow, episodes: Sequence[EpisodeRow]) -> bool:
    """Whether a resolve that somebody said stands: no member episode starts after it.

    Refreshes and later ends of running episodes move nothing; a new episode does.
    """
    return all(episode.started_at <= statement.at for episode in episodes)


def resolution(row: IncidentRow, episodes: Sequence[EpisodeRow], items: Sequence[ItemRow]) -> Milestone | None:
    """The resolve in force: what a person said, if it stands, else the latest end; None while open or firing."""
    if row.status is IncidentStatus.OPEN:
        return None
    said = [
        item
        for item in items
        if item.kind is RowKind.RESOLVED
        and item.accepted
        and (row.reopened is None or item.order > row.reopened)
        and stands(item, episodes)
    ]
    if said:
        last = max(said, key=lambda item: (item.at, item.order))
        return Milestone(at=last.at, basis=last.basis, evidence=last.evidence, note=last.text or None)
    return _latest_end(episodes)


def _latest_end(episodes: Sequence[EpisodeRow]) -> Milestone | None:
    ends = [(episode.ended_at, episode) for episode in episodes if episode.ended_at is not None]
    if not ends or len(ends) < len(episodes):
        return None
    at, episode = max(ends, key=lambda each: (each[0], each[1].id))
    reported = episode.end_basis is EndBasis.REPORTED
    return Milestone(
        at=at,
        basis=Basis.REPORTED if reported else Basis.ASSUMED,
        earliest=at if reported else None,
        latest=at,
        evidence=episode.end_evidence,
        note="latest end of its alerts, quiet since" if reported else "assumed: no source stated this end",
    )
