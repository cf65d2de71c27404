"""The durations `ttx/1` (docs/metrics.md): pure functions of milestones and firing intervals.

Null, never zero, where a stamp is missing; the basis of a duration is the weaker of its two stamps'. Open incidents
contribute nothing that runs to their end, because nothing here reads a clock.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from alertline.incidents.milestones import Stamps
from alertline.incidents.model import EpisodeRow, IncidentFacts, ItemRow, witnesses
from schemas.incident import Metric
from schemas.vocabulary import Basis, EndBasis, IncidentStatus, MetricName, MilestoneName, RowKind, Severity

__all__ = ["DEFINITION", "durations", "union_length", "weaker"]

DEFINITION: Final = "ttx/1"

_I, _D, _M, _R = (
    MilestoneName.IMPACT_STARTED,
    MilestoneName.DETECTED,
    MilestoneName.MITIGATED,
    MilestoneName.RESOLVED,
)
# name: (from, to)
_SPANS: Final = {
    MetricName.DETECT_FROM_IMPACT: (_I, _D),
    MetricName.ACK_FROM_DETECT: (_D, MilestoneName.ACKNOWLEDGED),
    MetricName.INVESTIGATE_FROM_DETECT: (_D, MilestoneName.INVESTIGATING),
    MetricName.ESCALATE_FROM_DETECT: (_D, MilestoneName.ESCALATED),
    MetricName.IDENTIFY_FROM_DETECT: (_D, MilestoneName.CAUSE_IDENTIFIED),
    MetricName.FIX_FROM_DETECT: (_D, MilestoneName.FIX_APPLIED),
    MetricName.RECOVER_FROM_IMPACT: (_I, _M),
    MetricName.RESOLVE_FROM_IMPACT: (_I, _R),
    MetricName.RESOLVE_FROM_DETECT: (_D, _R),
}
_TO_RESOLVE: Final = tuple(name for name, (_, end) in _SPANS.items() if end is _R)
_STRONGEST_FIRST: Final = tuple(Basis)


def weaker(*bases: Basis) -> Basis:
    """The weakest of some bases."""
    return max(bases, key=_STRONGEST_FIRST.index)


def durations(facts: IncidentFacts, stamps: Stamps) -> dict[MetricName, Metric]:
    """Every duration of `ttx/1`, in seconds."""
    found = {name: _between(stamps, *ends) for name, ends in _SPANS.items()}
    if facts.row.status is IncidentStatus.OPEN:
        # whatever an override says of its end: an open incident contributes nothing that runs to it
        found |= {name: Metric(None, None, "the incident is open") for name in _TO_RESOLVE}
    found[MetricName.IMPACT_ACTIVE] = _impact_active(witnesses(facts.episodes))
    found[MetricName.DETOUR_TOTAL] = _detours(facts.items)
    found[MetricName.INGEST_LAG] = _ingest_lag(witnesses(facts.episodes))
    # DORA's figure needs the change that failed, and nobody can link one yet: a candidate is not a cause
    found[MetricName.FDRT] = Metric(None, None, "no change is linked as the failed one")
    return {name: found[name] for name in MetricName}


def _between(stamps: Stamps, start: MilestoneName, end: MilestoneName) -> Metric:
    first, last = stamps.milestones[start], stamps.milestones[end]
    if first is None or last is None:
        missing = [name for name, at in ((start, first), (end, last)) if at is None]
        return Metric(None, None, f"{' and '.join(missing)} not recorded")
    return Metric((last.at - first.at).total_seconds(), weaker(first.basis, last.basis))


def union_length(intervals: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """The length of the union of closed intervals."""
    total, reached = timedelta(0), None
    for start, end in sorted(intervals):
        if reached is None or start > reached:
            total, reached = total + (end - start), end
        elif end > reached:
            total, reached = total + (end - reached), end
    return total


def _impact_active(episodes: Sequence[EpisodeRow]) -> Metric:
    """The union of firing intervals of impact-class alerts, without pending windows."""
    own = [each for each in episodes if each.severity is not Severity.INFO]
    if not own:
        return Metric(None, None, "no impact-class alert")
    closed = [(each.started_at, each.ended_at) for each in own if each.ended_at is not None]
    if len(closed) < len(own):
        return Metric(None, None, "an alert still fires")
    stated = all(each.end_basis is EndBasis.REPORTED and each.start_basis is Basis.REPORTED for each in own)
    return Metric(union_length(closed).total_seconds(), Basis.DERIVED if stated else Basis.ASSUMED)


def _detours(items: Sequence[ItemRow]) -> Metric:
    """The sum of hypothesis → rejected; each rejection ends the oldest hypothesis that is still open then."""
    said = [each for each in items if each.kind in (RowKind.HYPOTHESIS, RowKind.HYPOTHESIS_REJECTED) and each.accepted]
    waiting: list[ItemRow] = []
    total, pairs = timedelta(0), 0
    for item in sorted(said, key=lambda each: (each.at, each.kind is RowKind.HYPOTHESIS, each.order)):
        if item.kind is RowKind.HYPOTHESIS:
            waiting.append(item)
        elif waiting:
            total += item.at - waiting.pop(0).at
            pairs += 1
    if not pairs:
        return Metric(None, None, "no hypothesis was recorded as rejected")
    return Metric(total.total_seconds(), Basis.MANUAL)


def _ingest_lag(episodes: Sequence[EpisodeRow]) -> Metric:
    """Median of first receipt less stated start, over the episodes."""
    lags = [
        (each.first_received - each.started_at).total_seconds()
        for each in episodes
        if each.start_basis is Basis.REPORTED
    ]
    return Metric(median(lags), Basis.DERIVED) if lags else Metric(None, None, "no alert states its start")
