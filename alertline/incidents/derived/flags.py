"""What a reader should know of an incident at a glance: flags, from the facts alone."""

from collections.abc import Iterable

from alertline.incidents.derived.flapping import ever_flapped, turns_of
from alertline.incidents.derived.milestones import Stamps
from alertline.incidents.derived.storms import MOST_ALERT_ROWS
from alertline.incidents.derived.sums import Sums
from alertline.incidents.model import IncidentFacts, witnesses
from schemas.vocabulary import Basis, EndBasis, IncidentStatus, MilestoneName

__all__ = ["ever_flapped", "flags", "turns_of"]


def flags(facts: IncidentFacts, stamps: Stamps, sums: Sums) -> Iterable[str]:
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
    if sums.flapping:
        yield "flapping"
    if sums.rows > MOST_ALERT_ROWS:
        yield "storm"
