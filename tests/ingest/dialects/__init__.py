"""How each alert source tells of an episode, in its own words: one module a source, named as it, with `DIALECTS`.

A teller gets the number of the episode, when it began, and when it ended (None: it fires). It gives the body as a
document, which is sent as JSON, or a whole `Told` for senders that use forms, paths, queries or headers. Times are
whole seconds. `tests/ingest/test_round_trips.py` lets every one of them fire, resolve and fire again.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

__all__ = ["Tell", "Told"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a sender.

    Attributes:
        recognised: whether it is recognised without naming its sender.
        timed: whether it tells when it happened; without it the time of receipt stands in.
    """

    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    path: str | None = None
    query: str | None = None
    method: str = "POST"
    recognised: bool = True
    timed: bool = True


Tell = Callable[[int, datetime, datetime | None], dict[str, Any] | Told]
