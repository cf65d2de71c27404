"""To which incident an episode belongs, and why. Pure: it reads the state and returns a placement.

This is the first, plain correlation: the same identity; the same service of a scope while the incident lasts; or close
in time. The evidence-scoring engine (rates, topology, merges) will take the place of `_score`; whatever it finds must
still come out as a `Placement` with its reasons.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

import msgspec

from alertline.incidents.model import AlertRow, EpisodeRow, IncidentRow
from alertline.incidents.policy import Policy
from alertline.incidents.severity import highest, rank
from alertline.incidents.state import StreamState
from alertline.incidents.words import span_words
from schemas.incident import Reason
from schemas.vocabulary import IncidentStatus, MilestoneName, Severity

__all__ = ["ATTACH", "Placement", "place"]

ATTACH = 8  # points from which an episode joins an incident
_SERVICE = 8
_ONSET = 8
_HARD = 99
_CANDIDATES = 32  # the newest incidents of a scope that are looked at


class Placement(msgspec.Struct, frozen=True):
    """Where an episode belongs: an incident and the reasons, or a new one, which may be a recurrence of an old one."""

    incident: str | None
    why: tuple[Reason, ...]
    recurrence_of: str | None = None


def place(
    state: StreamState, alert: AlertRow, episode: EpisodeRow, policy: Policy, excluded: str | None = None
) -> Placement:
    """Find the incident of an episode; `excluded` is not looked at (the one it is perhaps to leave)."""
    same, recurrence_of = _same_identity(state, alert, episode, policy, excluded)
    if same is not None:
        return same
    scored = []
    for row in _candidates(state, alert.scope, excluded):
        reasons = _score(state, row, alert, episode, policy)
        points = sum(reason.points for reason in reasons)
        if points >= ATTACH:
            start = state.members[row.id].tally.first_start or row.opened_at
            scored.append((-points, start, row.id, reasons))
    if scored:
        _, _, incident, reasons = min(scored, key=lambda each: each[:3])
        return Placement(incident, reasons)
    return Placement(None, (Reason("first", 0, "It opened the incident."),), recurrence_of)


def _same_identity(
    state: StreamState, alert: AlertRow, episode: EpisodeRow, policy: Policy, excluded: str | None
) -> tuple[Placement | None, str | None]:
    """The hard rule of §8.6: the same condition again within the reopen window; else which incident it recurs from."""
    nearest: tuple[timedelta, str] | None = None
    earlier: tuple[datetime, str] | None = None
    for other in state.recurrences_near(alert, episode.started_at):
        if other.id == episode.id or other.incident is None or other.incident == excluded:
            continue
        row = state.incidents[other.incident]
        if other.started_at < episode.started_at:
            earlier = max(earlier or (other.started_at, row.id), (other.started_at, row.id))
        if row.status is IncidentStatus.CLOSED:
            continue
        gap = _gap(state, row, episode)
        if gap > policy.quiet and rank(episode.severity) < rank(_severity(state, row)):
            continue  # a lone late alert never stretches a bigger incident
        if nearest is None or (gap, row.id) < nearest:
            nearest = (gap, row.id)
    if nearest is not None and nearest[0] <= policy.reopen:
        gap, incident = nearest
        when = "while it lasted" if not gap else f"{span_words(gap)} from it, within {span_words(policy.reopen)}"
        return Placement(incident, (Reason("same_identity", _HARD, f"The same alert fired again {when}."),)), None
    return None, earlier[1] if earlier else None


def _severity(state: StreamState, row: IncidentRow) -> Severity:
    return highest(each.severity for each in state.members[row.id].episodes.values())


def _candidates(state: StreamState, scope: str, excluded: str | None) -> Iterable[IncidentRow]:
    for row in islice(state.incidents_of(scope), _CANDIDATES):
        if row.status is not IncidentStatus.CLOSED and row.id != excluded:
            yield row


def _score(
    state: StreamState, row: IncidentRow, alert: AlertRow, episode: EpisodeRow, policy: Policy
) -> tuple[Reason, ...]:
    """The evidence that an episode belongs to an incident; empty when they lie too far apart in time."""
    members = state.members[row.id]
    declared = not members.episodes
    reach = policy.declared_reach if declared else policy.quiet
    if _gap(state, row, episode) > reach:
        return ()
    reasons = []
    services = members.services or ({row.service} if row.service else set())
    if alert.service is not None and alert.service in services:
        reasons.append(Reason("same_service", _SERVICE, f"Same service ({alert.service}) while the incident lasted."))
    tally = members.tally
    first, last = tally.first_start or row.opened_at, tally.last_start or row.opened_at
    distance = max(first - episode.started_at, episode.started_at - last, timedelta(0))
    if distance <= policy.onset_near:
        words = (
            f"Started {span_words(distance)} from the incident's other alerts." if distance else "Started with them."
        )
        reasons.append(Reason("onset_near", _ONSET, words))
    return tuple(reasons)


def _gap(state: StreamState, row: IncidentRow, episode: EpisodeRow) -> timedelta:
    """Event time between an episode and an incident; zero where they overlap."""
    start = state.members[row.id].tally.first_start or row.opened_at
    if episode.started_at < start:
        return timedelta(0) if episode.ended_at is None else max(start - episode.ended_at, timedelta(0))
    end = _end(state, row)
    return timedelta(0) if end is None else max(episode.started_at - end, timedelta(0))


def _end(state: StreamState, row: IncidentRow) -> datetime | None:
    """Where an incident ends so far: its resolve, else its latest end; None while anything fires."""
    if row.status is not IncidentStatus.OPEN:
        resolved = state.stamps(row.id).at(MilestoneName.RESOLVED)
        if resolved is not None:
            return resolved
    members = state.members[row.id]
    if not members.episodes:
        return row.opened_at
    return None if members.tally.firing else members.tally.last_end
