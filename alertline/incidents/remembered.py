"""Which deliveries are known already (contract §8.3): a sender's own id for 24 h of log time, else the same bytes
within 60 s of the previous copy. Only the correlator decides; what a receiver remembers is a courtesy.
"""

from datetime import datetime, timedelta

import msgspec

__all__ = ["Known", "Remembered"]


class Known(msgspec.Struct, frozen=True):
    """A delivery that is still remembered.

    Attributes:
        offset: where its first copy lies in the log.
        since: receive time from which it is remembered: of the first copy; without a sender's id, of the newest.
    """

    offset: int
    since: datetime


class Remembered:
    """The deliveries of one stream that would be known again, in order of time; older ones are forgotten."""

    def __init__(self, keyed_memory: timedelta, unkeyed_memory: timedelta) -> None:
        self._memory = {True: keyed_memory, False: unkeyed_memory}
        self._known: dict[bool, dict[str, Known]] = {True: {}, False: {}}

    def add(self, delivery_id: str, received_at: datetime, offset: int, *, keyed: bool) -> Known | None:
        """Remember a delivery; the copy that it repeats, if it is known already."""
        known = self._known[keyed]
        self._forget(known, received_at - self._memory[keyed])
        copy = known.get(delivery_id)
        if copy is None or received_at - copy.since > self._memory[keyed]:
            known.pop(delivery_id, None)
            known[delivery_id] = Known(offset, received_at)
            return None
        if not keyed and received_at > copy.since:
            del known[delivery_id]
            known[delivery_id] = Known(copy.offset, received_at)
        return copy

    @staticmethod
    def _forget(known: dict[str, Known], before: datetime) -> None:
        while known:
            oldest = next(iter(known))
            if known[oldest].since >= before:
                return
            del known[oldest]
