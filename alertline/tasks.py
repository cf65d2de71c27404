"""What asyncio leaves to whoever runs tasks: which cancellation is meant, and what nobody takes."""

import asyncio
from typing import Any

__all__ = ["heed", "is_cancelled"]


def is_cancelled() -> bool:
    """Whether who is cancelled is the present task, and not only something that it waits for."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def heed(done: asyncio.Future[Any]) -> None:
    """Take what a task ended with, once it is done: who waited for it may have given up, and asyncio would complain."""
    if not done.cancelled():
        done.exception()
