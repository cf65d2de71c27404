"""The only module that reads a clock; whatever needs the time takes a `Clock`, so that tests bring their own.

A moment is stored and compared as whole microseconds since 1970 UTC: the finest that we keep (contract §5).
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["Clock", "from_micros", "micros", "monotonic", "now"]

Clock = Callable[[], datetime]
"""Gives the present moment, aware, in UTC."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def now() -> datetime:
    """Read the wall clock: aware UTC, in microseconds. It may go back when the machine's clock is set."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Read the monotonic clock, in seconds: only differences mean anything, and it never goes back."""
    return time.monotonic()


def micros(moment: datetime) -> int:
    """Count the microseconds from 1970 UTC to an aware moment, exactly.

    Raises:
        TypeError: the moment has no time zone.
    """
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(count: int) -> datetime:
    """Give the moment of that many microseconds since 1970, in UTC.

    Raises:
        OverflowError: outside the years 1 to 9999.
    """
    return _EPOCH + timedelta(microseconds=count)
