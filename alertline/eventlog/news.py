"""How those who wait for a log's next record are woken: never lost, also if the news comes between look and wait."""

import asyncio

__all__ = ["News"]


class News:
    """Wakes everybody who listened before it was told. It belongs to one event loop.

    Use: `heard = news.listen()`, look at what may have changed, then `await news.heard(heard, seconds)`.
    """

    def __init__(self) -> None:
        self._next: asyncio.Event | None = None

    def listen(self) -> asyncio.Event:
        """From now on nothing is missed."""
        if self._next is None:
            self._next = asyncio.Event()
        return self._next

    def tell(self) -> None:
        """Wake everybody who listens; costs next to nothing when nobody does."""
        if self._next is not None:
            self._next.set()
            self._next = None

    async def heard(self, event: asyncio.Event, timeout_s: float) -> None:
        """Wait for the news that `listen` promised, at most `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            return
