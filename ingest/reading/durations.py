"""Durations as Go and Prometheus write them."""

import re
from functools import lru_cache
from typing import Final

__all__ = ["BadDuration", "read_duration"]

_SECONDS: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 7 * 86400.0,
    "y": 365 * 86400.0,
}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w|y)", re.ASCII)
_WHOLE: Final = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_LONGEST: Final = 32


class BadDuration(ValueError):
    """Not a duration."""


@lru_cache(maxsize=1024)  # a rule has one window: the same few texts again and again
def read_duration(text: str) -> float:
    """Read "5m", "1h30m", "90s", "500ms", "1d", or a plain number of seconds; the result is in seconds, never negative.

    Raises:
        BadDuration: anything else.
    """
    tidy = text.strip()
    if len(tidy) <= _LONGEST:
        if _NUMBER.fullmatch(tidy):
            return float(tidy)
        if _WHOLE.fullmatch(tidy):
            return sum(float(count) * _SECONDS[unit] for count, unit in _PART.findall(tidy))
    raise BadDuration(f"not a duration such as 5m or 90s: {tidy[:_LONGEST]!r}")
