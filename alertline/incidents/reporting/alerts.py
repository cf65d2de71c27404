"""Which alert fired first, which came too late, and which never led to an incident: by rule and service."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from alertline.incidents.reporting.aggregate import counted_value, quantile
from alertline.incidents.reporting.figures import Measured
from schemas.vocabulary import Assumed, MetricName

__all__ = ["Firing", "Heard", "Noise", "RuleLine", "first_and_late", "noise"]

Rule = tuple[str, str | None]


class Firing(msgspec.Struct, frozen=True, gc=False):
    """The first episode of a rule in an incident, in microseconds since 1970."""

    incident: str
    rule: str
    service: str | None
    started_us: int


class Heard(msgspec.Struct, frozen=True):
    """How many episodes of a rule are in one incident, or in none."""

    rule: str
    service: str | None
    incident: str | None
    episodes: int


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


def first_and_late(
    measured: Iterable[Measured], firings: Iterable[Firing], assumed: Assumed = Assumed.ENDS
) -> list[RuleLine]:
    """Every rule that fired in an incident that counts, the one that was first most often first."""
    detect = {each.incident: each for each in measured if each.excluded is None}
    of_incident: dict[str, list[Firing]] = {}
    for firing in firings:
        if firing.incident in detect:
            of_incident.setdefault(firing.incident, []).append(firing)
    first: dict[Rule, list[float | None]] = {}
    later: dict[Rule, list[float]] = {}
    for incident, own in of_incident.items():
        found = detect[incident]
        began = min(found.cohort_us, *(each.started_us for each in own))
        value = counted_value(found, MetricName.DETECT_FROM_IMPACT, assumed)
        for each in own:
            rule = (each.rule, each.service)
            if each.started_us == began:
                first.setdefault(rule, []).append(value)
            else:
                later.setdefault(rule, []).append((each.started_us - began) / 1_000_000)
    lines = [_line(rule, first.get(rule, ()), later.get(rule, ())) for rule in {*first, *later}]
    return sorted(lines, key=lambda each: (-each.first, -each.later, each.rule, each.service or ""))


def noise(heard: Iterable[Heard], counts: Callable[[str], bool]) -> list[Noise]:
    """Every rule, the one with the most episodes outside of incidents that count first."""
    found: dict[Rule, list[int]] = {}
    for each in heard:
        line = found.setdefault((each.rule, each.service), [0, 0])
        line[0] += each.episodes
        line[1] += each.episodes if each.incident is not None and counts(each.incident) else 0
    lines = [
        Noise(rule=rule, service=service, episodes=episodes, in_incident=inside)
        for (rule, service), (episodes, inside) in found.items()
    ]
    return sorted(lines, key=lambda each: (each.in_incident - each.episodes, each.rule, each.service or ""))


def _line(rule: Rule, first: Sequence[float | None], later: Sequence[float]) -> RuleLine:
    detects = sorted(value for value in first if value is not None)
    return RuleLine(
        rule=rule[0],
        service=rule[1],
        first=len(first),
        detect_median=quantile(detects, 0.5),
        later=len(later),
        after_median=quantile(sorted(later), 0.5),
    )
