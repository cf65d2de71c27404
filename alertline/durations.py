"""Durations as settings write them."""

import re
from datetime import timedelta
from typing import Final

from alertline.errors import SettingError

__all__ = ["parse_duration"]

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: str, name: str) -> timedelta:
    """A positive duration such as `90s`, `5m`, `1h30m`.

    Raises:
        SettingError: naming the setting.
    """
    parts = re.fullmatch(r"((?:\d+(?:\.\d+)?)(?:ms|s|m|h|d))+", text.strip())
    seconds = (
        sum(float(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)) if parts else 0
    )
    if seconds <= 0:
        raise SettingError(f"{name} must be a duration such as 90s, 5m or 1h30m, not {text!r}")
    return timedelta(seconds=seconds)
