"""What is said of an alert that fired before: to which scope that belongs."""

from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import AlertRow
from alertline.incidents.scopes import scope_of
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus

__all__ = ["scope_of_news"]


def scope_of_news(state: StreamState, source: str, event: AlertEvent) -> str:
    """The scope of a notification.

    Many senders name the environment only when the alert fires: what is said of it later without one is about the
    alert of that key wherever it is, one that fires first.
    """
    stated = scope_of(state.stream, event.environment)
    if event.environment is not None or event.status is AlertStatus.FIRING:
        return stated
    known = state.alerts_known_as((event.dedup_key,))
    ours = [each for each in known if (each.source, each.dedup_key) == (source, event.dedup_key)]
    ranked = [(_fires(state, each), each.scope == stated, each.id, each.scope) for each in ours]
    return max(ranked)[-1] if ranked else stated


def _fires(state: StreamState, alert: AlertRow) -> bool:
    newest = state.newest_episode(alert.id)
    return newest is not None and newest.ended_at is None
