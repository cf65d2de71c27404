"""A process of its own that appends to a log file and prints each position as soon as it is told."""

import asyncio
import sys
from pathlib import Path

from alertline.eventlog.sqlite import SqliteLog


async def append_all(path: Path, name: str, count: int, at_once: int) -> None:
    """Append `count` records, `at_once` of them waiting at any time; print offset and payload of each."""
    log = await SqliteLog.open(path)
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            payload = f"{name}-{number}"
            position = await log.append(name, payload.encode())
            sys.stdout.write(f"{position.offset} {payload}\n")
            sys.stdout.flush()

    await asyncio.gather(*(work() for _ in range(at_once)))
    await log.close()


if __name__ == "__main__":
    asyncio.run(append_all(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
