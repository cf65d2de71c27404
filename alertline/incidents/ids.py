"""Ids: hashes of where in the log a thing was said (contract §8.3); never of adapted content, never random.

The occurrence of a delivery is (delivery id, receive time of its first copy): the same bytes sent again tomorrow are
another occurrence, so what they open cannot collide with what they opened today.
"""

from datetime import datetime
from hashlib import blake2b

__all__ = ["event_id", "mark_id"]


def event_id(stream: str, delivery_id: str, first_received: datetime, item: int) -> str:
    """The id of one item of one delivery occurrence: what timeline rows and milestones name as their evidence."""
    return "ev_" + _digest(stream, delivery_id, first_received.isoformat(), str(item))


def mark_id(prefix: str, origin: str, ordinal: int = 0) -> str:
    """The id of something made from an event or a row: `prefix` says what it is, `ordinal` tells several apart."""
    return f"{prefix}_" + _digest(prefix, origin, str(ordinal))


def _digest(*parts: str) -> str:
    return blake2b("\x00".join(parts).encode(), digest_size=8).hexdigest()
