"""How strongly an episode belongs to an incident: points, each with the sentence that people read.

- Time: ten points for each factor of ten by which it is unlikely that something unrelated started that close. How often
  unrelated things start is learned (`background.py`), so the time window sets itself: wide in a quiet scope, narrow in
  a noisy one.
- Structure: the same service; or what the map of calls says (`callmap.py`).
- Company: whether these services have started together before, or never have.
- An explicit key that people configured ties alerts together whatever else speaks against it.
"""

from collections.abc import Collection, Iterable
from datetime import timedelta
from itertools import islice
from typing import Final

from alertline.incidents.callmap import CallMap, Kinship, Relation
from alertline.incidents.memory.background import Background, Company
from alertline.incidents.memory.members import Members
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import AlertRow, EpisodeRow, IncidentRow
from alertline.incidents.words import span_words
from schemas.incident import Reason

__all__ = ["HARD", "points_of", "weigh"]

HARD: Final = 99  # points of a rule that needs no other evidence
_TIME: Final = (-6, 16)  # least and most that time alone gives
_SAME_SERVICE: Final = 14
_CALLS: Final = {1: 6, 2: 4}  # by the number of calls
_CALLS_FAR: Final = 2
_HUB_ONLY: Final = -12
_STRANGERS: Final = -20
_COMPANY_BESIDE_MAP: Final = 3  # where the map of calls speaks, company adds no more than this
_MOST_SERVICES: Final = 64


def points_of(reasons: Iterable[Reason]) -> int:
    """What reasons come to."""
    return sum(reason.points for reason in reasons)


def weigh(state: StreamState, row: IncidentRow, alert: AlertRow, episode: EpisodeRow) -> tuple[Reason, ...]:
    """The evidence for and against an episode belonging to an incident."""
    members = state.members[row.id]
    background = state.background(alert.scope)
    reasons = [_time(row, members, alert, episode, background)]
    services = members.services if members.services or row.service is None else (row.service,)
    if alert.service is not None and alert.service in services:
        reasons.append(Reason("same_service", _SAME_SERVICE, f"Same service ({alert.service})."))
    else:
        mapped = _calls(state.policy.calls, alert.service, services)
        if mapped is not None:
            reasons.append(mapped)
        company = _company(background, alert, services, members.groups, most=_COMPANY_BESIDE_MAP if mapped else None)
        if company is not None:
            reasons.append(company)
    if (key := state.shared_key(row.id, alert)) is not None:
        reasons.append(Reason("same_key", HARD, f"They carry the same {key} ({alert.labels[key]})."))
    return tuple(reasons)


def _time(row: IncidentRow, members: Members, alert: AlertRow, episode: EpisodeRow, background: Background) -> Reason:
    tally = members.tally
    first, last = tally.first_start or row.opened_at, tally.last_start or row.opened_at
    chronic = background.is_chronic(alert.service, alert.check) or (
        len(members.checks) > 0 and all(background.is_chronic(*check) for check in members.checks)
    )
    rate = background.any if chronic else background.normal
    distance = max(first - episode.started_at, episode.started_at - last, timedelta(0))
    if not distance:
        words = "Started while the incident's other alerts did"
    elif episode.started_at > last:
        words = f"Started {span_words(distance)} after the incident's newest alert"
    else:
        words = f"Started {span_words(distance)} before the incident's first alert"
    often = "alerts, lone and recurring ones included," if chronic else "unrelated alerts"
    chance = f"{often} start in {alert.scope} about {rate.a_day}×/day, chance of coincidence {rate.percent(distance)} %"
    return Reason("time", rate.against_chance(distance, *_TIME), f"{words}; {chance}.")


def _calls(callmap: CallMap, service: str | None, others: Collection[str]) -> Reason | None:
    """What the map of calls says of a service and those of an incident; None where it does not know them."""
    known = [other for other in islice(others, _MOST_SERVICES) if other in callmap.services]
    if service is None or service not in callmap.services or not known:
        return None
    found = ((other, callmap.relation(service, other)) for other in known)
    points, other, relation = max(
        ((_kin_points(relation), other, relation) for other, relation in found), key=lambda each: each[0]
    )
    return Reason("calls", points, _kin_words(service, other, relation))


def _kin_points(relation: Relation) -> int:
    match relation.kinship:
        case Kinship.REACHES:
            return _CALLS.get(relation.hops, _CALLS_FAR)
        case Kinship.SIBLINGS:
            return 0
        case Kinship.HUB_ONLY:
            return _HUB_ONLY
        case Kinship.STRANGERS:
            return _STRANGERS


def _kin_words(service: str, other: str, relation: Relation) -> str:
    match relation.kinship:
        case Kinship.REACHES:
            callee = other if relation.via == service else service
            far = "directly" if relation.hops == 1 else f"through {relation.hops - 1} more"
            return f"{relation.via} calls {callee} {far}."
        case Kinship.SIBLINGS:
            return f"{relation.via} depends on both {service} and {other}."
        case Kinship.HUB_ONLY:
            return f"Only {relation.via}, which nearly everything stands behind, depends on both {service} and {other}."
        case Kinship.STRANGERS:
            return f"By the map of calls, {service} has nothing to do with {other}."


def _company(
    background: Background, alert: AlertRow, services: Collection[str], groups: Collection[str], most: int | None
) -> Reason | None:
    """Whether these services, on the average, started together before; and that their groups never did."""
    own = alert.service
    others = islice(services, _MOST_SERVICES) if own is not None and background.knows("service", own) else ()
    found = [(background.company("service", own or "", other), other) for other in others]
    points = sum(company.points for company, _ in found) // len(found) if found else 0
    apart = 0
    if alert.group is not None and groups:
        apart = min(0, max(background.company("group", alert.group, other).points for other in groups))
    total = points + apart if most is None else min(points + apart, most)
    if not total:
        return None
    return Reason("company", total, _company_words(alert, found, groups, apart))


def _company_words(alert: AlertRow, found: list[tuple[Company, str]], groups: Collection[str], apart: int) -> str:
    company, other = max(found, key=lambda each: abs(each[0].points), default=(Company(0, 0, 0), ""))
    sentences = []
    if company.of:
        sentences.append(f"{alert.service} and {other} started together {company.times} of {company.of} times before.")
    if apart:
        sentences.append(f"Alerts of {alert.group} and of {', '.join(islice(groups, 3))} seldom start together.")
    return " ".join(sentences)
