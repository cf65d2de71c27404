"""How what was opened is closed: each thing by its name."""

import asyncio
from collections.abc import Callable

import structlog

__all__ = ["named"]

log = structlog.get_logger(__name__)


async def named(name: str, close: Callable[[], object]) -> None:
    """Close one thing; what fails is told with its name and does not keep the rest from closing."""
    try:
        result = close()
        if asyncio.iscoroutine(result):
            await result
    except Exception:
        log.exception("close.failed", what=name)  # the others must still be closed
