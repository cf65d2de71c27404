"""What a run breaks: the service in one of its forms, and what every form can do."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from alertline.clock import monotonic
from tests.chaos.plan import Event
from tests.support.server import Server

__all__ = ["PLANTED", "POISON", "House", "Position", "frozen", "planted", "revive"]

POISON: Final = "planted:"
PLANTED: Final = Path(__file__).with_name("planted")
_ROOT: Final = Path(__file__).parents[2]
_BOUND_S: Final = 120.0

Position = tuple[int, int]
"""Epoch and next offset of a partition, as the store has them."""


class House(Protocol):
    """The service while it is being broken.

    Attributes:
        takes, shows: the ports of webhooks and of pages; flags: with which a command works on the same log and store.
        happens: what can be done to it, by kind.
    """

    takes: int
    shows: int
    flags: Sequence[str]
    happens: dict[str, Callable[[Event], Awaitable[None]]]

    async def positions(self) -> dict[int, Position] | None:
        """Where the store says that it is; None while nobody can ask it."""
        ...

    async def mended(self) -> None:
        """Wait until everything runs as it should."""
        ...

    def waiting(self) -> dict[str, int]:
        """How many deliveries still wait in each spool."""
        ...


def planted(**more: str) -> dict[str, str]:
    """The environment of a process in which something is planted."""
    return {"PYTHONPATH": f"{PLANTED}{os.pathsep}{_ROOT}", "CHAOS_POISON": POISON, **more}


async def revive(server: Server, *, ready: bool = False) -> None:
    """Start it as a supervisor does: again and again, until it runs."""
    end = monotonic() + _BOUND_S
    while True:
        try:
            await asyncio.to_thread(server.start)
            if ready:
                await asyncio.to_thread(server.ready)
        except (AssertionError, TimeoutError, OSError):
            if monotonic() > end:
                raise
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(0.5)
        else:
            return


@asynccontextmanager
async def frozen(pid: int) -> AsyncIterator[None]:
    """A process stands still meanwhile; it may be ended before it goes on."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
