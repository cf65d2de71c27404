"""The durations `ttx/1` (docs/metrics.md): pure functions of milestones and firing intervals.

Null, never zero, where a stamp is missing; the basis of a duration is the weaker of its two stamps'. Open incidents
contribute nothing that runs to their end, because nothing here reads a clock.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from alertline.incidents.derived.milestones import Stamps
from alertline.incidents.derived.sums import Sums
from alertline.incidents.model import EpisodeRow, IncidentFacts, ItemRow, witnesses
from schemas.incident import Metric
from schemas.vocabulary import Basis, EndBasis, IncidentStatus, MetricName, MilestoneName, RowKind, Severity

__all__ = ["DEFINITION", "SPANS", "Active", "active_interval", "durations", "lag_of", "middle", "weaker"]

DEFINITION: Final = "ttx/1"

_I, _D, _M, _R = (
    MilestoneName.IMPACT_STARTED,
    MilestoneName.DETECTED,
    MilestoneName.MITIGATED,
    MilestoneName.RESOLVED,
)
# name: (from, to)
SPANS: Final = {
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
_TO_RESOLVE: Final = tuple(name for name, (_, end) in SPANS.items() if end is _R)
_STRONGEST_FIRST: Final = tuple(Basis)


def weaker(*bases: Basis) -> Basis:
    """The weakest of some bases."""
    return max(bases, key=_STRONGEST_FIRST.index)


def durations(facts: IncidentFacts, stamps: Stamps, sums: Sums) -> dict[MetricName, Metric]:
    """Every duration of `ttx/1`, in seconds."""
    found = {name: _between(stamps, *ends) for name, ends in SPANS.items()}
    if facts.row.status is IncidentStatus.OPEN:
        # whatever an override says of its end: an open incident contributes nothing that runs to it
        found |= {name: Metric(None, None, "the incident is open") for name in _TO_RESOLVE}
    found[MetricName.IMPACT_ACTIVE] = _impact_active(witnesses(facts.episodes), sums.active)
    found[MetricName.DETOUR_TOTAL] = _detours(facts.items)
    found[MetricName.INGEST_LAG] = _ingest_lag(sums.lag)
    # DORA's figure needs the change that failed, and nobody can link one yet: a candidate is not a cause
    found[MetricName.FDRT] = Metric(None, None, "no change is linked as the failed one")
    return {name: found[name] for name in MetricName}


def _between(stamps: Stamps, start: MilestoneName, end: MilestoneName) -> Metric:
    first, last = stamps.milestones[start], stamps.milestones[end]
    if first is None or last is None:
        missing = [name for name, at in ((start, first), (end, last)) if at is None]
        return Metric(None, None, f"{' and '.join(missing)} not recorded")
    return Metric((last.at - first.at).total_seconds(), weaker(first.basis, last.basis))


def active_interval(episode: EpisodeRow) -> tuple[datetime, datetime | None] | None:
    """From when to when an impact-class alert fired, without its pending window (None: it still does)."""
    return None if episode.severity is Severity.INFO else (episode.started_at, episode.ended_at)


class Active:
    """The union of the closed intervals of some episodes."""

    def __init__(self) -> None:
        self._closed: dict[str, tuple[datetime, datetime]] = {}
        self._firing: set[str] = set()
        self._starts: list[datetime] = []  # of the union's parts, in order; they never touch
        self._ends: list[datetime] = []
        self._whole = timedelta(0)
        self._shrunk = False

    def put(self, episode: str, interval: tuple[datetime, datetime | None] | None) -> None:
        """Let an episode have an interval; without an end it still fires, and None: it has none."""
        old = self._closed.pop(episode, None)
        self._firing.discard(episode)
        if interval is None or interval[1] is None:
            self._shrunk = self._shrunk or old is not None
            if interval is not None:
                self._firing.add(episode)
            return
        start, end = self._closed[episode] = interval[0], interval[1]
        if old is not None and (old[0] < start or end < old[1]):
            self._shrunk = True
        if not self._shrunk:
            self._cover(start, end)

    def length(self) -> timedelta | None:
        """The length of the union; None while one has no end, and where there is none."""
        if self._firing or not self._closed:
            return None
        if self._shrunk:
            self._starts, self._ends, self._whole, self._shrunk = [], [], timedelta(0), False
            for start, end in sorted(self._closed.values()):
                self._cover(start, end)
        return self._whole

    def _cover(self, start: datetime, end: datetime) -> None:
        first, last = bisect_left(self._ends, start), bisect_right(self._starts, end)
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        lost = zip(self._starts[first:last], self._ends[first:last], strict=True)
        self._whole += end - start - sum((until - since for since, until in lost), timedelta(0))
        self._starts[first:last], self._ends[first:last] = [start], [end]


def _impact_active(episodes: Sequence[EpisodeRow], active: timedelta | None) -> Metric:
    """The union of firing intervals of impact-class alerts, without pending windows."""
    own = [each for each in episodes if active_interval(each) is not None]
    if not own:
        return Metric(None, None, "no impact-class alert")
    if active is None:
        return Metric(None, None, "an alert still fires")
    stated = all(each.end_basis is EndBasis.REPORTED and each.start_basis is Basis.REPORTED for each in own)
    return Metric(active.total_seconds(), Basis.DERIVED if stated else Basis.ASSUMED)


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


def lag_of(episode: EpisodeRow) -> float | None:
    """Seconds from an episode's stated start to its first receipt; None where no start was stated."""
    if episode.start_basis is not Basis.REPORTED:
        return None
    return (episode.first_received - episode.started_at).total_seconds()


def middle(values: Sequence[float]) -> float | None:
    """The median of values in order; None of none."""
    return median(values[(len(values) - 1) // 2 : len(values) // 2 + 1]) if values else None


def _ingest_lag(lag: float | None) -> Metric:
    """Median of first receipt less stated start, over the episodes."""
    return Metric(None, None, "no alert states its start") if lag is None else Metric(lag, Basis.DERIVED)
