"""Alerts whose sources fell silent (silent recovery, told apart from a stated one).

A source that repeats what still fires and stops doing so has most likely recovered without our hearing of it: after a
*lease* the episode expires. Its end is unknown, so it is estimated by the last notice and bounded by the lease. Any
other source may be silent for days: then the alert is flagged as stale, and nothing is invented about its end.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from alertline.incidents.alerts import scope_of
from alertline.incidents.decisions import DecisionKind
from alertline.incidents.episodes import expired
from alertline.incidents.work import Work
from schemas.events import AlertEvent, Event
from schemas.vocabulary import AlertStatus

__all__ = ["fall_silent", "only_repeats"]


def only_repeats(work: Work, events: Iterable[Event]) -> bool:
    """Whether a delivery brings nothing but alerts that fire already: its source repeats itself.

    A group in which anything is new was sent for that: its other alerts say nothing of how often the source repeats.
    """
    return all(isinstance(event, AlertEvent) and _fires_already(work, event) for event in events)


def _fires_already(work: Work, event: AlertEvent) -> bool:
    if event.status is not AlertStatus.FIRING or not event.repeats:
        return False
    alert = work.state.alert_by_key(scope_of(work.state.stream, event.environment), work.source, event.dedup_key)
    newest = None if alert is None else work.state.newest_episode(alert.id)
    if newest is None or newest.ended_at is not None:
        return False
    return event.starts_at is None or any(span.named == event.starts_at for span in newest.spans)


def fall_silent(work: Work, episode: str, deadline: datetime) -> None:
    """Nothing was heard of a firing alert for too long."""
    row = work.state.episodes[episode]
    if row.repeats:
        work.decide(DecisionKind.EPISODE_EXPIRED, msgspec.structs.replace(row, spans=expired(row, deadline)))
        work.touch(row.incident, interval=True)
    else:
        work.decide(DecisionKind.EPISODE_STALE, msgspec.structs.replace(row, stale=True))
        work.touch(row.incident)
