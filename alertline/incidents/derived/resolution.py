"""Where `resolved` is stamped (contract §8.9). Pure; when the status changes is `lifecycle.py`."""

from collections.abc import Sequence
from datetime import timedelta

from alertline.incidents.model import EpisodeRow, IncidentRow, ItemRow, witnesses
from alertline.incidents.policy import Policy
from alertline.incidents.words import time_words
from schemas.incident import Milestone
from schemas.vocabulary import Basis, EndBasis, IncidentStatus, RowKind

__all__ = ["page_resolve_counts", "resolution", "stands"]


def stands(statement: ItemRow, episodes: Sequence[EpisodeRow]) -> bool:
    """Whether a resolve that somebody said stands: no member episode starts after it.

    Refreshes and later ends of running episodes move nothing; a new episode does.
    """
    return all(episode.started_at <= statement.at for episode in episodes)


def page_resolve_counts(statement: ItemRow, episodes: Sequence[EpisodeRow], policy: Policy) -> bool:
    """Whether a pager's resolve counts: nothing fires, and it comes at the last end or soon after.

    Judged in event time on what has been read. Alone, a page counts as an alert, and its resolve is its end.
    """
    own = witnesses(episodes)
    ends = [episode.ended_at for episode in own if episode.ended_at is not None]
    if not own or len(ends) < len(own):
        return False
    return max(ends) <= statement.at <= max(ends) + policy.page_resolve


def resolution(
    row: IncidentRow, episodes: Sequence[EpisodeRow], items: Sequence[ItemRow], policy: Policy
) -> Milestone | None:
    """The resolve in force: what somebody said, if it stands, else the latest end; None while open or firing."""
    if row.status is IncidentStatus.OPEN:
        return None
    said = [
        item
        for item in items
        if item.kind is RowKind.RESOLVED
        and item.accepted
        and (row.reopened is None or item.order > row.reopened)
        and (page_resolve_counts(item, episodes, policy) if item.paging else stands(item, witnesses(episodes)))
    ]
    if said:
        last = max(said, key=lambda item: (item.at, item.order))
        return Milestone(at=last.at, basis=last.basis, evidence=last.evidence, note=last.text or None)
    return _latest_end(witnesses(episodes), policy.interval)


def _latest_end(episodes: Sequence[EpisodeRow], interval: timedelta) -> Milestone | None:
    """The latest end of what fired. A rule sees the recovery at its next evaluation: that widens the lower bound."""
    ends = [(episode.ended_at, episode) for episode in episodes if episode.ended_at is not None]
    if not ends or len(ends) < len(episodes):
        return None
    at, episode = max(ends, key=lambda each: (each[0], each[1].id))
    latest = max(each.ended_by or at for each in episodes)
    if latest > at:
        note = f"an alert's source fell silent without a resolve: it ended by {time_words(latest)} at the latest"
    elif episode.end_basis is EndBasis.REPORTED:
        note = (
            "latest end of its alerts, quiet since; the rule's evaluation interval, taken as "
            f"{interval.total_seconds():g} s, widens the lower bound"
        )
    elif episode.end_span is not None and (stated := episode.end_span.stated_end) is not None:
        note = f"when it was received: its source's clock is ahead, it stated {time_words(stated)}"
    else:
        note = "assumed: no source stated this end"
    earliest = at if episode.end_basis is EndBasis.EXPIRED else None
    if episode.end_basis is EndBasis.REPORTED:
        earliest = max(at - interval, episode.started_at)
    return Milestone(
        at=at,
        basis=Basis.REPORTED if latest == at and episode.end_basis is EndBasis.REPORTED else Basis.ASSUMED,
        earliest=earliest,
        latest=latest,
        evidence=episode.end_evidence,
        note=note,
    )
