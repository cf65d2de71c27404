"""The scope of an alert or a statement: the environment within its stream."""

from typing import Final

__all__ = ["EVERYWHERE", "scope_of"]

EVERYWHERE: Final = ""
"""Where a change lies that is about every scope of its stream: no environment has this name."""


def scope_of(stream: str, environment: str | None) -> str:
    """The scope of an environment: `production`, or `stream/production` outside the default stream (§8.1)."""
    name = environment or "default"
    return name if stream == "default" else f"{stream}/{name}"
