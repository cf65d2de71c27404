"""What senders were refused while the log was away: from when to when, and how often, of each stream."""

from collections.abc import Callable
from datetime import datetime

import msgspec

__all__ = ["Refusals", "Refused", "Telling"]


class Refused(msgspec.Struct, frozen=True):
    """The refusals of one stream: the first, the last, and how many there were.

    Senders try again, so one delivery may be refused several times; and one that comes in later is not missing.
    """

    stream: str
    first: datetime
    last: datetime
    count: int


Telling = Callable[[Refused], bytes]
"""Makes the record that tells of it."""


class Refusals:
    """Counts them until they are told."""

    def __init__(self) -> None:
        self._found: dict[str, Refused] = {}

    def note(self, stream: str, at: datetime) -> None:
        """A delivery to that stream was refused."""
        before = self._found.get(stream)
        self._found[stream] = (
            Refused(stream, at, at, 1)
            if before is None
            else Refused(stream, min(before.first, at), max(before.last, at), before.count + 1)
        )

    def taken(self) -> list[Refused]:
        """What was refused since this was asked last, by stream."""
        found, self._found = [self._found[stream] for stream in sorted(self._found)], {}
        return found
