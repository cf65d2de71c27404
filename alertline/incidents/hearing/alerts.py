"""What one alert notification changes: its alert and its episode; which incident that joins is `joining.py`'s."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from alertline.incidents.correlating.joining import place_again, resolve_in_force, stands_alone, start
from alertline.incidents.correlating.lifecycle import carry_on
from alertline.incidents.decisions import DecisionKind
from alertline.incidents.episodes import Effect, Heard, Observed, by_our_clock, observe, usual_run
from alertline.incidents.folding import compacted, fold, with_span, with_start
from alertline.incidents.hearing.news import scope_of_news
from alertline.incidents.hearing.sealing import after_seal, any_sealed
from alertline.incidents.ids import mark_id
from alertline.incidents.memory.leases import counts_as_repeat, longer, renewed
from alertline.incidents.model import AlertRow, EpisodeRow, Span
from alertline.incidents.rules import pending_rule
from alertline.incidents.scopes import scope_of
from alertline.incidents.severity import highest, highest_of
from alertline.incidents.work import Work
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus, EndBasis, RowKind

__all__ = ["hear", "listen"]

_DECIDED: Final = {
    Effect.STARTED: DecisionKind.EPISODE_STARTED,
    Effect.ENDED: DecisionKind.EPISODE_ENDED,
    Effect.WITHDRAWN: DecisionKind.EPISODE_END_WITHDRAWN,
    Effect.REPEATED: DecisionKind.EPISODE_REFRESHED,
}


def hear(work: Work, event: AlertEvent) -> None:
    """Take in one notification of one alert."""
    heard = Heard(event, work.received_at, work.log_time, work.ids)
    alert = listen(work, heard, scope_of_news(work.state, work.source, event))
    if event.status is AlertStatus.ACKNOWLEDGED:
        _acknowledged(work, alert, heard)


def listen(work: Work, heard: Heard, scope: str) -> AlertRow:
    """Fold a notification into its alert's episodes, and let each belong to its incident."""
    heard = by_our_clock(heard, work.policy.skew)
    alert = _described(work, heard, scope)
    start, end = heard.alert.starts_at, heard.alert.ends_at
    if heard.alert.status is AlertStatus.RESOLVED:
        end = end or heard.received_at  # a resolve that states no end ends what began before it came
    known: Sequence[EpisodeRow] = work.state.episodes_near(alert.id, start, end, _about(heard))
    if any_sealed(work, known):
        admitted = after_seal(work, alert, known, heard)
        if admitted is None:
            return alert
        known, heard = admitted
    observed = observe([span for episode in known for span in episode.spans], heard, work.policy.late_delivery)
    home = with_start(known, observed.span.start)
    if home is not None and observed.effect is Effect.REPEATED:
        row = _counted(_paced(work, home, heard), heard, with_span(home.spans, observed.span))
        work.decide(DecisionKind.EPISODE_REFRESHED, row)
        window = (home.pending_for, home.pending_configured)
        if row.severity is not home.severity or (row.pending_for, row.pending_configured) != window:
            work.touch(row.incident, interval=True)
        return alert
    work.only_repeats = False
    _refold(work, alert, known, heard, observed)
    if observed.before is not None:
        _mark_withdrawn(work, alert, observed.before, heard)
    return alert


def _about(heard: Heard) -> datetime | None:
    """The earliest time that a notification can be about; None: a resolve without a start may be about any."""
    event = heard.alert
    if event.starts_at is not None or event.status is AlertStatus.RESOLVED:
        return event.starts_at
    return min(event.changed_at or heard.received_at, heard.received_at)


def _acknowledged(work: Work, alert: AlertRow, heard: Heard) -> None:
    """A monitor that says that somebody acknowledged its alert."""
    home = work.state.newest_episode(alert.id)
    if home is not None and home.incident is not None:
        at = heard.alert.changed_at or heard.received_at
        text = heard.alert.note or f"“{alert.title}” was acknowledged."
        work.say(home.incident, heard, RowKind.ACKNOWLEDGED, at, text, stated=heard.alert.changed_at is not None)


def _described(work: Work, heard: Heard, scope: str) -> AlertRow:
    """The alert's row, made or brought up to date. A resolve's words never replace those of the firing."""
    event = heard.alert
    old = work.state.alert_by_key(scope, work.source, event.dedup_key)
    if old is None:
        row = AlertRow(
            id=mark_id("al", heard.event),
            stream=work.state.stream,
            scope=scope,
            source=work.source,
            identity=event.identity,
            dedup_key=event.dedup_key,
            title=event.title,
            service=event.service,
            host=event.host,
            severity=event.severity,
            labels=event.labels,
            description=event.description,
            source_url=event.source_url,
            runbook=event.runbook,
        )
        work.decide(DecisionKind.ALERT_SEEN, row)
        return row
    if event.status is not AlertStatus.FIRING:
        return old
    severity = highest_of(old.severity, event.severity)
    service = event.service or old.service
    same = severity is old.severity and service == old.service and event.title == old.title
    if same and event.labels == old.labels:
        return old
    row = msgspec.structs.replace(old, severity=severity, service=service, title=event.title, labels=event.labels)
    work.decide(DecisionKind.ALERT_DESCRIBED, row)
    return row


def _counted(row: EpisodeRow, heard: Heard, spans: tuple[Span, ...]) -> EpisodeRow:
    """The episode with one more notification."""
    event = heard.alert
    return msgspec.structs.replace(
        row,
        spans=spans,
        notifications=row.notifications + 1,
        severity=highest_of(row.severity, event.severity),
        pending_for=row.pending_for if event.pending_for is None else event.pending_for,
        pending_configured=row.pending_configured and event.pending_for is None,
        first_received=min(row.first_received, heard.received_at),
        last_received=max(row.last_received, heard.received_at),
        read_at=heard.read_at,
        repeats=row.repeats or event.repeats,
        leased_until=renewed(row, event, heard.read_at),
        stale=False,
        paging=row.paging and event.paging,
        point=row.point and (event.status is not AlertStatus.RESOLVED or spans == row.spans),
    )


def _only_repeats(work: Work) -> bool:
    """Whether the delivery brings nothing but alerts that fire already: its source repeats itself.

    A group in which anything is new was sent for that: its other alerts say nothing of how often the source repeats.
    Asked before anything of the delivery has changed an alert; what was heard of it until then was repeats.
    """
    if work.only_repeats is None:
        work.only_repeats = all(isinstance(each, AlertEvent) and _fires_already(work, each) for each in work.events)
    return work.only_repeats


def _fires_already(work: Work, event: AlertEvent) -> bool:
    if event.status is not AlertStatus.FIRING or not event.repeats:
        return False
    alert = work.state.alert_by_key(scope_of(work.state.stream, event.environment), work.source, event.dedup_key)
    newest = None if alert is None else work.state.newest_episode(alert.id)
    if newest is None or newest.ended_at is not None:
        return False
    return event.starts_at is None or any(span.named == event.starts_at for span in newest.spans)


def _paced(work: Work, row: EpisodeRow, heard: Heard) -> EpisodeRow:
    """The episode with what a repeat tells of its source's pace."""
    gap = heard.received_at - row.last_received
    if row.spans[-1].end is not None or not counts_as_repeat(gap, work.policy) or not _only_repeats(work):
        return row
    longest = gap if row.longest_gap is None else max(row.longest_gap, gap)
    return msgspec.structs.replace(row, repeated=row.repeated + 1, longest_gap=longest)


def _refold(work: Work, alert: AlertRow, known: Sequence[EpisodeRow], heard: Heard, observed: Observed) -> None:
    """Fold the alert's spans into episodes again; rows change only for the runs that did."""
    span = observed.span
    usual = usual_run(known, observed)
    if usual is not None:
        _settle_run(work, alert, *usual, heard, observed.effect)
        return
    spans: Sequence[Span] = [each for episode in known for each in episode.spans]
    for changed in (span, *observed.also):
        spans = with_span(spans, changed)
    free = list(known)
    for number, whole in enumerate(fold(spans)):
        run = compacted(whole)
        starts = {each.start for each in run}
        owners = [each for each in free if any(own.start in starts for own in each.spans)]
        keep = min(owners, key=lambda each: (not each.pinned, each.first_received, each.id), default=None)
        for lost in owners:
            if keep is not None and lost.id != keep.id:
                keep = _absorbed(work, keep, lost)
        free = [each for each in free if each not in owners]
        if span.start in starts:
            _settle_run(work, alert, keep, run, heard, observed.effect)
        elif keep is None:
            # a late resolve showed that two firings were not one: the later one stands on its own from here on
            start(work, alert, _fresh(work, alert, run, heard, ordinal=len(spans) + number), heard)
        elif keep.spans != run:
            work.decide(DecisionKind.EPISODE_MOVED, msgspec.structs.replace(keep, spans=run))
            work.touch(keep.incident, interval=True)


def _absorbed(work: Work, keep: EpisodeRow, lost: EpisodeRow) -> EpisodeRow:
    """The episode that goes on for both, with what was heard of the other."""
    work.touch(lost.incident, interval=True)
    work.decide(
        DecisionKind.EPISODE_MOVED, msgspec.structs.replace(lost, absorbed_by=keep.id, incident=None, origin=None)
    )
    return msgspec.structs.replace(
        keep,
        notifications=keep.notifications + lost.notifications,
        severity=highest((keep.severity, lost.severity)),
        first_received=min(keep.first_received, lost.first_received),
        last_received=max(keep.last_received, lost.last_received),
        repeats=keep.repeats or lost.repeats,
        leased_until=longer(keep, lost),
        paging=keep.paging and lost.paging,
    )


def _settle_run(
    work: Work, alert: AlertRow, keep: EpisodeRow | None, run: tuple[Span, ...], heard: Heard, effect: Effect
) -> None:
    """The run that the notification is about: start it, or let its episode be as the run is now."""
    if keep is None:
        start(work, alert, _counted(_fresh(work, alert, run, heard), heard, run), heard)
        return
    before = resolve_in_force(work, keep.incident)
    row = _counted(keep, heard, run)
    moved = row.started_at < keep.started_at
    kind = DecisionKind.EPISODE_MOVED if moved else _DECIDED[effect]
    work.decide(kind, row)
    work.touch(row.incident, interval=True)
    if row.incident is None:
        start(work, alert, row, heard)
    elif moved and stands_alone(work, row):
        place_again(work, alert, row, before)
    elif row.ended_at is None:
        carry_on(work, row, before)


def _fresh(work: Work, alert: AlertRow, run: tuple[Span, ...], heard: Heard, ordinal: int = 0) -> EpisodeRow:
    event = heard.alert
    unsaid = event.pending_for is None and not event.paging
    rule = pending_rule(work.policy, alert) if unsaid else None
    return EpisodeRow(
        id=mark_id("ep", heard.event, ordinal),
        stream=alert.stream,
        scope=alert.scope,
        alert=alert.id,
        incident=None,
        spans=run,
        severity=event.severity,
        pending_for=event.pending_for if rule is None else rule.pending_for.total_seconds(),
        pending_configured=rule is not None,
        first_received=heard.received_at,
        last_received=heard.received_at,
        point=event.point,
        paging=event.paging,
    )


def _mark_withdrawn(work: Work, alert: AlertRow, before: Span, heard: Heard) -> None:
    """An end that was withdrawn or put right stays visible as a correction (§8.5)."""
    near = work.state.episodes_near(alert.id, before.start, before.end)
    home = with_start(near, before.start)
    if home is None or home.incident is None or before.end is None:
        return
    if before.end_basis is not EndBasis.EXPIRED:
        text = f"The resolve of “{alert.title}” was withdrawn: its source reported the same episode firing again."
    elif home.ended_at is None:
        text = f"“{alert.title}” was taken to be over, because its source was silent: it was heard firing again."
    else:
        text = f"The end of “{alert.title}” was assumed from silence: its source stated it after all."
    evidence = tuple(event for event in (before.resolved_event, heard.event) if event is not None)
    work.mark(work.state.incidents[home.incident], RowKind.CORRECTION, before.end, text, evidence)
