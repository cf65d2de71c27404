"""The spool of the simulation: a file on a disk that may be full, and that forgets at a crash what was not synced."""

from alertline.eventlog.port import LogClosed, LogFull, LogRecord, LogUnavailable, Position
from tests.simulation.loop import Process, current
from tests.simulation.world import Gone, World

__all__ = ["Disk", "Spool"]


class Disk:
    """What outlives the processes that use the file.

    Attributes:
        synced: the records in it that a crash leaves.
        full: whether nothing more can be written.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.synced: list[LogRecord] = []
        self.full = False
        self.next_offset = 1
        self._written: list[LogRecord] = []

    def write(self, stream: str, payload: bytes) -> LogRecord:
        """Write without waiting for the disk."""
        record = LogRecord(Position(0, self.next_offset), stream, self.world.now(), payload)
        self.next_offset += 1
        self._written.append(record)
        return record

    def sync(self, record: LogRecord) -> None:
        """All up to this record is on the disk."""
        reached = [each for each in self._written if each.position <= record.position]
        self.synced += reached
        del self._written[: len(reached)]

    def crash(self) -> None:
        """What was not synced is there or not, but never one without those before it."""
        kept = self.world.choices.randint(0, len(self._written))
        self.synced += self._written[:kept]
        self._written.clear()


class Spool:
    """The file, opened by one process."""

    def __init__(self, disk: Disk, process: Process | None = None) -> None:
        self._disk, self._process = disk, process or current()
        self._closed = False

    async def append(self, stream: str, payload: bytes) -> Position:
        """Append one record; return when it is synced.

        Raises:
            LogFull: no room.
        """
        self._open()
        await self._disk.world.cross("spool write")
        self._open()
        if self._disk.full:
            raise LogFull("no room left for the spool")
        record = self._disk.write(stream, payload)
        await self._disk.world.cross("spool sync")
        self._open()
        self._disk.sync(record)
        await self._disk.world.cross("spool answered")
        return record.position

    async def read(self, partition: int, next_offset: int, limit: int) -> list[LogRecord]:
        """The oldest, in order."""
        await self._disk.world.cross("spool read")
        self._open()
        found = [each for each in self._disk.synced if each.position.offset >= next_offset]
        return found[: self._disk.world.choices.choice((1, 2, limit))] if partition == 0 else []

    async def count(self) -> int:
        """How many wait."""
        await self._disk.world.cross("spool count")
        self._open()
        return len(self._disk.synced)

    async def forget(self, next_offset: int) -> None:
        """Delete what lies before an offset.

        Raises:
            LogUnavailable: the disk does not take it: all is still there.
        """
        await self._disk.world.cross("spool forget")
        self._open()
        if self._disk.world.chance(0.02):
            raise LogUnavailable("the disk does not answer")
        self._disk.synced = [each for each in self._disk.synced if each.position.offset >= next_offset]
        await self._disk.world.cross("spool forgot")

    async def close(self) -> None:
        """Close it."""
        self._closed = True

    def _open(self) -> None:
        if self._process is not None and not self._process.alive:
            raise Gone
        if self._closed:
            raise LogClosed("the spool is closed")
