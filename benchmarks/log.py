"""How many records a second become durable on the embedded log, by the number of appenders that wait for it."""

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import uvloop

from alertline.eventlog.sqlite import SqliteLog
from benchmarks.reporting import Figure, Options, tell

__all__ = ["measure"]

_APPENDERS: Final = (1, 32, 200)
_PAYLOAD: Final = b'{"record":"delivery","body":"' + b"x" * 1900 + b'"}'


def measure(options: Options) -> Iterable[Figure]:
    """A new file in every round."""
    found: dict[int, list[float]] = {count: [] for count in _APPENDERS}
    for number in range(options.rounds):
        for count in _APPENDERS:
            with tempfile.TemporaryDirectory(prefix="alertline-bench-") as folder:
                found[count].append(rate := uvloop.run(_rate(Path(folder) / "log.db", count, options.seconds / 2)))
            tell(f"log {number + 1}/{options.rounds} {count} appenders: {rate:,.0f} records/s")
    for count, rates in found.items():
        yield Figure(f"log {count} appenders", median(rates), "records/s")


async def _rate(path: Path, appenders: int, seconds: float) -> float:
    log = await SqliteLog.open(path)
    end = perf_counter() + seconds

    async def append() -> int:
        appended = 0
        while perf_counter() < end:
            await log.append("default", _PAYLOAD)
            appended += 1
        return appended

    began = perf_counter()
    appended = sum(await asyncio.gather(*(append() for _ in range(appenders))))
    took = perf_counter() - began
    await log.close()
    return appended / took
