"""The rows of the timeline (contract §8.16): from events alone, in order of time, each with its evidence."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Final

from alertline.incidents.derived.edits import is_written, marked, marks_of
from alertline.incidents.derived.milestones import Stamps
from alertline.incidents.model import (
    AlertRow,
    ChangeRow,
    EpisodeRow,
    IncidentFacts,
    IncidentRow,
    ItemRow,
    Order,
    witnesses,
)
from alertline.incidents.words import time_words
from schemas.incident import Gap, TimelineRow
from schemas.vocabulary import Basis, ChangeKind, CommandName, EndBasis, IncidentStatus, MilestoneName, RowKind

__all__ = ["bounds", "gaps", "lasted", "timeline", "unrecorded"]

# At the same time: what was changed, what the machines saw, what people said (in the order they said it), the end last.
_FIRST: Final = (RowKind.IMPACT_STARTED, RowKind.CHANGE, RowKind.ROLLBACK)
_SEEN: Final = (RowKind.ALERT_FIRED, RowKind.ALERT_REFIRED, RowKind.ALERT_SUPPRESSED, RowKind.DETECTED)
_LAST: Final = (
    RowKind.ALERT_RESOLVED,
    RowKind.MITIGATED,
    RowKind.IMPACT_ENDED,
    RowKind.RESOLVED,
    RowKind.REOPENED,
    RowKind.CLOSED,
)
_PEOPLE: Final = len(_FIRST) + len(_SEEN)
_PHASE: Final = (
    dict.fromkeys(RowKind, _PEOPLE)
    | {kind: n for n, kind in enumerate(_FIRST + _SEEN)}
    | {kind: n for n, kind in enumerate(_LAST, _PEOPLE + 1)}
)
_UNTOLD: Final = {CommandName.UPDATE, CommandName.EDIT_ENTRY, CommandName.UNDO}
_STAMPED: Final = {
    MilestoneName.IMPACT_STARTED: (RowKind.IMPACT_STARTED, "Impact started"),
    MilestoneName.DETECTED: (RowKind.DETECTED, "Detected"),
    MilestoneName.NOTIFIED: (RowKind.NOTIFIED, "Responders notified"),
    MilestoneName.ACKNOWLEDGED: (RowKind.ACKNOWLEDGED, "Acknowledged"),
    MilestoneName.INVESTIGATING: (RowKind.INVESTIGATING, "Investigation began"),
    MilestoneName.ESCALATED: (RowKind.ESCALATED, "Escalated"),
    MilestoneName.CAUSE_IDENTIFIED: (RowKind.CAUSE_IDENTIFIED, "Cause identified"),
    MilestoneName.FIX_APPLIED: (RowKind.FIX_APPLIED, "Fix applied"),
    MilestoneName.MITIGATED: (RowKind.MITIGATED, "Mitigated"),
    MilestoneName.RESOLVED: (RowKind.RESOLVED, "Resolved"),
    MilestoneName.CLOSED: (RowKind.CLOSED, "Closed"),
}


def bounds(row: IncidentRow, stamps: Stamps) -> tuple[datetime, datetime | None]:
    """From when to when the incident lasted: impact (else detection, else opening) to resolve (None: it is open).

    Where a person said that nobody knows when it was resolved, it did not last longer than until it was found to be so.
    """
    start = stamps.at(MilestoneName.IMPACT_STARTED) or stamps.at(MilestoneName.DETECTED) or row.opened_at
    resolved = stamps.at(MilestoneName.RESOLVED)
    if row.status is IncidentStatus.OPEN:
        return start, None
    return start, resolved or stamps.at(MilestoneName.CLOSED) or row.settled_at or row.updated_at


def lasted(row: IncidentRow, stamps: Stamps) -> tuple[datetime, datetime | None]:
    """From when to when a statement is about an incident (§8.13), but for the quiet period; open: without end."""
    start = stamps.at(MilestoneName.IMPACT_STARTED) or stamps.at(MilestoneName.DETECTED) or row.opened_at
    return start, None if row.status is IncidentStatus.OPEN else stamps.at(MilestoneName.RESOLVED)


def timeline(facts: IncidentFacts, stamps: Stamps) -> tuple[TimelineRow, ...]:
    """All rows of an incident, in order of time."""
    alerts = {alert.id: alert for alert in facts.alerts}
    said = list(_said_rows(facts.items, stamps))
    rows = [
        *_alert_rows(witnesses(facts.episodes), alerts),
        *_change_rows(facts, stamps),
        *said,
        *_milestone_rows(facts, stamps, said),
    ]
    said_at = {item.id: item.order for item in facts.items}
    if marks := marks_of(facts.items):
        rows = [marked(row, marks) for row in rows]
    return tuple(sorted(rows, key=lambda row: (row.at, _PHASE[row.kind], said_at.get(row.id, Order(0)), row.id)))


def _alert_rows(episodes: Iterable[EpisodeRow], alerts: dict[str, AlertRow]) -> Iterator[TimelineRow]:
    seen: set[tuple[str, str]] = set()
    for episode in sorted(episodes, key=lambda each: (each.started_at, each.id)):
        alert = alerts[episode.alert]
        again = (alert.source, alert.identity) in seen
        seen.add((alert.source, alert.identity))
        name = f"{alert.title} ({alert.service})" if alert.service and alert.service not in alert.title else alert.title
        yield TimelineRow(
            id=f"{episode.id}.fired",
            at=episode.started_at,
            kind=RowKind.ALERT_REFIRED if again else RowKind.ALERT_FIRED,
            text=f"Alert fired again: {name}" if again else f"Alert fired: {name}",
            basis=episode.start_basis,
            source=alert.source,
            evidence=episode.start_evidence,
            original_time=_as_stated(episode.spans[0].stated_start),
        )
        if episode.ended_at is not None and not episode.point:
            yield _ended_row(episode, episode.ended_at, alert, name)


def _ended_row(episode: EpisodeRow, at: datetime, alert: AlertRow, name: str) -> TimelineRow:
    stated = episode.end_basis is EndBasis.REPORTED
    return TimelineRow(
        id=f"{episode.id}.resolved",
        at=at,
        kind=RowKind.ALERT_RESOLVED,
        text=_end_words(episode, name),
        basis=Basis.REPORTED if stated else Basis.ASSUMED,
        source=alert.source,
        evidence=episode.end_evidence,
        original_time=_as_stated(episode.end_span.stated_end if episode.end_span else None),
    )


def _as_stated(at: datetime | None) -> str | None:
    """The time that a source stated whose clock was ahead."""
    return None if at is None else at.isoformat()


def _end_words(episode: EpisodeRow, name: str) -> str:
    if episode.end_basis is EndBasis.REPORTED:
        return f"Alert resolved: {name}"
    if episode.end_basis is EndBasis.EXPIRED and episode.ended_by is not None:
        by = time_words(episode.ended_by)
        return f"Alert last heard of, taken to be over: {name} (expired: no resolve came, silent until {by})"
    if episode.end_span is not None and episode.end_span.stated_end is not None:
        return f"Alert resolved: {name} (received then: its source's clock is ahead)"
    return f"Alert resolved: {name} ({episode.end_basis}: its source states no end)"


def _change_rows(facts: IncidentFacts, stamps: Stamps) -> Iterator[TimelineRow]:
    start, end = bounds(facts.row, stamps)
    for change in facts.changes:
        within = start <= change.at and (end is None or change.at <= end)
        if within and change.kind is not ChangeKind.UNRECORDED:
            yield _change_row(change)


def _change_row(change: ChangeRow) -> TimelineRow:
    rollback = change.kind is ChangeKind.ROLLBACK
    return TimelineRow(
        id=change.id,
        at=change.at,
        ended_at=change.ended_at,
        kind=RowKind.ROLLBACK if rollback else RowKind.CHANGE,
        text=change.text,
        basis=change.basis,
        source=change.source,
        actor=change.actor,
        evidence=(change.id,),
    )


def _said_rows(items: Iterable[ItemRow], stamps: Stamps) -> Iterator[TimelineRow]:
    closed = stamps.milestones[MilestoneName.CLOSED]
    contradicted = {conflict.evidence for conflict in stamps.conflicts if conflict.what == MilestoneName.RESOLVED}
    for item in items:
        if item.kind is RowKind.CLOSED and (closed is None or item.evidence != closed.evidence):
            continue  # a close that a later reopen took back is no milestone; the reopening has its own row
        if item.command in _UNTOLD and item.kind is RowKind.NOTE:
            continue  # how people keep their record is in its history, not in the story
        yield TimelineRow(
            id=item.id,
            at=item.at,
            ended_at=item.ended_at,
            kind=RowKind.NOTE if _did_nothing(item) or item.evidence in contradicted else item.kind,
            text=item.text,
            basis=item.basis,
            source=item.source,
            actor=item.actor,
            evidence=item.evidence,
            original_time=item.original_time,
            written=is_written(item),
        )


def _did_nothing(item: ItemRow) -> bool:
    """Whether a command was kept, but not carried out."""
    return item.command is not None and not item.accepted


def _milestone_rows(facts: IncidentFacts, stamps: Stamps, said: list[TimelineRow]) -> Iterator[TimelineRow]:
    """Every milestone that is set is a row of its kind, once: what somebody said is its row already."""
    told = {(row.kind, row.at) for row in said}
    for name, (kind, words) in _STAMPED.items():
        milestone = stamps.milestones[name]
        if milestone is None or (kind, milestone.at) in told:
            continue
        yield TimelineRow(
            id=f"{facts.row.id}.{name}",
            at=milestone.at,
            kind=kind,
            text=f"{words}: {milestone.note}" if milestone.note else words,
            basis=milestone.basis,
            evidence=milestone.evidence,
        )


def gaps(rows: Iterable[TimelineRow], start: datetime, end: datetime | None, least: float, share: float) -> list[Gap]:
    """Stretches of a finished incident in which nothing was recorded for `least` seconds and `share` of its length."""
    if end is None or end <= start:
        return []
    limit = max(least, share * (end - start).total_seconds())
    times = sorted({start, end, *(row.at for row in rows if start <= row.at <= end)})
    return [
        Gap(before, after, f"nothing recorded for {round((after - before).total_seconds() / 60)} min")
        for before, after in pairwise(times)
        if (after - before).total_seconds() > limit
    ]


def unrecorded(changes: Iterable[ChangeRow], start: datetime, end: datetime | None) -> list[Gap]:
    """Stretches, within an incident or at its edges, in which Alertline itself could take no deliveries."""
    return [
        Gap(max(start, change.at), until if end is None else min(until, end), change.text)
        for change in changes
        if change.kind is ChangeKind.UNRECORDED
        and (until := change.ended_at or change.at) >= start
        and (end is None or change.at <= end)
    ]
