"""How long an alert is believed to fire while its source is silent. Pure."""

from datetime import datetime, timedelta
from typing import Final

from alertline.incidents.model import EpisodeRow
from alertline.incidents.policy import Policy

__all__ = ["counts_as_repeat", "lease_of", "pace_of", "silent_deadline"]

_LEARNED: Final = 2  # repeats after which a source's own pace is known
_MISSED: Final = 3  # so many gaps without a repeat are silence


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


def pace_of(row: EpisodeRow) -> tuple[bool, int, bool]:
    """What a lease goes by, besides when its source was heard last."""
    return row.repeats, row.repeated, row.stale


def silent_deadline(row: EpisodeRow, policy: Policy) -> datetime | None:
    """Log time at which an episode expires, or is flagged as stale; None where silence means nothing (any more).

    It runs from the reading of the newest notice: what lay in the log unread was not the source's silence.
    """
    if row.spans[-1].end is not None or row.absorbed_by is not None or row.paging or row.stale:
        return None
    return (row.read_at or row.last_received) + (lease_of(row, policy) if row.repeats else policy.stale)
