"""How an episode gets its incident: when it starts, when a maintenance window is over, when a late record moves it.

`correlate.py` finds the incident; here the episode joins it, or opens one, and what the scope is used to is noted.
"""

from datetime import datetime

import msgspec

from alertline.incidents.correlating.correlate import Placement, place
from alertline.incidents.correlating.lifecycle import carry_on, open_incident
from alertline.incidents.correlating.membership import join
from alertline.incidents.decisions import DecisionKind
from alertline.incidents.episodes import Heard
from alertline.incidents.ids import mark_id
from alertline.incidents.memory.maintenance import expected_until
from alertline.incidents.model import AlertRow, ArrivalRow, EpisodeRow
from alertline.incidents.words import time_words
from alertline.incidents.work import Work
from schemas.incident import Milestone, Reason
from schemas.vocabulary import IncidentStatus, MilestoneName, Severity

__all__ = ["fires_on", "place_again", "resolve_in_force", "stands_alone", "start"]


def start(work: Work, alert: AlertRow, row: EpisodeRow, heard: Heard) -> None:
    """Give an episode its incident, unless it was expected and is over in time, or only news of success."""
    _note_arrival(work, alert, row)
    if heard.alert.routine and all(span.fired_event is None for span in row.spans):
        work.decide(DecisionKind.EPISODE_STARTED, row)
        return
    if heard.home is not None:
        placement = Placement(heard.home, (Reason("page", 99, "It names an alert of this incident, or its time."),))
        _join(work, alert, row, placement)
        return
    placement = place(work.state, alert, row, work.policy)
    until = expected_until(work.policy, alert, row.started_at)
    if until is None or _fires_again(work, placement):
        _join(work, alert, msgspec.structs.replace(row, expected=False), placement)
        return
    row = msgspec.structs.replace(row, expected=True)
    if row.ended_at is None or row.ended_at <= until:
        work.decide(DecisionKind.EPISODE_STARTED, row)
    else:
        _join(work, alert, row, placement)


def _fires_again(work: Work, placement: Placement) -> bool:
    """Whether an open incident has this very condition: that is its business, whatever was expected."""
    if placement.incident is None or work.state.incidents[placement.incident].status is not IncidentStatus.OPEN:
        return False
    return any(reason.rule == "same_identity" for reason in placement.why)


def fires_on(work: Work, episode: str, deadline: datetime) -> None:
    """What began in a maintenance window still fires some time after it: from here on it is an alert like any other."""
    row = work.state.episodes[episode]
    alert = work.state.alerts[row.alert]
    placement = place(work.state, alert, row, work.policy)
    words = Reason("maintenance", 0, f"It began in a maintenance window, and still fired at {time_words(deadline)}.")
    _join(work, alert, row, msgspec.structs.replace(placement, why=(*placement.why, words)))


def _join(work: Work, alert: AlertRow, row: EpisodeRow, placement: Placement) -> None:
    """Let an episode join its incident, or open one (§8.10: not for an informational resolve)."""
    incident, before = placement.incident, None
    if incident is None:
        if row.severity is Severity.INFO and row.ended_at is not None and not row.point:
            work.decide(DecisionKind.EPISODE_STARTED, row)
            return
        by = row.spans[0].fired_event or row.spans[0].resolved_event or row.id
        incident = open_incident(
            work,
            scope=alert.scope,
            by=by,
            at=row.started_at,
            service=alert.service,
            recurrence_of=placement.recurrence_of,
        ).id
    else:
        before = resolve_in_force(work, incident)
    row = msgspec.structs.replace(row, incident=incident, why=placement.why, related=placement.related)
    work.decide(DecisionKind.EPISODE_STARTED, row)
    carry_on(work, row, before)
    for other in placement.joins:
        join(work, row.id, other)


def _note_arrival(work: Work, alert: AlertRow, row: EpisodeRow) -> None:
    """What the scope is used to is learned from everything that starts in it (`background.py`)."""
    if row.paging or row.id in work.state.episodes:
        return
    background = work.state.background(alert.scope)
    if not background.worth_noting(alert.service, alert.check, work.log_time):
        return
    arrival = ArrivalRow(
        id=mark_id("ar", row.id),
        stream=row.stream,
        scope=row.scope,
        at=row.started_at,
        read_at=work.log_time,
        order=work.order(),
        check=alert.check,
        service=alert.service,
        group=alert.group,
        chronic=background.is_chronic(alert.service, alert.check),
    )
    work.decide(DecisionKind.ARRIVAL_NOTED, arrival)


def resolve_in_force(work: Work, incident: str | None) -> Milestone | None:
    """The resolve of an incident that is over; None while it is open, or for none."""
    if incident is None or work.state.incidents[incident].status is IncidentStatus.OPEN:
        return None
    return work.state.stamps(incident).milestones[MilestoneName.RESOLVED]


def stands_alone(work: Work, row: EpisodeRow) -> bool:
    """Whether an incident holds nothing but this alert, so that its membership may be decided again (§8.5)."""
    assert row.incident is not None  # noqa: S101 - only attached episodes move
    members = work.state.members[row.incident]
    people = any(item.command is not None or item.actor is not None for item in members.items.values())
    return not people and not row.pinned and all(each.id == row.id for each in members.episodes.values())


def place_again(work: Work, alert: AlertRow, row: EpisodeRow, before: Milestone | None) -> None:
    """A late record moved the start: decide where it belongs as for a new episode; an emptied incident is an alias."""
    placement = place(work.state, alert, row, work.policy, excluded=row.incident)
    if placement.incident is None or row.incident is None:
        if row.ended_at is None:
            carry_on(work, row, before)
        return
    left, before = work.state.incidents[row.incident], resolve_in_force(work, placement.incident)
    row = msgspec.structs.replace(row, incident=placement.incident, why=placement.why, related=placement.related)
    work.decide(DecisionKind.EPISODE_ATTACHED, row)
    work.decide_incident(DecisionKind.INCIDENT_MERGED, left, merged_into=placement.incident)
    carry_on(work, row, before)
    for other in placement.joins:
        join(work, row.id, other)
