"""Incidents that were resolved long ago: what still comes about them annotates, and changes nothing (seal).

The time is log time, counted from when the resolve was decided, so the same log always seals at the same record.
People's commands go on working.
"""

from collections.abc import Sequence

import msgspec

from alertline.incidents.decisions import DecisionKind
from alertline.incidents.episodes import Effect, Heard, Observed, observe
from alertline.incidents.folding import fold
from alertline.incidents.ids import mark_id
from alertline.incidents.memory.ending import sealed
from alertline.incidents.model import AlertRow, EpisodeRow, Span
from alertline.incidents.words import time_words
from alertline.incidents.work import Work
from schemas.vocabulary import AlertStatus, RowKind

__all__ = ["after_seal", "any_sealed"]


def any_sealed(work: Work, episodes: Sequence[EpisodeRow]) -> bool:
    """Whether one of some episodes is in a sealed incident."""
    if len(episodes) == 1:
        return _is_sealed(work, episodes[0])
    return any(_is_sealed(work, episode) for episode in episodes)


def _is_sealed(work: Work, episode: EpisodeRow) -> bool:
    if episode.incident is None:
        return False
    return sealed(work.state.incidents[episode.incident], work.log_time, work.policy)


def after_seal(
    work: Work, alert: AlertRow, known: Sequence[EpisodeRow], heard: Heard
) -> tuple[Sequence[EpisodeRow], Heard] | None:
    """What a notification may still change: these episodes, told so; None if it only annotated a sealed incident.

    An alert of a sealed episode that is heard firing fires now: as if its source named no start, because that start is
    history. The end of what fires so may come under the old start, too.
    """
    observed = observe([span for each in known for span in each.spans], heard, work.policy.late_delivery)
    run = _run(known, observed)
    starts = {span.start for span in run}
    old = next((each for each in known if _is_sealed(work, each) and any(s.start in starts for s in each.spans)), None)
    if old is None or observed.effect is Effect.REPEATED:
        return known, heard
    near = work.state.episodes_near(alert.id, None, None)
    free = [each for each in near if not _is_sealed(work, each)]
    if heard.alert.status is AlertStatus.RESOLVED:
        end = heard.alert.ends_at or heard.received_at
        now = any(each.ended_at is None and each.started_at <= end for each in free)
    else:
        now = run[-1].end is None
    if now:
        return free, msgspec.structs.replace(
            heard, alert=msgspec.structs.replace(heard.alert, starts_at=None), stated_start=None
        )
    _annotate(work, alert, old, heard, observed.span)
    return None


def _run(known: Sequence[EpisodeRow], observed: Observed) -> tuple[Span, ...]:
    """The run of spans that a notification is about, as it would be."""
    spans = {span.start: span for each in known for span in each.spans}
    spans |= {span.start: span for span in (observed.span, *observed.also)}
    return next(run for run in fold(list(spans.values())) if any(span.start == observed.span.start for span in run))


def _annotate(work: Work, alert: AlertRow, old: EpisodeRow, heard: Heard, span: Span) -> None:
    row = msgspec.structs.replace(
        old, notifications=old.notifications + 1, last_received=max(old.last_received, heard.received_at)
    )
    work.decide(DecisionKind.EPISODE_REFRESHED, row)
    if row.incident is None:
        return
    ended = heard.alert.status is AlertStatus.RESOLVED and span.end is not None
    at = span.end if ended and span.end is not None else span.start
    said = f"ended at {time_words(at)}" if ended else f"fired from {time_words(at)}"
    text = f"Told too late to change anything: “{alert.title}” {said}."
    name = mark_id("it", f"{old.id}:{heard.alert.status}:{at.isoformat()}")
    work.say(row.incident, heard, RowKind.NOTE, at, text, name=name)
