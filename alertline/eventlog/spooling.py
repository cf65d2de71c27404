"""Taking records while the log behind is away: they wait, durable, in a file of this machine, and go on in order.

Guarantee: `append` returns when the record is durable, on the log or in the spool. While anything waits, everything
new waits behind it, so this process's records never overtake each other. What waits outlives the process: the next one
with the same file goes on. A record that the log got although it did not say so is there twice; its delivery id tells.
What was refused, because the spool was full, is told on the log behind all that waited, once the log is back.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import structlog

from alertline.clock import Clock, monotonic, now
from alertline.eventlog.missing import Refusals, Telling
from alertline.eventlog.port import LogClosed, LogFull, LogRecord, LogUnavailable, Position, TooLarge
from alertline.eventlog.spool_file import SpoolFile

__all__ = ["SpoolingLog"]

log = structlog.get_logger(__name__)

_LOG_S: Final = 0.6  # of the second within which a sender is answered; the rest is the spool's
_BATCH: Final = 500
_BATCH_BYTES: Final = 2 * 1024 * 1024
_AGAIN_S: Final = 0.25
_LONGEST_AGAIN_S: Final = 2.0
_SPOOLED: Final = Position(-1, -1)


class Behind(Protocol):
    """The log that may be away."""

    async def append(self, stream: str, payload: bytes) -> Position:
        """Append one record; return when it is durable."""
        ...

    async def append_all(self, records: Iterable[tuple[str, bytes]]) -> Sequence[Position]:
        """Append several, those of a stream in this order; return when all are durable."""
        ...


class SpoolingLog:
    """What receivers append to where the log is on other machines. It belongs to one event loop; open it with `open`.

    `telling` makes the records of what was refused; without it nothing is told.

    Attributes:
        waiting: how many records wait, as far as is known.
    """

    def __init__(self, behind: Behind, spool: SpoolFile, *, telling: Telling | None = None, clock: Clock = now) -> None:
        self._behind, self._spool, self._telling, self._clock = behind, spool, telling, clock
        self._refusals, self._untold = Refusals(), list[tuple[str, bytes]]()
        self._spooling = False
        self._coming = 0  # appends to the spool that have not returned
        self._taken = 0  # appends to the spool that were ever begun
        self._since: float | None = None
        self._forwarder: asyncio.Task[None] | None = None
        self._closed = False
        self._why, self._full = "", ""
        self.waiting = 0

    async def open(self) -> "SpoolingLog":
        """Find out whether anything waits from an earlier life, and begin to forward it."""
        self.waiting = await self._spool.count()
        if self.waiting:
            self._begin("records wait from before the start")
        return self

    def problem(self) -> str | None:
        """Why deliveries wait here, and how many; None while they go to the log at once."""
        if not self._spooling:
            return None
        since_s = monotonic() - (self._since or monotonic())
        return f"{self.waiting} deliveries wait in the spool, for {since_s:.0f} s: {self._why}"

    def full(self) -> str | None:
        """Why nothing more can be taken; None while it can, as far as the newest attempt tells."""
        return self._full or None

    async def append(self, stream: str, payload: bytes) -> Position:
        """Append one record; return when it is durable. The position of one that waits is not known: (-1, -1).

        Raises:
            LogFull: the spool is full, or the disk; LogClosed: closed; TooLarge: never;
                LogUnavailable: neither can take it now.
        """
        if self._closed:
            raise LogClosed("the event log is closed")
        if not self._spooling:
            try:
                async with asyncio.timeout(_LOG_S):
                    return await self._behind.append(stream, payload)
            except TimeoutError:
                self._begin(f"no answer within {_LOG_S:g} s")
            except (LogClosed, TooLarge):
                raise
            except LogUnavailable as error:
                self._begin(str(error))
        return await self._wait_behind(stream, payload)

    async def _wait_behind(self, stream: str, payload: bytes) -> Position:
        self._coming += 1
        self._taken += 1
        try:
            await self._spool.append(stream, payload)
        except LogUnavailable as error:
            self._refusals.note(stream, self._clock())
            if isinstance(error, LogFull):
                self._full = str(error)
            raise
        finally:
            self._coming -= 1
        self.waiting, self._full = self.waiting + 1, ""
        return _SPOOLED

    def _begin(self, why: str) -> None:
        self._why = why
        if self._spooling or self._closed:
            return
        self._spooling, self._since = True, monotonic()
        log.warning("spool.began", reason=why, waiting=self.waiting)
        self._forwarder = asyncio.create_task(self._forward())

    async def _forward(self) -> None:
        """Forward until nothing waits; then the log is used directly again."""
        pause = _AGAIN_S
        while True:
            try:
                if await self._forward_some():
                    pause = _AGAIN_S
                    continue
                if await self._empty() and not await self._tell_refused():
                    self._spooling, self._since, self.waiting = False, None, 0
                    log.info("spool.done")
                    return
            except LogFull:
                log.warning("spool.disk_full")  # what was forwarded stays there too: harmless, and nothing is lost
            except (LogUnavailable, TimeoutError) as error:
                self._why = str(error) or self._why
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_AGAIN_S)

    async def _forward_some(self) -> bool:
        """Forward the oldest; whether there was any."""
        records = _together(await self._spool.read(0, 0, _BATCH))
        if not records:
            return False
        await self._behind.append_all([(each.stream, each.payload) for each in records])
        await self._spool.forget(records[-1].position.next_offset)
        self.waiting, self._full = max(0, self.waiting - len(records)), ""
        return True

    async def _empty(self) -> bool:
        """Whether nothing waits any more, also nothing that came while we looked."""
        taken = self._taken
        left = await self._spool.count()
        return not (left or self._coming or taken != self._taken)

    async def _tell_refused(self) -> bool:
        """Tell what was refused; whether there was anything, and so time for more to come."""
        if self._telling is not None:
            self._untold += [(each.stream, self._telling(each)) for each in self._refusals.taken()]
        if not self._untold:
            return False
        await self._behind.append_all(self._untold)
        self._untold.clear()
        return True

    async def close(self) -> None:
        """Stop forwarding; what waits is forwarded by the next process. The log behind is not closed."""
        self._closed = True
        if lost := self._refusals.taken():  # to be told by nobody: at least whoever reads the log of this process knows
            log.error("spool.refusals_untold", refused=[(each.stream, each.first, each.last) for each in lost])
        if self._forwarder is not None:
            self._forwarder.cancel()
            await asyncio.gather(self._forwarder, return_exceptions=True)
        await self._spool.close()


def _together(records: Sequence[LogRecord]) -> Sequence[LogRecord]:
    """As many of them as make one request: one at least."""
    size = 0
    for index, record in enumerate(records):
        size += len(record.payload)
        if size > _BATCH_BYTES and index:
            return records[:index]
    return records
