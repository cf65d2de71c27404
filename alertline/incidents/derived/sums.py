"""What only all episodes of an incident together tell; how it is added up is in `gist.py`."""

from datetime import timedelta

import msgspec

__all__ = ["Sums"]


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What only all episodes of an incident together tell.

    Attributes:
        alerts: how many alerts they are of; witnesses: and those of them that bear witness.
        rows: how many rows of the timeline the latter have.
        active: how long impact-class alerts fired, together; None while one does, and where there is none.
        lag: median of first receipt less stated start, in seconds.
        flapping: whether an alert flapped.
    """

    alerts: int
    witnesses: int
    rows: int
    active: timedelta | None
    lag: float | None
    flapping: bool
