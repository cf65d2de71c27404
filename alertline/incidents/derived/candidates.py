"""Changes near the start of the impact: candidates with reasons, never causes (contract §8.16)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from alertline.incidents.callmap import CallMap
from alertline.incidents.model import ChangeRow
from alertline.incidents.policy import Policy
from alertline.incidents.words import span_words
from schemas.incident import Candidate, Reason
from schemas.vocabulary import ChangeKind

__all__ = ["around", "candidates"]

_BY_AGE: Final = ((timedelta(minutes=5), 10), (timedelta(minutes=15), 8), (timedelta(minutes=30), 5))
_OLD: Final = 3
_SAME_SERVICE: Final = 10
_DEPENDENCY: Final = {1: 6, 2: 3}  # by the number of calls


def candidates(
    changes: Iterable[ChangeRow], start: datetime, services: Iterable[str], policy: Policy
) -> tuple[Candidate, ...]:
    """Those from `candidate_before` before the start to `candidate_after` after it, nearest first."""
    own = sorted(services)
    near = [
        change
        for change in changes
        if start - policy.candidate_before <= change.at <= start + policy.candidate_after
        and change.kind is not ChangeKind.UNRECORDED
    ]
    near.sort(key=lambda change: (abs(change.at - start), change.id))
    return tuple(_candidate(change, start, own, policy.calls) for change in near)


def around(
    changes: Sequence[tuple[datetime, str, ChangeRow]], start: datetime, end: datetime | None, policy: Policy
) -> tuple[ChangeRow, ...]:
    """Of changes by time, those that are candidates, or happened while an incident lasted (None: it still does)."""
    first = bisect_left(changes, start - policy.candidate_before, key=_time_of)
    last = (
        len(changes) if end is None else bisect_right(changes, max(end, start + policy.candidate_after), key=_time_of)
    )
    return tuple(change for _, _, change in changes[first:last])


def _time_of(change: tuple[datetime, str, ChangeRow]) -> datetime:
    return change[0]


def _candidate(change: ChangeRow, start: datetime, services: list[str], calls: CallMap) -> Candidate:
    age = start - change.at
    points = next((points for limit, points in _BY_AGE if abs(age) <= limit), _OLD)
    side = "before" if age >= timedelta(0) else "after"
    why = [Reason("age", points, f"{span_words(abs(age))} {side} the impact started.")]
    if (reason := _about(change, services, calls)) is not None:
        why.append(reason)
    return Candidate(
        id=change.id,
        at=change.at,
        ended_at=change.ended_at,
        kind=change.kind,
        text=change.text,
        service=change.service,
        actor=change.actor,
        points=sum(reason.points for reason in why),
        why=tuple(why),
    )


def _about(change: ChangeRow, services: list[str], calls: CallMap) -> Reason | None:
    """What the changed service is to those that alert."""
    if change.service is None:
        return None
    if change.service in services:
        return Reason("same_service", _SAME_SERVICE, f"It changed {change.service}, which the alerts are about.")
    callers = [
        (hops, service) for service in services if (hops := calls.reached(service).get(change.service)) in _DEPENDENCY
    ]
    if not callers:
        return None
    hops, service = min(callers)
    way = "calls" if hops == 1 else "depends on"
    return Reason("dependency", _DEPENDENCY[hops], f"It changed {change.service}, which {service} {way}.")
