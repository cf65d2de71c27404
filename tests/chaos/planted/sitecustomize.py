"""What is planted in a process of the service that a chaos run starts: Python itself loads it from its PYTHONPATH.

`CHAOS_CLOCK_S`: its wall clock is so many seconds off.
`CHAOS_POISON`: the core fails on an alert whose title begins so.
The service knows nothing of this: no line of it looks at either.
"""

import os
import signal
import sys
from datetime import datetime, timedelta
from typing import Any

__all__: list[str] = []


def _clock_off(seconds: float) -> None:
    import alertline.clock

    right, off = alertline.clock.now, timedelta(seconds=seconds)

    def wrong() -> datetime:
        return right() + off

    alertline.clock.now = wrong


def _core_fails(beginning: str) -> None:
    from alertline.incidents import engine

    right = engine.step

    def failing(state: Any, offset: int, record: Any) -> Any:
        taken = right(state, offset, record)  # it fails after it has changed its memory
        titles = [getattr(event, "title", "") for event in getattr(record, "events", ())]
        if taken.duplicate_of is None and any(title.startswith(beginning) for title in titles):
            raise ZeroDivisionError("planted")
        return taken

    engine.step = failing


def _say_where(*_: object) -> None:
    """What every task waits for: asked for by a run whose service does not come back."""
    import asyncio

    loop = asyncio._get_running_loop()
    for task in asyncio.all_tasks(loop) if loop is not None else ():
        inner: Any = task.get_coro()
        where = []
        while (frame := getattr(inner, "cr_frame", None)) is not None:
            where.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
            inner = inner.cr_await
        sys.stderr.write(f"waits: {' > '.join(where)} > {inner!r}\n"[:1500])


_OURS = "alertline" in " ".join(sys.orig_argv)
if _OURS:
    signal.signal(signal.SIGUSR1, _say_where)
if _OURS and "CHAOS_CLOCK_S" in os.environ:
    _clock_off(float(os.environ["CHAOS_CLOCK_S"]))
if _OURS and "CHAOS_POISON" in os.environ:
    _core_fails(os.environ["CHAOS_POISON"])
