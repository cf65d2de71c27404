"""Records that cannot be taken in: how many may be passed over before something else must be wrong, and who is told."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from alertline.clock import monotonic
from alertline.eventlog.port import LogRecord

__all__ = ["MOST_FAILED", "Burst", "DeadLetters", "PoisonBurst", "why_passed_over"]

MOST_FAILED: Final = 50
_WITHIN_S: Final = 60.0

DeadLetters = Callable[[LogRecord, str], Awaitable[None]]
"""Is told of every record that came to nothing, with the reason, before the partition goes on behind it."""


class PoisonBurst(Exception):
    """So many records in a row failed that it is rather this version that is wrong than the records: nothing more is
    passed over. The read position stays before the record at which this was noticed."""


class Burst:
    """Counts failures: more than 50 within a minute are a burst."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=MOST_FAILED)

    def count(self) -> None:
        """Count one.

        Raises:
            PoisonBurst: it is one too many.
        """
        if len(self._times) == MOST_FAILED and monotonic() - self._times[0] < _WITHIN_S:
            raise PoisonBurst(f"more than {MOST_FAILED} records could not be taken in within {_WITHIN_S:g} s")
        self._times.append(monotonic())


def why_passed_over(error: BaseException) -> str:
    """What people are told of a record on which the core, or the store, failed."""
    return f"the correlator failed on it: {type(error).__name__}"
