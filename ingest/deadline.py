"""One deadline for many awaits, at a fraction of the price of `asyncio.timeout`: it is passed on every request."""

import asyncio
from types import TracebackType
from typing import Final

__all__ = ["Deadline"]

_LOOKS: Final = 10


class Deadline:
    """Cancels what a block awaits when its time is over, and raises TimeoutError in its place.

    Any number of tasks may be in the block at once, each in one. There is no timer for each: while anybody waits, one
    looks ten times per limit, so a block ends between 0.9 and 1.0 limits. Cancellations from outside pass unchanged.
    """

    def __init__(self, limit_s: float) -> None:
        self._pause_s = limit_s / _LOOKS
        self._looks = 0
        self._looking = False
        self._waiting: dict[asyncio.Task[object], int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None  # kept: asking for it costs a system call each time

    def __enter__(self) -> None:
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a deadline needs a task")
        self._waiting[task] = self._looks
        if not self._looking:
            self._looking = True
            loop.call_later(self._pause_s, self._look)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        task = asyncio.current_task(self._loop)
        if task is None or self._waiting.pop(task, None) is not None:
            return  # in time: it was still waited for
        # the cancellation was ours if nobody else asked for one; else theirs goes on
        if task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _look(self) -> None:
        self._looks += 1
        for task, since in list(self._waiting.items()):
            if self._looks - since >= _LOOKS:
                del self._waiting[task]
                task.cancel()
        self._looking = bool(self._waiting)
        if self._looking:
            asyncio.get_running_loop().call_later(self._pause_s, self._look)
