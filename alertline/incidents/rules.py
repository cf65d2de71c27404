"""What configured rules say of an alert: whether a pattern matches it. Pure, and total."""

from collections.abc import Mapping
from typing import Final

from alertline.incidents.model import AlertRow

__all__ = ["FIELDS", "matches"]

FIELDS: Final = ("source", "service", "host", "scope", "title", "severity")
"""What a rule may name besides labels."""


def matches(match: Mapping[str, str], alert: AlertRow) -> bool:
    """Whether every pattern matches; `*` stands for any text, and what an alert lacks matches only the empty one."""
    return all(_fits(pattern, _value(alert, name)) for name, pattern in match.items())


def _value(alert: AlertRow, name: str) -> str | None:
    if name in FIELDS:
        value: str | None = getattr(alert, name)
        return value
    return alert.labels.get(name)


def _fits(pattern: str, value: str | None) -> bool:
    if value is None:
        return pattern == ""
    first, *others = pattern.split("*")
    if not others:
        return value == pattern
    *inner, last = others
    if len(first) + len(last) > len(value) or not (value.startswith(first) and value.endswith(last)):
        return False
    place, end = len(first), len(value) - len(last)
    for part in inner:
        found = value.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True
