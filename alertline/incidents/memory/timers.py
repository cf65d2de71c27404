"""Timers in log time, of several kinds. Only a cache: whether one stands, and until when, the rows say."""

import heapq
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from alertline.incidents.memory.members import Members
from alertline.incidents.model import IncidentRow
from alertline.incidents.policy import Policy
from schemas.vocabulary import IncidentStatus

__all__ = ["Due", "TimerKind", "Timers", "quiet_deadline"]

Kind = TypeVar("Kind", bound=StrEnum)
Due = tuple[datetime, Kind, str]


class TimerKind(StrEnum):
    """What a timer is for. At the same deadline they are carried out in the order of their names."""

    EXPECTED_OVER = "expected_over"  # a maintenance window is over: what began in it and still fires is an alert
    QUIET = "quiet"  # nothing of an incident fired for long enough
    SILENT = "silent"  # a source said nothing more of a firing alert for too long


def quiet_deadline(row: IncidentRow | None, members: Members, policy: Policy) -> datetime | None:
    """Log time at which an incident is quiet for long enough; None while it fires, or a person decides."""
    if row is None or row.status is not IncidentStatus.OPEN or row.merged_into is not None:
        return None
    tally = members.tally
    read_at = tally.last_end_read
    if tally.firing or read_at is None:
        return None
    if row.held_open_from is not None and read_at <= row.held_open_from:
        return None
    quiet = read_at + (policy.point_quiet if tally.ends_in_point else policy.quiet)
    held_from = members.turns.held_from(policy)
    return quiet if held_from is None else max(quiet, held_from + policy.flap_hold)


class Timers(Generic[Kind]):
    """The timers of one stream, in order of deadline, kind and id.

    A deadline that moved on is noticed when the timer is looked at, so a timer has one entry however often it moved.
    """

    def __init__(self, deadline_of: Callable[[Kind, str], datetime | None]) -> None:
        self._deadline_of = deadline_of
        self._due: list[Due[Kind]] = []
        self._first: dict[tuple[Kind, str], datetime] = {}

    def set(self, kind: Kind, name: str) -> None:
        """Note that the deadline of a timer may have changed."""
        deadline = self._deadline_of(kind, name)
        if deadline is None:
            return
        first = self._first.get((kind, name))
        if first is None or deadline < first:
            self._first[kind, name] = deadline
            heapq.heappush(self._due, (deadline, kind, name))

    def next(self) -> Due[Kind] | None:
        """The next timer that stands; None when none does."""
        while self._due:
            deadline, kind, name = self._due[0]
            now = self._deadline_of(kind, name)
            if now == deadline:
                return self._due[0]
            heapq.heappop(self._due)
            if self._first.get((kind, name)) == deadline:
                del self._first[kind, name]
                self.set(kind, name)
        return None

    def pop(self, by: datetime) -> Due[Kind] | None:
        """Take the next timer that is due by then."""
        if not self._due or self._due[0][0] > by:
            return None  # no deadline is before that of its entry
        due = self.next()
        if due is None or due[0] > by:
            return None
        heapq.heappop(self._due)
        self._first.pop(due[1:], None)
        return due
