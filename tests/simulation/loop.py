"""A deterministic event loop: virtual time, no selector, no threads; a seeded choice says which process goes on.

Every simulated process has a queue of its own, in asyncio's order: what one loop promises its tasks, it promises here.
Which process takes the next step is chosen by the seed; one that is paused takes none, and what became due for it
meanwhile waits for it. Time stands still while anybody can take a step, and then jumps to the next timer.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, Final, TypeVar, TypeVarTuple

__all__ = ["CURRENT", "Process", "SimulationLoop", "Stuck", "current"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_MOST_STEPS: Final = 300_000


class Stuck(Exception):
    """Nothing can happen any more, or it goes on for ever."""


class Process:
    """A process of the simulation: its tasks, and whether they may go on.

    Attributes:
        alive: it was not killed; paused: it is stopped, and may go on later.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive, self.paused = True, False
        self.steps: deque[asyncio.Handle] = deque()
        self._tasks: dict[asyncio.Task[Any], None] = {}

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run something in this process."""
        context = copy_context()
        context.run(CURRENT.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    def own(self, task: "asyncio.Task[Any]") -> None:
        """Remember a task of it until it is done."""
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    @property
    def over(self) -> bool:
        """Whether none of its tasks runs any more."""
        return not self._tasks

    def kill(self) -> None:
        """End it at once: nothing that it still does has an effect on anything."""
        self.alive, self.paused = False, False
        for task in list(self._tasks):
            task.cancel()


CURRENT: Final[ContextVar[Process | None]] = ContextVar("process", default=None)


def current() -> Process | None:
    """The process that takes the present step; None: the world outside of all of them."""
    return CURRENT.get()


class SimulationLoop(asyncio.BaseEventLoop):
    """The loop; `choices` makes every choice."""

    def __init__(self, choices: Random) -> None:
        super().__init__()
        self._choices = choices
        self._time, self._count = 0.0, 0
        self._world = Process("world")
        self._processes = [self._world]
        self._timers: list[tuple[float, int, asyncio.TimerHandle, Process]] = []
        self.failures: list[str] = []
        self.set_exception_handler(self._note)

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return self._count

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self._time

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Let the process take this step after those that it is to take already."""
        context = context or copy_context()
        handle = asyncio.Handle(callback, args, self, context)
        self._process(context).steps.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """There are no threads."""
        return self.call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Let the process take this step at some time."""
        context = context or copy_context()
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle, self._process(context)))
        return handle

    def create_task(self, coro: Any, **more: Any) -> "asyncio.Task[Any]":
        """Make a task; it belongs to the process in whose name it is made."""
        task: asyncio.Task[Any] = super().create_task(coro, **more)
        self._process(more.get("context") or copy_context()).own(task)
        return task

    def run_in_executor(self, executor: object, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        """There are no threads: what one would do is a step of the same process, later."""
        future = self.create_future()
        self.call_soon(_do, future, func, args)
        return future

    def _process(self, context: Context) -> Process:
        process = context.get(CURRENT)
        if process is None:
            return self._world
        if process not in self._processes:
            self._processes.append(process)
        return process

    def _run_once(self) -> None:
        """One step of one process; asyncio calls this again and again."""
        ready = self._ready_ones()
        while not ready:
            self._jump()
            ready = self._ready_ones()
        process = ready[0] if len(ready) == 1 else ready[int(self._choices.random() * len(ready))]
        handle = process.steps.popleft()
        self._count += 1
        if self._count > _MOST_STEPS:
            raise Stuck(f"it goes on for ever: {self._time:.1f} s, {self._count} steps")
        if not handle.cancelled():
            handle._run()

    def _ready_ones(self) -> list[Process]:
        ready = [each for each in self._processes if each.steps and not each.paused]
        dead = [each for each in ready if not each.alive]
        return dead or ready  # who was killed is gone before anybody else does anything

    def _jump(self) -> None:
        """On to the next timer."""
        if not self._timers:
            raise Stuck("nobody has anything left to do, and somebody still waits")
        self._time = max(self._time, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._time:
            _, _, handle, process = heapq.heappop(self._timers)
            if not handle.cancelled():
                process.steps.append(handle)
        self._processes = [each for each in self._processes if each.alive or each.steps or not each.over]

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        return  # it is dropped when its time comes

    def _note(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Remember what nobody caught."""
        error = context.get("exception")
        self.failures.append(f"{context['message']}: {error!r}")


def _do(future: "asyncio.Future[Any]", func: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if future.cancelled():
        return
    try:
        future.set_result(func(*args))
    except Exception as error:  # noqa: BLE001 - it is whose future it is
        future.set_exception(error)
