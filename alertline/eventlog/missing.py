"""What never came onto the log, or is there no more: from when to when, of which stream, and why."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

import msgspec

__all__ = ["Missing", "Refusals", "Telling"]


class Missing(msgspec.Struct, frozen=True):
    """A stretch of one stream in which deliveries may be missing.

    Attributes:
        why: in words, for whoever reads an incident of that time.
        key: what makes it one telling, however often it is appended.
    """

    stream: str
    first: datetime
    last: datetime
    why: str
    key: str


Telling = Callable[[Missing], bytes]
"""Makes the record that tells of it."""


class Refusals:
    """What senders were refused, until it is told.

    Senders try again, so one delivery may be refused several times; and one that comes in later is not missing.
    """

    def __init__(self) -> None:
        self._found: dict[str, tuple[datetime, datetime, int]] = {}

    def note(self, stream: str, at: datetime) -> None:
        """A delivery to that stream was refused."""
        first, last, count = self._found.get(stream, (at, at, 0))
        self._found[stream] = min(first, at), max(last, at), count + 1

    def taken(self) -> list[Missing]:
        """What was refused since this was asked last, by stream."""
        found, self._found = self._found, {}
        return [Missing(stream, *found[stream][:2], _why(found[stream][2]), uuid4().hex) for stream in sorted(found)]


def _why(count: int) -> str:
    often = "once" if count == 1 else f"{count} times"
    return f"senders were refused {often}, the log was away and the spool full"
