"""Ids: hashes of where in the log a thing was said (contract §8.3); never of adapted content, never random.

The occurrence of a delivery is (delivery id, receive time of its first copy): the same bytes sent again tomorrow are
another occurrence, so what they open cannot collide with what they opened today.
"""

from datetime import datetime
from hashlib import blake2b

__all__ = ["EventIds", "mark_id"]


class EventIds:
    """The ids of the items of one delivery occurrence: what timeline rows and milestones name as their evidence.

    Most items of a storm repeat what is known and are never named: nothing is hashed before it is asked for.
    """

    __slots__ = ("_first_received", "_named", "_occurrence")

    def __init__(self, stream: str, delivery_id: str, first_received: datetime) -> None:
        self._occurrence = stream, delivery_id
        self._first_received = first_received
        self._named: dict[int, str] = {}

    def of(self, item: int) -> str:
        """The id of one item."""
        named = self._named.get(item)
        if named is None:
            digest = _digest(*self._occurrence, self._first_received.isoformat(), str(item))
            named = self._named[item] = "ev_" + digest
        return named

    def gave(self, event: str) -> bool:
        """Whether an id is that of one of its items. Only those that were asked for are known by anybody."""
        return event in self._named.values()


def mark_id(prefix: str, origin: str, ordinal: int = 0) -> str:
    """The id of something made from an event or a row: `prefix` says what it is, `ordinal` tells several apart."""
    return f"{prefix}_" + _digest(prefix, origin, str(ordinal))


def _digest(*parts: str) -> str:
    return blake2b("\x00".join(parts).encode(), digest_size=8).hexdigest()
