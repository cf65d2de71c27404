"""The runners of one process: one for every partition that is ours, started, held and stopped as the group says.

What is away (the log, the store) is waited for here: a runner ends, and is started again from the store's position,
less and less often. What no waiting helps against stops its partition, loudly, and leaves the others alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from alertline.clock import monotonic
from alertline.eventlog.port import LogUnavailable, UnsupportedLog
from alertline.store.engine import StoreUnavailable
from alertline.store.port import Fenced, LogChanged
from alertline.tasks import is_cancelled
from consumers.isolating import PoisonBurst
from consumers.runner import Runner
from schemas.records import NewerRecord

__all__ = ["Supervisor"]

log = structlog.get_logger(__name__)

_AGAIN_S: Final = 0.25
_LONGEST_AGAIN_S: Final = 8.0
_SOUND_S: Final = 30.0  # whoever ran so long is started again soon
_FENCED_S: Final = 5.0  # whoever took it over may be gone by then, or the group has told us that it is not ours
_HOLD_S: Final = 8.0  # within the group's patience
_LASTING: Final = (NewerRecord, PoisonBurst, LogChanged, UnsupportedLog)


class Supervisor:
    """Keeps the runners of the partitions that are ours.

    `make` makes a runner for a partition; `ended` is awaited when one is given up.
    """

    def __init__(self, make: Callable[[int], Runner], ended: Callable[[int], Awaitable[None]] | None = None) -> None:
        self._make, self._ended = make, ended
        self._keepers: dict[int, asyncio.Task[None]] = {}
        self._runners: dict[int, Runner] = {}
        self._problems: dict[int, str] = {}

    async def hold(self) -> None:
        """Let every runner finish its batch and rest, for some seconds at most: partitions may go to others."""
        runners = list(self._runners.values())
        for runner in runners:
            runner.hold()
        tasks = [asyncio.ensure_future(runner.resting.wait()) for runner in runners if runner.started.is_set()]
        if tasks:
            await asyncio.wait(tasks, timeout=_HOLD_S)
            for task in tasks:
                task.cancel()

    async def keep(self, partitions: frozenset[int]) -> None:
        """From now on these are ours: others are stopped, new ones started, the rest goes on."""
        gone = [partition for partition in self._keepers if partition not in partitions]
        await asyncio.gather(*(self._end(partition) for partition in gone))
        for partition in sorted(partitions):
            if partition in self._runners:
                self._runners[partition].release()
            if partition not in self._keepers:
                self._keepers[partition] = asyncio.create_task(self._keep(partition))

    async def stop(self) -> None:
        """Let every runner finish its batch, and end."""
        await asyncio.gather(*(self._end(partition) for partition in list(self._keepers)))

    @property
    def partitions(self) -> list[int]:
        """What is ours."""
        return sorted(self._keepers)

    @property
    def ready(self) -> bool:
        """Whether every partition that is ours is being read."""
        return all(partition in self._runners for partition in self._keepers) and all(
            runner.started.is_set() for runner in self._runners.values()
        )

    def problems(self) -> dict[str, str]:
        """What keeps partitions from being read, by name."""
        return {
            f"partition {partition}": said
            for partition, said in sorted(self._problems.items())
            if partition not in self._runners or not self._runners[partition].started.is_set()
        }

    async def _end(self, partition: int) -> None:
        keeper = self._keepers.pop(partition)
        runner = self._runners.get(partition)
        if runner is not None:
            runner.stop()
            await asyncio.wait((keeper,), timeout=_HOLD_S)
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        if self._ended is not None:
            await self._ended(partition)
        self._problems.pop(partition, None)

    async def _keep(self, partition: int) -> None:
        pause = _AGAIN_S
        while True:
            began = monotonic()
            runner = self._runners[partition] = self._make(partition)
            try:
                await runner.run()
            except Fenced as error:
                self._tell(partition, error, "taken over by another process")
                await asyncio.sleep(_FENCED_S)
            except _LASTING as error:
                self._tell(partition, error, str(error))
                await asyncio.Event().wait()  # until somebody upgrades, rebuilds or mends, and starts us again
            except (StoreUnavailable, LogUnavailable) as error:
                self._tell(partition, error, str(error))
            except (Exception, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and is_cancelled():
                    raise
                log.exception("correlator.failed", partition=partition)
                self._problems[partition] = f"it failed: {type(error).__name__}; the reason is in its log"
            else:
                return
            finally:
                del self._runners[partition]
            if monotonic() - began > _SOUND_S:
                pause = _AGAIN_S
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_AGAIN_S)

    def _tell(self, partition: int, error: Exception, said: str) -> None:
        self._problems[partition] = said
        log.error("correlator.stopped", partition=partition, kind=type(error).__name__, reason=said)
