"""The load generator: a process that keeps a number of keep-alive connections busy and counts the replies.

It reads no more of a reply than it must, so that on two cores the server under test is what is measured. Usage:
`python -m benchmarks.load PORT CONNECTIONS SECONDS MIXTURE`; it prints one JSON object.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Final, cast

import uvloop

from benchmarks.bodies import requests_of

__all__ = ["main"]

_WARM_UP: Final = 0.25  # part of the time that does not count
_END: Final = b"\r\n\r\n"


class _Tally:
    """What all connections of one run share."""

    def __init__(self, request: Callable[[], bytes]) -> None:
        self.request = request
        self.statuses: Counter[str] = Counter()
        self.waits: list[float] = []
        self.counting = False
        self.replies = 0


class _Sender(asyncio.Protocol):
    """One connection: the next request goes out when the reply to the last one is complete."""

    def __init__(self, tally: _Tally) -> None:
        self._tally, self._got, self._sent = tally, b"", 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        got = self._got + data if self._got else data
        if not _is_complete(got):
            self._got = got
            return
        self._got = b""
        tally = self._tally
        if tally.counting:
            tally.replies += 1
            if not tally.replies & 15:
                tally.waits.append(time.perf_counter() - self._sent)
            if got[9:12] != b"202":
                tally.statuses[got[9:12].decode()] += 1
        self._send()

    def _send(self) -> None:
        if self._transport is not None:
            self._sent = time.perf_counter()
            self._transport.write(self._tally.request())


def _is_complete(got: bytes) -> bool:
    end = got.find(_END)
    if end < 0:
        return False
    at = got.find(b"Content-Length: ")
    return len(got) >= end + len(_END) + int(got[at + 16 : got.index(b"\r", at)])


async def _run(port: int, connections: int, seconds: float, mixture: str) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    tally = _Tally(requests_of(mixture))
    opened = [(await loop.create_connection(lambda: _Sender(tally), "127.0.0.1", port))[0] for _ in range(connections)]
    await asyncio.sleep(seconds * _WARM_UP)
    tally.counting, began = True, time.perf_counter()
    await asyncio.sleep(seconds * (1 - _WARM_UP))
    took = time.perf_counter() - began
    tally.counting = False
    for transport in opened:
        transport.close()
    waits = sorted(tally.waits) or [0.0]
    return {
        "rate": tally.replies / took,
        "p50_ms": waits[len(waits) // 2] * 1000,
        "p99_ms": waits[len(waits) * 99 // 100] * 1000,
        "other_statuses": dict(tally.statuses),
        "load_cpu": time.process_time() / seconds,
    }


def main() -> None:
    """Run from the command line."""
    port, connections, seconds, mixture = sys.argv[1:]
    print(json.dumps(uvloop.run(_run(int(port), int(connections), float(seconds), mixture))))


if __name__ == "__main__":
    main()
