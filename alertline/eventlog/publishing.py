"""The port through which messages leave for other programs: what the outbox relay publishes to."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

__all__ = ["Message", "Publisher"]


class Message(msgspec.Struct, frozen=True):
    """One message to a topic; a value of None deletes what the key stood for, where the topic is compacted."""

    topic: str
    key: str
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Publisher(Protocol):
    """Publishes messages."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Durable, in order.

        Raises:
            LogUnavailable: not all of them are durable; publishing all again is harmless.
        """
