"""A TCP proxy before the service that can cut connections: in the middle of a body, or of an answer."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from types import TracebackType

__all__ = ["Proxy"]


class Proxy:
    """Passes bytes on to a port of loopback, while the `async with` block runs.

    Attributes:
        cutting: how likely a piece of a request (`up`) or of an answer (`down`) is cut in two, and its connection with
            it; cuts: how many were.
    """

    def __init__(self, chance: random.Random, target: int) -> None:
        self._chance, self._target = chance, target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.cutting = {"up": 0.0, "down": 0.0}
        self.cuts: Counter[str] = Counter()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            behind = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            self._open.discard(writer)
            return
        self._open.add(behind[1])
        both = (writer, behind[1])
        pumps = [
            asyncio.ensure_future(self._pump(reader, behind[1], "up")),
            asyncio.ensure_future(self._pump(behind[0], writer, "down")),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            for each in both:
                each.transport.abort() if self._is_cut(each) else each.close()
                self._open.discard(each)
            await asyncio.gather(*pumps, return_exceptions=True)

    def _is_cut(self, writer: asyncio.StreamWriter) -> bool:
        return bool(writer.transport.is_closing())

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self._chance.random() < self.cutting[way]:
                    writer.write(data[: self._chance.randrange(len(data))])
                    await writer.drain()
                    self.cuts[way] += 1
                    return
                writer.write(data)
                await writer.drain()
