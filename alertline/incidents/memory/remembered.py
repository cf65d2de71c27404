"""Which deliveries are known already (contract §8.3): a sender's own id for 24 h of log time, else the same bytes
within 60 s of another copy. Only the correlator decides; what a receiver remembers is a courtesy.

A copy may be read long after it was received: it waited in the spool of a receiver that was away, while the sender,
which had got no answer, went to another one. What was received that long ago is in the archive.
"""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from alertline.incidents.memory.archive import NO_ARCHIVE, Archive, Copy

__all__ = ["Remembered"]


class Remembered:
    """The deliveries of one stream that would be known again."""

    def __init__(self, keyed_memory: timedelta, unkeyed_memory: timedelta) -> None:
        self._memory, self._near = keyed_memory, unkeyed_memory
        self._keyed: dict[str, Copy] = {}  # in order of time
        self._copies: dict[str, list[Copy]] = {}
        self._order: deque[tuple[datetime, str]] = deque()  # of the copies, as they were read
        self._past: dict[str, list[Copy]] = {}  # no longer among the copies, and perhaps not in the archive yet

    def add(
        self,
        delivery_id: str,
        received_at: datetime,
        offset: int,
        *,
        keyed: bool,
        log_time: datetime | None = None,
        archive: Archive = NO_ARCHIVE,
    ) -> Copy | None:
        """Remember a delivery; the copy that it repeats, if it is known already. `log_time`: as of this delivery."""
        if keyed:
            return self._add_keyed(delivery_id, received_at, offset)
        time = max(received_at, log_time) if log_time is not None else received_at
        known = self._near_copy(self._copies.get(delivery_id, ()), received_at)
        if received_at < time - self._near:
            past = (*self._past.get(delivery_id, ()), *archive.copies(delivery_id), *self._copies.get(delivery_id, ()))
            known = self._near_copy(past, received_at)
        self._copies.setdefault(delivery_id, []).append(Copy(offset if known is None else known.offset, received_at))
        self._order.append((received_at, delivery_id))
        self._forget(time - 2 * self._near)  # what is not late looks back so far at most
        return known

    def rest(self) -> None:
        """What is past is in the archive by now."""
        self._past.clear()

    def _add_keyed(self, delivery_id: str, received_at: datetime, offset: int) -> Copy | None:
        known, before = self._keyed, received_at - self._memory
        while known and known[oldest := next(iter(known))].since < before:
            del known[oldest]
        copy = known.get(delivery_id)
        if copy is None or received_at - copy.since > self._memory:
            known.pop(delivery_id, None)
            known[delivery_id] = Copy(offset, received_at)
            return None
        return copy

    def _near_copy(self, copies: Iterable[Copy], received_at: datetime) -> Copy | None:
        """The first of the copies that were received at about the same time."""
        near = [copy for copy in copies if abs(received_at - copy.since) <= self._near]
        return min(near, key=lambda copy: copy.offset) if near else None

    def _forget(self, before: datetime) -> None:
        while self._order and self._order[0][0] < before:
            _, name = self._order.popleft()
            left = self._copies[name]
            self._past.setdefault(name, []).append(left.pop(0))
            if not left:
                del self._copies[name]
