"""What a scheme is: a name, where it says who sends, and the check that it makes for an integration."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final

import msgspec

from ingest.proof.shown import Shown, Wrong

__all__ = ["Check", "Scheme", "Terms", "in_time", "is_one_of"]

Check = Callable[[Shown, datetime], Awaitable[bool]]
"""Whether a request shows what is asked for, at the present moment; False where it shows nothing of the kind.

Raises `Wrong` for what is shown and not right, and LogUnavailable where that cannot be told now.
"""

_USUAL: Final = timedelta(minutes=5)


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What is agreed with the sender of one integration.

    Attributes:
        secrets: those that are live: more than one while one is replaced by another.
        header: the header that holds the proof, where the scheme lets the sender choose it.
        timestamp_header: the same for the time that is signed.
        tolerance: how far that time may lie from ours, before or after.
        topics: the SNS topics that may post.
    """

    secrets: tuple[str, ...] = ()
    header: str | None = None
    timestamp_header: str | None = None
    tolerance: timedelta = _USUAL
    topics: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Terms({len(self.secrets)} secrets)"


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """One way of proving who sends.

    Attributes:
        name: as in `auth`.
        about: where the proof stands, for people.
        make: the check for an integration; ValueError says what its settings lack.
        signs: whether the body is signed, not only a secret shown; dated: whether a time is signed with it.
        headers: the headers that hold the proof, in lower case.
    """

    name: str
    about: str
    make: Callable[[Terms], Check]
    signs: bool = False
    dated: bool = False
    headers: tuple[str, ...] = ()


def is_one_of(given: bytes, right: tuple[bytes, ...]) -> bool:
    """Whether it equals one of them; how long that takes says neither which nor how nearly."""
    found = False
    for each in right:
        found |= compare_digest(given, each)
    return found


def in_time(seconds: str, now: datetime, tolerance: timedelta) -> None:
    """Check a signed time, in seconds since 1970 as text.

    Raises:
        Wrong: it is none, or too far from now: a request that was recorded is played again, or a clock is wrong.
    """
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 12):
        raise Wrong("the signed time is no number of seconds")
    away = int(seconds) - now.timestamp()
    if abs(away) > tolerance.total_seconds():
        where = "after" if away > 0 else "before"
        raise Wrong(f"the signed time lies {abs(away):.0f} s {where} ours, more than the tolerance")
