"""Which alert fired first, which came too late, and which never led to an incident: by rule and service."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

import msgspec

from alertline.incidents.reporting.aggregate import counting, quantile
from alertline.incidents.reporting.figures import METRICS, Measured
from schemas.vocabulary import Assumed, Excluded, MetricName

__all__ = ["EpisodeLine", "Firing", "Heard", "Noise", "Rule", "RuleLine", "first_and_late", "noise", "places"]


class Rule(msgspec.Struct, frozen=True, gc=False):
    """An alert rule of a service; None: its alerts name none."""

    name: str
    service: str | None


class Firing(msgspec.Struct, frozen=True, gc=False):
    """The first episode of a rule in an incident, in microseconds since 1970."""

    incident: str
    rule: Rule
    started_us: int


class Heard(msgspec.Struct, frozen=True):
    """How many episodes of a rule are in incidents that count, or are not."""

    rule: Rule
    counts: bool
    episodes: int


class EpisodeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One episode of a rule: what stands behind a figure of noise.

    Attributes:
        excluded: why its incident does not count; None: it does, or the episode is in none.
    """

    title: str
    dedup_key: str
    source: str
    started_at: datetime
    ended_at: datetime | None
    incident: str | None
    excluded: Excluded | None


class RuleLine(msgspec.Struct, frozen=True, kw_only=True):
    """One rule in incidents that count.

    Attributes:
        first: in how many it is what detected them (with others, where they fired at the same moment);
            detect_median: median of `detect_from_impact` of these.
        later: in how many it fired after detection, by another alert or a person; after_median: median of the seconds.
    """

    rule: str
    service: str | None
    first: int
    detect_median: float | None
    later: int
    after_median: float | None


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """How many episodes a rule had, and how many of them are in an incident that counts."""

    rule: str
    service: str | None
    episodes: int
    in_incident: int


def places(measured: Measured, firings: Iterable[Firing]) -> Iterator[tuple[int, Rule, float]]:
    """In each incident that counts (its number) each rule that fired, and how many seconds after detection.

    0 says that it fired first. `firings` come incident by incident.
    """
    number = {each: n for n, each in enumerate(measured.incidents) if measured.excluded[n] is None}
    for incident, found in groupby(firings, key=lambda each: each.incident):
        if (n := number.get(incident)) is not None:
            own = list(found)
            began = min(measured.cohort_us[n], *(each.started_us for each in own))
            for each in own:
                yield n, each.rule, (each.started_us - began) / 1_000_000


def first_and_late(measured: Measured, firings: Iterable[Firing], assumed: Assumed = Assumed.ENDS) -> list[RuleLine]:
    """Every rule that fired in an incident that counts, the one that was first most often first."""
    at = METRICS.index(MetricName.DETECT_FROM_IMPACT)
    known = counting(measured, MetricName.DETECT_FROM_IMPACT, assumed)
    first: dict[Rule, list[float | None]] = {}
    later: dict[Rule, list[float]] = {}
    for n, rule, after in places(measured, firings):
        if after:
            later.setdefault(rule, []).append(after)
        else:
            first.setdefault(rule, []).append(measured.seconds[at][n] if known[n] else None)
    lines = [_line(rule, first.get(rule, ()), later.get(rule, ())) for rule in {*first, *later}]
    return sorted(lines, key=lambda each: (-each.first, -each.later, each.rule, each.service or ""))


def noise(heard: Iterable[Heard]) -> list[Noise]:
    """Every rule, the one with the most episodes outside of incidents that count first."""
    found: dict[Rule, list[int]] = {}
    for each in heard:
        line = found.setdefault(each.rule, [0, 0])
        line[0] += each.episodes
        line[1] += each.episodes if each.counts else 0
    lines = [
        Noise(rule=rule.name, service=rule.service, episodes=episodes, in_incident=inside)
        for rule, (episodes, inside) in found.items()
    ]
    return sorted(lines, key=lambda each: (each.in_incident - each.episodes, each.rule, each.service or ""))


def _line(rule: Rule, first: Sequence[float | None], later: Sequence[float]) -> RuleLine:
    detects = sorted(value for value in first if value is not None)
    return RuleLine(
        rule=rule.name,
        service=rule.service,
        first=len(first),
        detect_median=quantile(detects, 0.5),
        later=len(later),
        after_median=quantile(sorted(later), 0.5),
    )
