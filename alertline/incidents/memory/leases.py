"""How long an alert is believed to fire while its source is silent. Pure.

Some sources grant a *lease* with every notice: the alert is over then, unless they say it again. They are taken at
their word. What other sources' silence means is learned from how often they repeat themselves.
"""

from datetime import datetime, timedelta
from typing import Final

from alertline.incidents.model import EpisodeRow
from alertline.incidents.policy import Policy
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus

__all__ = ["counts_as_repeat", "lease_of", "longer", "pace_of", "renewed", "silent_deadline"]

_LEARNED: Final = 2  # repeats after which a source's own pace is known
_MISSED: Final = 3  # so many gaps without a repeat are silence
_LONGEST_S: Final = 366 * 86400.0  # nobody means more; it also keeps log time within what a time can be


def renewed(row: EpisodeRow, event: AlertEvent, read_at: datetime) -> datetime | None:
    """Until when the lease runs after one more notice, which was read at this log time.

    It runs from the reading: a renewal that still lies in the log unread came in time. A shorter lease takes nothing
    back: of two senders that say the same, the one that grants more counts. A source that grants none any more is
    judged by its silence again.
    """
    if event.status is not AlertStatus.FIRING:
        return row.leased_until
    if event.lease is None:
        return None
    until = read_at + timedelta(seconds=min(max(event.lease, 0.0), _LONGEST_S))
    return until if row.leased_until is None else max(until, row.leased_until)


def longer(one: EpisodeRow, other: EpisodeRow) -> datetime | None:
    """The longer lease of two episodes that become one."""
    return max((each.leased_until for each in (one, other) if each.leased_until is not None), default=None)


def lease_of(row: EpisodeRow, policy: Policy) -> timedelta:
    """How long a source that repeats itself may be silent: by its own pace, once that is known."""
    if row.longest_gap is None or row.repeated < _LEARNED:
        return policy.lease
    return min(max(_MISSED * row.longest_gap, policy.lease_least), policy.lease_most)


def counts_as_repeat(gap: timedelta, policy: Policy) -> bool:
    """Whether a gap between two receipts tells of a source's pace.

    Copies from a second sender follow within seconds or minutes, and no lease could be as short as they are close.
    """
    return _MISSED * gap >= policy.lease_least


def pace_of(row: EpisodeRow) -> tuple[bool, int, bool, bool, bool]:
    """What a lease goes by, besides when its source was heard last: as long as this stays, its end only moves on."""
    return row.repeats, row.repeated, row.leased_until is None, row.stale, row.paging


def silent_deadline(row: EpisodeRow, policy: Policy) -> datetime | None:
    """Log time at which an episode expires, or is flagged as stale; None where silence means nothing (any more).

    It runs from the reading of the newest notice: what lay in the log unread was not the source's silence.
    """
    if row.spans[-1].end is not None or row.absorbed_by is not None or row.paging or row.stale:
        return None
    if row.leased_until is not None:
        return row.leased_until
    return (row.read_at or row.last_received) + (lease_of(row, policy) if row.repeats else policy.stale)
