"""Changes near the start of the impact: candidates with reasons, never causes (contract §8.16)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from alertline.incidents.model import ChangeRow
from alertline.incidents.policy import Policy
from alertline.incidents.words import span_words
from schemas.incident import Candidate, Reason

__all__ = ["candidates"]

_BY_AGE = ((timedelta(minutes=5), 10), (timedelta(minutes=15), 8), (timedelta(minutes=30), 5))
_OLD = 3
_SAME_SERVICE = 10


def candidates(
    changes: Iterable[ChangeRow], start: datetime, services: Iterable[str], policy: Policy
) -> tuple[Candidate, ...]:
    """Those from `candidate_before` before the start to `candidate_after` after it, nearest first."""
    own = frozenset(services)
    near = [
        change for change in changes if start - policy.candidate_before <= change.at <= start + policy.candidate_after
    ]
    near.sort(key=lambda change: (abs(change.at - start), change.id))
    return tuple(_candidate(change, start, own) for change in near)


def _candidate(change: ChangeRow, start: datetime, services: frozenset[str]) -> Candidate:
    age = start - change.at
    points = next((points for limit, points in _BY_AGE if abs(age) <= limit), _OLD)
    side = "before" if age >= timedelta(0) else "after"
    why = [Reason("age", points, f"{span_words(abs(age))} {side} the impact started.")]
    if change.service is not None and change.service in services:
        why.append(Reason("same_service", _SAME_SERVICE, f"It changed {change.service}, which the alerts are about."))
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
