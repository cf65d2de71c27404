"""When an incident is over for good: sealed, and so for long that it leaves the memory. All in log time."""

from datetime import datetime

from alertline.incidents.memory.members import Members
from alertline.incidents.model import EpisodeRow, IncidentRow, ItemRow
from alertline.incidents.policy import Policy
from schemas.vocabulary import IncidentStatus

__all__ = ["alone_rests_at", "is_over", "rests_at", "said_rests_at", "sealed"]


def sealed(row: IncidentRow, log_time: datetime, policy: Policy) -> bool:
    """Whether an incident was resolved so long ago that it changes by itself no more."""
    if row.status is not IncidentStatus.RESOLVED or row.settled_at is None:
        return False
    return log_time >= row.settled_at + policy.reopen + policy.seal


def is_over(row: IncidentRow, log_time: datetime, policy: Policy) -> bool:
    """Whether nothing that starts joins an incident any more."""
    return row.merged_into is not None or row.status is IncidentStatus.CLOSED or sealed(row, log_time, policy)


def rests_at(row: IncidentRow, members: Members, policy: Policy) -> datetime | None:
    """Log time from which an incident need not be in memory; None: not as it is now.

    It is over then, and nothing of it fires. After the last decision about it, it stays for as long as one that has
    just been resolved.
    """
    if row.merged_into is not None or row.status is IncidentStatus.OPEN or members.tally.firing:
        return None
    return max(row.updated_at, row.settled_at or row.updated_at) + policy.reopen + policy.seal


def alone_rests_at(row: EpisodeRow, policy: Policy) -> datetime | None:
    """The same of an episode without an incident."""
    if row.ended_at is None or row.absorbed_by is not None:
        return None
    return (row.read_at or row.last_received) + policy.reopen + policy.seal


def said_rests_at(row: ItemRow, policy: Policy) -> datetime:
    """The same of something said that found no incident."""
    return max(row.read_at, row.retry_until or row.read_at) + policy.reopen + policy.seal
