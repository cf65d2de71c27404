"""Where an incident opens, resolves, reopens (contract §8.6, §8.9, §8.13). All in log order; the stamps are elsewhere.

An incident resolves when nothing fired for the quiet period of log time, or when a person says so. It reopens when a
member starts again after its resolve; where records only came late, the resolve is withdrawn as a correction instead.
"""

from datetime import datetime
from itertools import count

from alertline.incidents.decisions import DecisionKind
from alertline.incidents.derived.resolution import stands
from alertline.incidents.ids import mark_id
from alertline.incidents.model import EpisodeRow, IncidentRow, ItemRow, Order, witnesses
from alertline.incidents.policy import Policy
from alertline.incidents.words import span_words, time_words
from alertline.incidents.work import Work
from schemas.incident import Milestone
from schemas.vocabulary import Basis, IncidentStatus, MilestoneName, RowKind

__all__ = ["carry_on", "open_incident", "reopen", "resolve_quiet", "resolve_said", "withdraw_resolve", "within_span"]


def open_incident(
    work: Work, *, scope: str, by: str, at: datetime, service: str | None, recurrence_of: str | None = None
) -> IncidentRow:
    """Open an incident: `by` is the event that opens it, `at` its event time.

    An event may open a second one: when a late resolve parts its episode, and both parts begin with it.
    """
    ids = (mark_id("inc", by, ordinal) for ordinal in count())
    row = IncidentRow(
        id=next(each for each in ids if not work.taken(each, by)),
        stream=work.state.stream,
        scope=scope,
        status=IncidentStatus.OPEN,
        opened_by=by,
        opened_at=at,
        opened=work.order(),
        created_at=work.log_time,
        updated_at=work.log_time,
        service=service,
        recurrence_of=recurrence_of,
    )
    work.decide(DecisionKind.INCIDENT_OPENED, row)
    work.touch(row.id, interval=True)
    return row


def resolve_quiet(work: Work, incident: str, deadline: datetime) -> None:
    """Nothing of it fired for the quiet period: it is resolved, as of its latest end."""
    row = work.state.incidents[incident]
    work.decide_incident(
        DecisionKind.INCIDENT_RESOLVED,
        row,
        status=IncidentStatus.RESOLVED,
        deadline=deadline,
        settled_at=work.log_time,
        held_open_from=None,
    )
    work.touch(incident, interval=True)


def resolve_said(work: Work, row: IncidentRow, statement: ItemRow) -> bool:
    """Somebody says that it is over: so it is, unless a member starts after that; whether the statement stands."""
    if not stands(statement, witnesses(work.state.members[row.id].telling())):
        return False
    work.touch(row.id, interval=True)
    if row.status is IncidentStatus.OPEN:
        work.decide_incident(
            DecisionKind.INCIDENT_RESOLVED,
            row,
            status=IncidentStatus.RESOLVED,
            deadline=None,
            settled_at=work.log_time,
        )
    return True


def carry_on(work: Work, episode: EpisodeRow, before: Milestone | None) -> None:
    """An episode joined its incident, or goes on after all; `before`: the resolve that was in force until then."""
    assert episode.incident is not None  # noqa: S101 - callers attach first
    row = work.state.incidents[episode.incident]
    work.touch(row.id, interval=True)
    if row.status is not IncidentStatus.RESOLVED or (episode.paging and work.state.members[row.id].monitored):
        return
    if before is not None and episode.started_at > before.at:
        read_late = row.deadline is not None and work.received_at < row.deadline
        if read_late:
            _withdraw(work, row, before, episode)
        else:
            _reopen_by_alert(work, row, before, episode)
    elif episode.ended_at is None and not _said_by_somebody(work, row, before):
        _withdraw(work, row, before, episode)


def _said_by_somebody(work: Work, row: IncidentRow, before: Milestone | None) -> bool:
    """Whether the resolve in force is a statement: running episodes move nothing then (§8.9)."""
    if before is None:
        return False
    items = work.state.members[row.id].items.values()
    return any(item.kind is RowKind.RESOLVED and item.accepted and item.at == before.at for item in items)


def _reopen_by_alert(work: Work, row: IncidentRow, before: Milestone, episode: EpisodeRow) -> None:
    after = span_words(episode.started_at - before.at)
    row = _reopened(work, row, before.at, work.order())
    text = f"Reopened: an alert fired again {after} after the resolve of {time_words(before.at)}."
    work.mark(row, RowKind.REOPENED, episode.started_at, text, episode.start_evidence)


def reopen(work: Work, row: IncidentRow, statement: ItemRow) -> None:
    """A person reopens: automation resolves again only on an end that is read after this."""
    before = work.state.stamps(row.id).milestones[MilestoneName.RESOLVED]
    _reopened(work, row, before.at if before else None, statement.order, held_open_from=work.log_time)


def _reopened(
    work: Work, row: IncidentRow, resolved_at: datetime | None, order: Order, held_open_from: datetime | None = None
) -> IncidentRow:
    work.touch(row.id, interval=True)
    return work.decide_incident(
        DecisionKind.INCIDENT_REOPENED,
        row,
        status=IncidentStatus.OPEN,
        deadline=None,
        settled_at=None,
        reopened=order,
        held_open_from=held_open_from,
        reopen_count=row.reopen_count + 1,
        first_resolved_at=row.first_resolved_at or resolved_at,
    )


def withdraw_resolve(work: Work, row: IncidentRow) -> IncidentRow:
    """Let an incident be open as if it had never been resolved."""
    return work.decide_incident(
        DecisionKind.INCIDENT_RESOLVE_WITHDRAWN, row, status=IncidentStatus.OPEN, deadline=None, settled_at=None
    )


def within_span(first: datetime, at: datetime, policy: Policy) -> bool:
    """Whether an onset lies within the time after an incident's first in which evidence alone lets an alert join.

    It keeps chains of alerts, each close to the one before, from growing into one incident without end.
    """
    return at - first <= policy.span


def _withdraw(work: Work, row: IncidentRow, before: Milestone | None, episode: EpisodeRow) -> None:
    """The resolve was decided without a record that came late: it is taken back, and the row says so."""
    row = withdraw_resolve(work, row)
    work.touch(row.id, interval=True)
    if before is not None:
        text = f"The resolve of {time_words(before.at)} is withdrawn: a record that came late shows an alert firing."
        work.mark(row, RowKind.CORRECTION, before.at, text, episode.start_evidence)


def basis_of_statement(at: datetime | None) -> Basis:
    """A person's time is manual; where none was given, the receive time stands in."""
    return Basis.MANUAL if at is not None else Basis.FALLBACK
