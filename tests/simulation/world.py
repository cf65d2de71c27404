"""The world of one schedule: its clock, its choices, and what may happen to a process at every await.

Whatever leaves a process (a statement, an append, a sync) crosses the border here, once before its effect and once
before its answer. Each time the seed says how long it takes, and whether somebody dies, is stopped or is cut off.
"""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from tests.simulation.loop import Process, current

__all__ = ["START", "Calm", "Gone", "World"]

START: Final = datetime(2025, 3, 4, 10, tzinfo=UTC)


class Gone(asyncio.CancelledError):
    """The process was killed: nothing that it does has an effect."""


class World:
    """Time, chance and what was done to whom.

    Attributes:
        told: what happened, in words, for whoever has to understand a failure.
        context: in which the world itself does something, whoever caused it.
        rough: whether anything may go wrong now.
        faults: what may go wrong at a crossing, by name; each is called with the process that crosses.
    """

    def __init__(self, seed: int, *, tracing: bool = False) -> None:
        self.choices = Random(seed)
        self.told: list[str] = []
        self.faults: list[tuple[str, Callable[[Process], None]]] = []
        self.rough = False
        self.context = copy_context()
        self._tracing = tracing
        self._rate = self.choices.choice((0.0, 0.002, 0.005, 0.02))
        self._left = self.choices.randint(0, 12)
        self._slow = self.choices.choice((0.02, 0.15, 0.5))

    def now(self) -> datetime:
        """The wall clock of every machine."""
        return START + timedelta(seconds=round(asyncio.get_running_loop().time(), 6))

    def monotonic(self) -> float:
        """Seconds."""
        return asyncio.get_running_loop().time()

    def chance(self, probability: float) -> bool:
        """Whether it is so, while things may go wrong at all."""
        return self.rough and self.choices.random() < probability

    def later(self, seconds: float, what: Callable[[], object]) -> None:
        """Do something after some time, whatever becomes of whoever caused it."""
        asyncio.get_running_loop().call_later(seconds, what, context=self.context)

    def tell(self, what: str) -> None:
        """Keep what happened."""
        self.told.append(f"{asyncio.get_running_loop().time():8.3f} s  {what}")

    async def cross(self, what: str) -> None:
        """Leave the process, or come back to it.

        Raises:
            Gone: it was killed.
        """
        process = current()
        if process is not None:
            if not process.alive:
                raise Gone
            if self._tracing:
                self.tell(f"  {process.name}: {what}")
            if self.rough and self._left and self.choices.random() < self._rate:
                self._go_wrong(process, what)
        if self.rough and self.choices.random() < self._slow:
            await asyncio.sleep(self.choices.expovariate(100))
        else:
            await asyncio.sleep(0)
        if process is not None and not process.alive:
            raise Gone

    def _go_wrong(self, process: Process, what: str) -> None:
        self._left -= 1
        name, fault = self.choices.choice(self.faults)
        self.tell(f"{name} (at `{what}` of {process.name})")
        fault(process)


class Calm(World):
    """A world in which nothing happens by itself, on whatever loop runs: for the contract suites."""

    def __init__(self) -> None:
        super().__init__(0)

    async def cross(self, what: str) -> None:
        """It takes a turn of the loop, as every answer from outside does."""
        await asyncio.sleep(0)
