"""The runner: reads one partition of the log, lets the core decide, and writes each batch in one transaction.

Guarantee: every record has its effect exactly once. The read position is written in the transaction of its effects,
fenced by the claim's epoch, so a crash at any moment repeats a batch that left nothing behind, and a process that was
replaced can write nothing more. The memory is by construction what was written: after a failure it is loaded again.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from alertline.clock import Clock, monotonic, now
from alertline.eventlog.missing import Telling
from alertline.eventlog.port import EventLog, LogRecord, LogUnavailable
from alertline.incidents.memory.archive import Archive
from alertline.incidents.model import IncidentFacts
from alertline.incidents.policy import Policy
from alertline.store.engine import StoreUnavailable
from alertline.store.port import Batch, Claim, Fenced, Loaded
from consumers.applying import Inapplicable, States, apply_records, not_applicable
from consumers.isolating import Burst, DeadLetters, PoisonBurst, why_passed_over
from consumers.later import Turns
from consumers.losing import past_what_is_gone
from consumers.telling import Told, tell_stored
from schemas.records import NewerRecord, Tick, encode

__all__ = ["Runner", "Writer", "rest_s", "run_guarded"]

log = structlog.get_logger(__name__)

_BATCH = 1000  # an incident's line in the list is made once per batch: the larger, the less often
_COMING = timedelta(seconds=5)
_LONGEST_REST_S = 0.1
_GATHER_S = 0.03
_IDLE_S = 1.0
# a tick comes this much after its deadline, so that records which were received before it are read first (§8.4)
_TICK_AFTER = timedelta(seconds=2)
# so often who has nothing to read looks whether the store is still as it left it
_SURE_S = 5.0
# failures that say nothing about the record at hand
_NOT_THE_RECORD = (Fenced, StoreUnavailable, LogUnavailable, PoisonBurst)


class Writer(Protocol):
    """What a runner needs of the store."""

    async def claim(self, log_id: str, partition: int, owner: str) -> Claim:
        """Take the partition over; whoever held it can write no more."""
        ...

    async def load(self, claim: Claim, policy: Policy) -> Loaded:
        """Everything to start from; `policy` is what an unconfigured stream goes by."""
        ...

    async def recalling(self, work: Callable[[Callable[[str], Archive]], Batch]) -> Batch:
        """Do something that may ask for what is not in memory any more: it is given the archive of each stream."""
        ...

    async def commit(self, batch: Batch) -> None:
        """Write a batch in one transaction.

        Raises:
            Fenced: the partition was taken over.
        """
        ...

    async def check(self, claim: Claim) -> None:
        """See that the partition is as the claim says.

        Raises:
            Fenced: it was taken over, or the database lost what it had taken.
        """
        ...

    async def untold(self, claim: Claim, after: str) -> IncidentFacts | None:
        """The next incident, by id after another, whose timeline is not told as it is; None: there is no more."""
        ...


class Runner:
    """Applies one partition.

    `receivers_first`: receivers share this machine, and half of the time is left to them.

    Attributes:
        ticking: whether log time runs on by itself when a timer falls due (not while recorded time is played).
        started: set once the partition is ours and its memory loaded.
        resting: set while it rests after `hold`.
    """

    def __init__(
        self,
        log_: EventLog,
        writer: Writer,
        policy: Policy,
        *,
        owner: str,
        clock: Clock = now,
        ticking: bool = True,
        receivers_first: bool = True,
        partition: int = 0,
        on_applied: Callable[[int], None] | None = None,
        dead_letters: DeadLetters | None = None,
        telling: Telling | None = None,
    ) -> None:
        self._log, self._writer, self._policy = log_, writer, policy
        self._owner, self._clock, self._partition = owner, clock, partition
        self._on_applied, self._dead_letters, self._telling = on_applied, dead_letters, telling
        self.ticking, self._receivers_first = ticking, receivers_first
        self._states = States(policy)
        self._burst = Burst()
        self._turns = Turns()
        self._sure_at = monotonic()
        self._stopping, self._held, self._released = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.started, self.resting = asyncio.Event(), asyncio.Event()

    def hold(self) -> None:
        """Finish the batch at hand, then rest: `resting` is set. The memory stays."""
        self._released.clear()
        self._held.set()

    def release(self) -> None:
        """Go on after `hold`."""
        self._held.clear()
        self._released.set()

    def stop(self) -> None:
        """Finish the batch at hand, then return from `run`."""
        self._stopping.set()
        self._released.set()

    async def run(self) -> None:
        """Apply records until stopped.

        Raises:
            Fenced: another process took the partition over.
            LogChanged: the store belongs to another log.
            NewerRecord: a record was written by a newer Alertline.
            PoisonBurst: too many records could not be taken in.
            StoreUnavailable, LogUnavailable: the store or the log is away; what was not written is read again.
        """
        claim = await self._writer.claim(self._log.log_id, self._partition, self._owner)
        await self._restore(claim)
        claim = await self._past_what_is_gone(claim)
        self.started.set()
        log.info("correlator.started", partition=self._partition, epoch=claim.epoch, next_offset=claim.next_offset)
        ticked: set[tuple[str, datetime]] = set()
        while not self._stopping.is_set():
            if self._held.is_set():
                await self._rest_held()
                continue
            records = await self._log.read(self._partition, claim.next_offset, _BATCH)
            if records and records[0].position.offset > claim.next_offset:
                claim = await self._past_what_is_gone(claim)
            if records:
                claim = await self._work(claim, records)
                continue
            await self._make_sure(claim)
            timer_s = await self._tick(ticked)
            if not await self._tell_later(claim):
                await self._news(claim.next_offset, min(timer_s, self._turns.due_in_s(), _IDLE_S))

    async def _work(self, claim: Claim, records: Sequence[LogRecord]) -> Claim:
        began = monotonic()
        claim = await self._apply(claim, records)
        worked_s = monotonic() - began
        self._turns.stream()
        await self._tell_later(claim)
        age = self._clock() - records[-1].appended_at
        await asyncio.sleep(rest_s(worked_s, len(records), age, receivers_first=self._receivers_first))
        return claim

    async def _past_what_is_gone(self, claim: Claim) -> Claim:
        read_until = [(state.stream, state.log_time) for state in self._states.all()]
        begin = await past_what_is_gone(self._log, claim, read_until, self._telling, self._clock)
        return claim if begin == claim.next_offset else await self._commit(_nothing_but(Told(), claim, begin))

    async def _rest_held(self) -> None:
        self.resting.set()
        await self._released.wait()
        self.resting.clear()

    async def _restore(self, claim: Claim) -> None:
        self._states = States(self._policy)
        self._states.restore(await self._writer.load(claim, self._policy))

    async def _apply(self, claim: Claim, records: Sequence[LogRecord]) -> Claim:
        """Apply records; those that cannot be are passed over, each with its reason."""
        try:
            batch = await self._writer.recalling(lambda archives: apply_records(self._states, records, claim, archives))
        except Inapplicable as error:
            return await self._apply_around(claim, records, error)
        except (NewerRecord, *_NOT_THE_RECORD):
            raise
        except Exception as error:  # noqa: BLE001 - one record that cannot be shown must not stop the rest
            return await self._apply_in_halves(claim, records, error)
        try:
            return await self._write(batch, records)
        except _NOT_THE_RECORD:
            raise
        except Exception as error:  # noqa: BLE001 - nor one that the store refuses
            return await self._apply_in_halves(claim, records, error)

    async def _tell_later(self, claim: Claim) -> bool:
        """Tell one of the timelines that were too long to be told with their batch, if it is time; whether it was."""
        if self._turns.due_in_s() > 0:
            return False
        began = monotonic()
        facts = await self._writer.untold(claim, self._turns.after)
        if facts is not None:
            try:
                # beside the event loop: a long one takes a while, and other partitions go on here
                told = await asyncio.to_thread(tell_stored, facts)
                await self._writer.commit(_nothing_but(told, claim))
            except _NOT_THE_RECORD:
                raise
            except Exception:  # it has its turn again after the next batch that leaves something untold
                log.exception("correlator.telling_failed", incident=facts.row.id)
        self._turns.taken(None if facts is None else facts.row.id, monotonic() - began)
        return True

    async def _apply_around(self, claim: Claim, records: Sequence[LogRecord], error: Inapplicable) -> Claim:
        """Apply what comes before the record on which the core fails, pass that one over, and go on behind it."""
        await self._restore(claim)
        if before := records[: error.index]:
            claim = await self._apply(claim, before)
        claim = await self._pass_over(claim, records[error.index], error.__cause__ or error)
        after = records[error.index + 1 :]
        return await self._apply(claim, after) if after else claim

    async def _apply_in_halves(self, claim: Claim, records: Sequence[LogRecord], error: Exception) -> Claim:
        """Find the record that cannot be written; the memory is loaded again after every failure."""
        log.error("correlator.batch_failed", first=records[0].position.offset, count=len(records), exc_info=error)
        await self._restore(claim)
        if len(records) == 1:
            return await self._pass_over(claim, records[0], error)
        middle = len(records) // 2
        claim = await self._apply(claim, records[:middle])
        return await self._apply(claim, records[middle:])

    async def _pass_over(self, claim: Claim, record: LogRecord, error: BaseException) -> Claim:
        """Keep it, show it, tell of it, and go on behind it.

        Raises:
            PoisonBurst: too many of them.
        """
        log.error("correlator.record_failed", offset=record.position.offset, exc_info=error)
        self._burst.count()
        reason = why_passed_over(error)
        if self._dead_letters is not None:
            await self._dead_letters(record, reason)
        batch = not_applicable(record, claim, reason)
        try:
            claim = await self._commit(batch)
        except _NOT_THE_RECORD:
            raise
        except Exception:
            log.exception("correlator.record_not_kept", offset=record.position.offset)
            return await self._commit(not_applicable(record, claim, reason, kept=False))
        self._states.remember(batch.deliveries)  # a copy of it comes to nothing more
        return claim

    async def _write(self, batch: Batch, records: Sequence[LogRecord]) -> Claim:
        if self._dead_letters is not None:
            held = {row.offset: row.reason or "" for row in batch.deliveries if row.held and row.duplicate_of is None}
            for record in records:
                if record.position.offset in held:
                    await self._dead_letters(record, held[record.position.offset])
        return await self._commit(batch)

    async def _commit(self, batch: Batch) -> Claim:
        await self._writer.commit(batch)
        self._states.rest()
        if not {line.id for line in batch.summaries} <= {rows.incident for rows in batch.timelines}:
            self._turns.wait()
        if self._on_applied is not None:
            self._on_applied(batch.next_offset)
        return Claim(batch.claim.log_id, batch.claim.partition, batch.claim.epoch, batch.next_offset)

    async def _make_sure(self, claim: Claim) -> None:
        """A database may come back without our newest batches (a replica that lagged took over): without a record to
        read, no commit would ever tell."""
        if monotonic() - self._sure_at > _SURE_S:
            await self._writer.check(claim)
            self._sure_at = monotonic()

    async def _tick(self, ticked: set[tuple[str, datetime]]) -> float:
        """Write a tick for every timer that is due; how long until the next one may be, in seconds."""
        time, next_s = self._clock(), math.inf
        for state in self._states.all() if self.ticking else ():
            deadline = state.next_deadline()
            if deadline is None:
                continue
            due_s = (deadline + _TICK_AFTER - time).total_seconds()
            if due_s > 0:
                next_s = min(next_s, due_s)
            elif (state.stream, deadline) not in ticked:
                ticked.add((state.stream, deadline))
                await self._log.append(state.stream, encode(Tick(stream=state.stream, at=time)))
        return next_s

    async def _news(self, next_offset: int, wait_s: float) -> None:
        """Wait for a record, for the end of the wait, for `stop` or for `hold`."""
        waits = (self._log.wait(self._partition, next_offset, wait_s), self._stopping.wait(), self._held.wait())
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                tasks[0].result()  # a log that is gone must end the runner, not spin it
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def rest_s(worked_s: float, count: int, age: timedelta, *, receivers_first: bool) -> float:
    """How long to rest after a batch of so many records, the last of which is so old: seconds.

    Small batches cost nearly what large ones do: while deliveries are coming, those of the next moment are taken
    together. Where receivers share this machine they go first: half of the time is theirs. An old backlog (after a
    restart, or a storm that was too much) is worked off without resting.
    """
    if age >= _COMING:
        return 0.0
    gather_s = _GATHER_S if 1 < count < _BATCH else 0.0
    return min(max(worked_s, gather_s), _LONGEST_REST_S) if receivers_first else gather_s


def _nothing_but(told: Told, claim: Claim, next_offset: int | None = None) -> Batch:
    """What is written when nothing was read: the read position stays, unless another is given."""
    return Batch(
        claim=claim,
        first=claim.next_offset,
        next_offset=claim.next_offset if next_offset is None else next_offset,
        decisions=(),
        deliveries=(),
        summaries=told.summaries,
        clocks=(),
        automatic=told.automatic,
        timelines=told.timelines,
    )


async def run_guarded(runner: Runner) -> None:
    """Run until stopped or replaced; being replaced is no error of this process."""
    try:
        await runner.run()
    except Fenced as error:
        log.warning("correlator.replaced", reason=str(error))
