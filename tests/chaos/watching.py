"""Who looks on while it is being broken: positions in the store, and the stream of events, only ever grow."""

import asyncio

import aiohttp

from alertline.clock import monotonic
from tests.chaos.house import House, Position

__all__ = ["Watcher"]

_LOOK_S = 1.0


class Watcher:
    """Samples until it is cancelled.

    Attributes:
        backwards: what was seen to go back; samples, events: how much was seen.
    """

    def __init__(self, house: House, url: str) -> None:
        self._house, self._url, self._since = house, url, monotonic()
        self._last: dict[int, Position] = {}
        self._told: dict[int, int] = {}
        self.backwards: list[str] = []
        self.samples = self.events = 0

    async def run(self) -> None:
        """Look."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._positions())
            tasks.create_task(self._stream())

    async def _positions(self) -> None:
        while True:
            found = await self._house.positions()
            for partition, position in (found or {}).items():
                self.samples += 1
                last = self._last.get(partition, (0, 0))
                if position[0] < last[0] or position[1] < last[1]:
                    after = monotonic() - self._since
                    self.backwards.append(f"after {after:.1f} s: partition {partition} from {last} to {position}")
                self._last[partition] = position
            await asyncio.sleep(_LOOK_S)

    async def _stream(self) -> None:
        """Follow `/v1/stream`, and go on where it was when it is cut."""
        last, timeout = "", aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=30)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                headers = {"Last-Event-ID": last} if last else {}
                try:
                    async with session.get(f"{self._url}/v1/stream", headers=headers) as answer:
                        async for line in answer.content:
                            if answer.status == 200 and line.startswith(b"id:"):
                                last = line[3:].decode().strip()
                                self._grown(last)
                except (aiohttp.ClientError, TimeoutError, OSError):
                    pass
                await asyncio.sleep(_LOOK_S)

    def _grown(self, words: str) -> None:
        self.events += 1
        for partition, offset in (map(int, place.split(":")) for place in words.split(",") if ":" in place):
            if offset < self._told.get(partition, -1):
                self.backwards.append(f"the stream went back to {words} from {self._told}")
            self._told[partition] = offset
