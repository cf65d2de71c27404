"""To which incident an episode belongs, and why. Pure: it reads the state and returns a placement.

In this order: the same condition again within the reopen window (a hard rule); the incident with the most evidence
(`evidence.py`), if that is enough; else an incident of its own. What falls a little short is kept as related. An
episode that speaks strongly for a second incident as well says that the two are one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import chain

import msgspec

from alertline.incidents.correlating.evidence import HARD, points_of, weigh
from alertline.incidents.correlating.lifecycle import within_span
from alertline.incidents.memory.ending import is_over
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import AlertRow, EpisodeRow, IncidentRow
from alertline.incidents.policy import Policy
from alertline.incidents.severity import highest, rank
from alertline.incidents.words import span_words
from schemas.incident import Reason, Related
from schemas.vocabulary import Severity

__all__ = ["Placement", "place"]

_NEWEST = 16  # the newest incidents of a scope that are looked at, whatever they are about
_CANDIDATES = 32  # and all that are looked at
_MOST_RELATED = 3


class Placement(msgspec.Struct, frozen=True):
    """Where an episode belongs: an incident and the reasons, or a new one, which may be a recurrence of an old one.

    Attributes:
        joins: other incidents for which it speaks so strongly that they are one with it, strongest first.
        related: incidents for which it speaks, but not enough.
    """

    incident: str | None
    why: tuple[Reason, ...]
    recurrence_of: str | None = None
    joins: tuple[Related, ...] = ()
    related: tuple[Related, ...] = ()


def place(
    state: StreamState, alert: AlertRow, episode: EpisodeRow, policy: Policy, excluded: str | None = None
) -> Placement:
    """Find the incident of an episode; `excluded` is not looked at (the one it is perhaps to leave)."""
    same, recurrence_of = _same_identity(state, alert, episode, policy, excluded)
    if same is not None:
        return same
    found = [
        (Related(row.id, points_of(reasons), reasons), state.began(row))
        for row in _candidates(state, alert, episode, excluded)
        if _not_too_late(state, row, episode, reasons := weigh(state, row, alert, episode))
    ]
    found.sort(key=lambda each: (-each[0].points, each[1], each[0].incident))
    ranked = [each for each, _ in found]
    starts = {each.incident: first for each, first in found}
    home = ranked[0] if ranked and ranked[0].points >= policy.attach else None
    rest = ranked[1:] if home is not None else ranked
    joins = tuple(
        each
        for each in rest
        if each.points >= policy.merge and (_share(each.why) or _begin_close(starts, ranked[0], each, policy))
    )
    related = tuple(each for each in rest if each not in joins and each.points >= policy.suggest)[:_MOST_RELATED]
    if home is None:
        return Placement(None, (Reason("first", 0, "It opened the incident."),), recurrence_of, related=related)
    return Placement(home.incident, home.why, joins=joins, related=related)


def _same_identity(
    state: StreamState, alert: AlertRow, episode: EpisodeRow, policy: Policy, excluded: str | None
) -> tuple[Placement | None, str | None]:
    """The hard rule of §8.6: the same condition again within the reopen window; else which incident it recurs from."""
    nearest: tuple[timedelta, str] | None = None
    earlier: tuple[datetime, str] | None = None
    for other in state.recurrences_near(alert, episode.started_at):
        if other.id == episode.id or other.incident is None or other.incident == excluded:
            continue
        place = (other.started_at, other.incident)
        if place[0] < episode.started_at and (earlier is None or place > earlier):
            earlier = place
        row = state.incidents.get(other.incident)
        if row is None or (gap := state.gap(row, episode)) > policy.reopen or is_over(row, state.log_time, policy):
            continue
        if nearest is not None and nearest <= (gap, row.id):
            continue
        if gap <= policy.quiet or rank(episode.severity) >= rank(_severity(state, row)):
            nearest = (gap, row.id)  # else: a lone late alert never stretches a bigger incident
    if nearest is not None:
        gap, incident = nearest
        when = "while it lasted" if not gap else f"{span_words(gap)} from it, within {span_words(policy.reopen)}"
        return Placement(incident, (Reason("same_identity", HARD, f"The same alert fired again {when}."),)), None
    return None, earlier[1] if earlier else None


def _severity(state: StreamState, row: IncidentRow) -> Severity:
    return highest(each.severity for each in state.members[row.id].episodes.values())


def _candidates(
    state: StreamState, alert: AlertRow, episode: EpisodeRow, excluded: str | None
) -> Iterable[IncidentRow]:
    """The incidents near enough to be weighed: of the same key, service or a neighbour of it on the map; the newest."""
    services = (alert.service, *state.policy.calls.neighbours(alert.service)) if alert.service is not None else ()
    found: dict[str, IncidentRow] = {}
    for row in chain(
        state.incidents_keyed(alert, episode),
        *(state.incidents_about(alert.scope, service, episode) for service in services),
        state.current(alert.scope, episode, _NEWEST),
    ):
        if row.id != excluded and len(found) < _CANDIDATES:
            found[row.id] = row
    return found.values()


def _not_too_late(state: StreamState, row: IncidentRow, episode: EpisodeRow, reasons: Iterable[Reason]) -> bool:
    """Whether an episode starts soon enough after an incident did to be weighed: what it shares with it has no end."""
    return _share(reasons) or within_span(state.began(row), episode.started_at, state.policy)


def _share(reasons: Iterable[Reason]) -> bool:
    return any(reason.rule in ("same_service", "same_key") for reason in reasons)


def _begin_close(starts: dict[str, datetime], one: Related, other: Related, policy: Policy) -> bool:
    """Whether two incidents begin close enough to become one by evidence alone."""
    first, second = sorted((starts[one.incident], starts[other.incident]))
    return within_span(first, second, policy)
