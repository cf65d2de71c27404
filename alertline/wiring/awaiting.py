"""Waiting until a record was read: one look at the store for all who wait, however many they are."""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from alertline.eventlog.port import Position
from alertline.tasks import heed

__all__ = ["Awaiting", "Positions"]

_LOOK_S: Final = 0.015  # a batch of one takes about as long; LISTEN would save looks, and hold a connection for ever


class Positions(Protocol):
    """What tells how far each partition was read."""

    async def reached(self) -> Mapping[int, int]:
        """The offset from which each partition is to be read on."""
        ...


class Awaiting:
    """Looks that all who wait share; one is under way only while somebody waits for it. It belongs to one loop."""

    def __init__(self, store: Positions) -> None:
        self._store = store
        self._look: asyncio.Task[Mapping[int, int]] | None = None

    async def read(self, position: Position, within_s: float) -> bool:
        """Wait until the record there was read, and all before it; whether it was, in time.

        Raises:
            StoreUnavailable: nobody can say now.
        """
        try:
            async with asyncio.timeout(within_s):
                while (await self._next_look()).get(position.partition, 0) <= position.offset:
                    pass
        except TimeoutError:
            return False
        return True

    def _next_look(self) -> asyncio.Future[Mapping[int, int]]:
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._looked())
            self._look.add_done_callback(heed)
        return asyncio.shield(self._look)

    async def _looked(self) -> Mapping[int, int]:
        await asyncio.sleep(_LOOK_S)
        return await self._store.reached()
