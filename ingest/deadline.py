"""A deadline for one await, at a third of the price of `asyncio.timeout`: it is set on every request."""

import asyncio
from types import TracebackType

__all__ = ["Deadline"]


class Deadline:
    """Cancels what its block awaits when the time is over, and raises TimeoutError in its place; used once.

    A cancellation from outside passes through unchanged.
    """

    __slots__ = ("_handle", "_limit_s", "_passed", "_task")

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._passed = False
        self._handle: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task(loop)
        self._handle = loop.call_later(self._limit_s, self._pass)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._handle is not None:
            self._handle.cancel()
        if not self._passed or self._task is None:
            return
        # the cancellation was ours if nobody else asked for one; else theirs goes on
        if self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _pass(self) -> None:
        self._passed = True
        if self._task is not None:
            self._task.cancel()
