"""Timelines that are told later: which is next, and when. Decisions of pure time; the runner does the work.

Telling a long one takes longer than a batch, and for that time whatever comes to the partition waits. So they are told
one at a time, in turns; and while deliveries stream in, in a hundredth of the time. Only the view of timelines waits
for it: pages are made of the rows.
"""

import math
from collections.abc import Callable
from typing import Final

from alertline.clock import monotonic

__all__ = ["Turns"]

# What is long changes with every delivery, so it is told again and again: in a round after another, each of which
# takes at most so much of the time; and in a smaller part while deliveries stream in, until so long after the last.
_SOONEST_S: Final = 1.0
_SHARE: Final = 0.1
_BUSY_SHARE: Final = 0.01
_STREAM_S: Final = 1.0


class Turns:
    """Whose turn it is to be told, in one partition.

    Attributes:
        after: the id that had the last turn of this round; empty before the first.
    """

    def __init__(self, elapsed: Callable[[], float] = monotonic) -> None:
        self.after = ""
        self._elapsed = elapsed
        self._waiting = True  # what a run before us left untold
        self._worked_s = 0.0
        self._round_at = self._busy_at = self._quiet_at = elapsed()

    def wait(self) -> None:
        """Some incident is not told as it is."""
        self._waiting = True

    def stream(self) -> None:
        """Deliveries came."""
        self._quiet_at = self._elapsed() + _STREAM_S

    def due_in_s(self) -> float:
        """How long until the next turn, if nothing comes until then, in seconds; infinite: nothing waits."""
        if not (self._waiting or self.after):
            return math.inf
        round_at = self._elapsed() if self.after else self._round_at
        return max(0.0, max(round_at, min(self._busy_at, self._quiet_at)) - self._elapsed())

    def taken(self, incident: str | None, worked_s: float) -> None:
        """This incident had its turn, and everything else waited for so long; None: there was no more, the round ends.

        What was left untold meanwhile has its turn in the next round.
        """
        if not self.after:
            self._waiting = False
        self._worked_s += worked_s
        self._busy_at = max(self._busy_at, self._elapsed() + worked_s / _BUSY_SHARE)
        self.after = incident or ""
        if incident is None:
            self._round_at = self._elapsed() + max(_SOONEST_S, self._worked_s / _SHARE)
            self._worked_s = 0.0
