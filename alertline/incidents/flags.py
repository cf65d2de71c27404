"""What a reader should know of an incident at a glance: flags, from the facts alone."""

from collections.abc import Iterable
from datetime import datetime

from alertline.incidents.flapping import ever_flapped, turns_of
from alertline.incidents.milestones import Stamps
from alertline.incidents.model import EpisodeRow, IncidentFacts, witnesses
from alertline.incidents.policy import Policy
from alertline.incidents.storms import is_storm
from schemas.vocabulary import Basis, EndBasis, IncidentStatus, MilestoneName

__all__ = ["flags"]


def flags(facts: IncidentFacts, stamps: Stamps, policy: Policy) -> Iterable[str]:
    """The flags of an incident, in no order."""
    resolved = stamps.milestones[MilestoneName.RESOLVED]
    if resolved is not None and resolved.basis is not Basis.MANUAL:
        if stamps.at(MilestoneName.ACKNOWLEDGED) is None and facts.row.status is not IncidentStatus.OPEN:
            yield "auto_resolved"
        if any(each.end_basis in (EndBasis.ASSUMED, EndBasis.EXPIRED) for each in facts.episodes):
            yield "assumed_resolution"
    if any(span.stated_start or span.stated_end for each in facts.episodes for span in each.spans):
        yield "clock_skew"
    if any(each.stale and each.ended_at is None for each in facts.episodes):
        yield "stale"
    first = min(witnesses(facts.episodes), key=lambda each: (each.started_at, each.id), default=None)
    if first is not None and first.expected:
        yield "began_in_maintenance"
    detected = stamps.at(MilestoneName.DETECTED)
    ends = [at for name in (MilestoneName.MITIGATED, MilestoneName.RESOLVED) if (at := stamps.at(name)) is not None]
    if detected is not None and any(detected > end for end in ends):
        yield "late_detection"
    if _flapped(facts.episodes, policy):
        yield "flapping"
    if is_storm(witnesses(facts.episodes)):
        yield "storm"


def _flapped(episodes: Iterable[EpisodeRow], policy: Policy) -> bool:
    turns: dict[str, list[datetime]] = {}
    for episode in episodes:
        turns.setdefault(episode.alert, []).extend(turns_of(episode))
    return any(ever_flapped(sorted(each), policy) for each in turns.values())
