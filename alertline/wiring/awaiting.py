"""Waiting until a record was read: one look at the store for all who wait, however many they are."""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from alertline.eventlog.port import Position
from alertline.store.failures import StoreUnavailable

__all__ = ["Awaiting", "Positions"]

_LOOK_S: Final = 0.015  # a batch of one takes about as long; LISTEN would save looks, and hold a connection for ever


class Positions(Protocol):
    """What tells how far each partition was read."""

    async def reached(self) -> Mapping[int, int]:
        """The offset from which each partition is to be read on."""
        ...


class Awaiting:
    """Who waits, and the one who looks for them while anybody does. It belongs to one event loop."""

    def __init__(self, store: Positions) -> None:
        self._store = store
        self._waiting: dict[asyncio.Future[None], Position] = {}
        self._looking: asyncio.Task[None] | None = None

    async def read(self, position: Position, within_s: float) -> bool:
        """Wait until the record there was read, and all before it; whether it was, in time.

        Raises:
            StoreUnavailable: nobody can say now.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = position
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(within_s):
                await future
        except TimeoutError:
            return False
        finally:
            self._waiting.pop(future, None)
        return True

    async def _look(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(_LOOK_S)
                await self._look_once()
        finally:
            self._looking = None

    async def _look_once(self) -> None:
        try:
            reached = await self._store.reached()
        except Exception as error:  # noqa: BLE001 - it is told to everybody who waits, each his own
            for future in [each for each in self._waiting if not each.done()]:
                future.set_exception(StoreUnavailable(str(error)) if isinstance(error, StoreUnavailable) else error)
            return
        for future, position in self._waiting.items():
            if reached.get(position.partition, 0) > position.offset and not future.done():
                future.set_result(None)
