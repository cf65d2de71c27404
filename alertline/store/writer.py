"""Writing what was decided.

Guarantee: a batch is written as a whole or not at all, together with the read position, and only by whoever holds the
newest claim on its partition: after a crash, a restart or a lost race every record of the log has had its effect
exactly once. The current rows are always the fold of the decisions: the newest row of each id.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Table, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertline.clock import micros
from alertline.incidents.decisions import Decision
from alertline.incidents.memory.archive import Archive, ArchiveAway
from alertline.incidents.model import IncidentFacts
from alertline.incidents.policy import Policy
from alertline.store.archive import StoreArchive
from alertline.store.at_once import AtOnce, Writes
from alertline.store.engine import alone, in_bulk, insert, one_statement, reading, writing
from alertline.store.facts import read_facts
from alertline.store.failures import StoreUnavailable, Unstorable
from alertline.store.figures import metric_rows, milestone_rows, timeline_values
from alertline.store.loading import load
from alertline.store.outbox import tellings
from alertline.store.port import Applied, Batch, Claim, DeliveryRow, Fenced, Loaded, LogChanged, Summary
from alertline.store.rows import Values, copied, encode, fit, incident_of, key, searched
from alertline.store.statements import Move, Named, Replacement, Statement, append, moving, removal, upsert
from alertline.store.tables import (
    ROW_TABLES,
    decisions,
    deliveries,
    incident_metrics,
    incident_milestones,
    outbox,
    positions,
    stream_clocks,
    summaries,
    summary_services,
    timeline_rows,
)

__all__ = ["StoreWriter"]

Result = TypeVar("Result")
_POLICY: Final = Policy()
_SMALL: Final = 300  # rows; from some 400 on COPY is quicker


class StoreWriter:
    """What a correlator writes with. It leaves the engine open: whoever made that disposes of it.

    `telling`: somebody relays the outbox; without a relay nothing is put into it, for it would only grow.
    `small`: a batch of fewer rows than so many is one statement, where the database can do that (`at_once.py`).
    """

    def __init__(self, engine: AsyncEngine, *, telling: bool = False, small: int = _SMALL) -> None:
        self._engine = engine
        self._small = small if in_bulk(engine) else 0
        self._at_once: AtOnce | None = None
        self._tell = append(engine, outbox) if telling else None
        self._decide = append(engine, decisions)
        self._deliver = append(engine, deliveries)
        self._put = {table: upsert(engine, table, keep=("made_offset", "made_n")) for table in ROW_TABLES.values()}
        self._summarise = upsert(engine, summaries)
        self._tick = upsert(engine, stream_clocks)
        self._advance = Named(engine, moving(positions))
        self._measure = upsert(engine, incident_metrics)
        self._serve, self._stamp = Replacement(engine, summary_services), Replacement(engine, incident_milestones)
        self._unshow, self._show = removal(engine, timeline_rows), append(engine, timeline_rows)

    async def claim(self, log_id: str, partition: int, owner: str) -> Claim:
        """Take over a partition: every older claim on it is void from now on. A new partition begins at offset 0.

        Raises:
            LogChanged: the store was filled from another log; StoreUnavailable: not now.
        """
        self._forget()  # somebody else may have written meanwhile
        statement = (
            insert(self._engine, positions)
            .values(log_id=log_id, partition=partition, epoch=1, owner=owner, next_offset=0)
            .on_conflict_do_update(
                index_elements=["log_id", "partition"], set_={"epoch": positions.c.epoch + 1, "owner": owner}
            )
            .returning(positions.c.epoch, positions.c.next_offset)
        )
        async with writing(self._engine) as connection:
            await alone(connection)  # two logs that come to an empty store at once: one is refused
            other = await connection.scalar(select(positions.c.log_id).where(positions.c.log_id != log_id).limit(1))
            if other is not None:
                raise LogChanged(
                    f"the store was filled from log {other}, this is log {log_id}: rebuild, or use that log"
                )
            epoch, next_offset = (await connection.execute(statement)).one()
        return Claim(log_id, partition, epoch, next_offset)

    async def load(self, claim: Claim, policy: Policy = _POLICY) -> Loaded:
        """Read what a correlator of the partition starts from (`loading.py`).

        Raises:
            StoreUnavailable: not now.
        """
        return await load(self._engine, claim, policy)

    async def recalling(self, work: Callable[[Callable[[str], Archive]], Result]) -> Result:
        """Do something that may ask for what is not in memory: it is given the archive of each stream by its name.

        Raises:
            StoreUnavailable: not now.
        """
        async with reading(self._engine) as connection:
            try:
                return await connection.run_sync(lambda plain: work(partial(StoreArchive, plain)))
            except ArchiveAway as error:  # the connection may be lost: nothing can be committed on it
                raise StoreUnavailable(str(error)) from error
            except Exception as error:  # noqa: BLE001 - raised below: here it would pass for a failure of the database
                failed = error
        raise failed

    async def commit(self, batch: Batch) -> None:
        """Write a batch and the read position in one transaction.

        The clock of a stream must be in the first batch that holds anything of it: it says whose the stream is.

        Raises:
            Fenced: the claim is void, or the batch does not begin where the last one ended: nothing was written.
            Unstorable: a value is refused: nothing was written.
            StoreUnavailable: not now; whether it was written, as when it is cancelled, the next claim's position tells.
        """
        try:
            writes = self._prepared(batch)
            await self._write(batch, writes)
        except BaseException:
            self._forget()
            raise

    async def _write(self, batch: Batch, writes: Writes) -> None:
        if sum(len(rows) for _, rows in writes) >= self._small:
            async with writing(self._engine) as connection:
                await self._fenced(connection, batch)
                for statement, rows in writes:
                    await statement.run(connection, rows)
            return
        if self._at_once is None:
            self._at_once = AtOnce(self._engine, positions, [statement for statement, _ in writes])
        async with one_statement(self._engine) as connection:
            held = await self._at_once.run(connection, _move(batch), writes)
        if not held:
            raise Fenced(_lost(batch))

    async def _fenced(self, connection: AsyncConnection, batch: Batch) -> None:
        moved = await self._advance.run(connection, msgspec.structs.asdict(_move(batch)))
        if moved.rowcount != 1:
            raise Fenced(_lost(batch))

    def _prepared(self, batch: Batch) -> list[tuple[Statement, Sequence[Values]]]:
        try:
            writes = self._writes(batch)
            if self._tell is not None:
                writes.append((self._tell, [msgspec.structs.astuple(each) for each in tellings(batch)]))
        except UnicodeEncodeError as error:  # a lone surrogate: no record holds one, so no row should
            raise Unstorable(f"the store refuses a text: {error}") from error
        return writes

    def _forget(self) -> None:
        self._serve.forget()
        self._stamp.forget()

    def _writes(self, batch: Batch) -> list[tuple[Statement, Sequence[Values]]]:
        """All that a batch writes, made before the transaction begins, so that it is short."""
        decided, rows = _decided(batch.decisions)
        newest = {summary.id: summary for summary in batch.summaries}
        clocks = {clock.stream: clock for clock in batch.clocks}
        return [
            (self._decide, decided),
            *((self._put[table], list(rows[table].values())) for table in ROW_TABLES.values()),
            (self._deliver, [_delivery(row) for row in batch.deliveries]),
            (self._summarise, [_summary(summary) for summary in newest.values()]),
            *self._serve.writes({id_: _services(summary) for id_, summary in newest.items()}),
            *self._figures(batch, newest),
            (
                self._tick,
                [(fit(c.stream), batch.claim.partition, micros(c.log_time)) for c in clocks.values()],
            ),
        ]

    def _figures(self, batch: Batch, newest: Mapping[str, Summary]) -> list[tuple[Statement, Sequence[Values]]]:
        """What reports read: of every incident that has a new summary, and the timelines that are told."""
        told = list({timeline.incident: timeline for timeline in batch.timelines}.values())
        return [
            (self._measure, metric_rows(batch, newest.values())),
            *self._stamp.writes(milestone_rows(batch, newest.values())),
            (self._unshow, [(timeline.incident,) for timeline in told]),
            (self._show, timeline_values(told)),
        ]

    async def check(self, claim: Claim) -> None:
        """See that the partition is as the claim says.

        Raises:
            Fenced: it was taken over, or the database crashed and lost what it had taken; StoreUnavailable: not now.
        """
        query = select(positions.c.epoch, positions.c.next_offset).where(
            positions.c.log_id == claim.log_id, positions.c.partition == claim.partition
        )
        async with reading(self._engine) as connection:
            found = (await connection.execute(query)).one_or_none()
        if found is None or tuple(found) != (claim.epoch, claim.next_offset):
            raise Fenced(f"partition {claim.partition}: it is not at epoch {claim.epoch}, offset {claim.next_offset}")

    async def untold(self, claim: Claim, after: str) -> IncidentFacts | None:
        """Everything that the next incident of the partition, by id after another, is computed from whose timeline is
        not told as it is; None: no more.

        Raises:
            StoreUnavailable: not now.
        """
        table = incident_metrics.c
        mine = select(stream_clocks.c.stream).where(stream_clocks.c.partition == claim.partition)
        untold = select(table.incident_id).where(text("NOT told"), table.merged_into.is_(None), table.stream.in_(mine))
        query = untold.where(table.incident_id > after).order_by(table.incident_id).limit(1)
        async with reading(self._engine) as connection:
            found = await connection.scalar(query)
            return None if found is None else await read_facts(connection, found)


def _decided(applied: Iterable[Applied]) -> tuple[list[Values], dict[Table, dict[str, Values]]]:
    """The rows of the decisions table; and per row table the newest row of each id, with the place of its first."""
    appended: list[Values] = []
    current: dict[Table, dict[str, Values]] = {table: {} for table in ROW_TABLES.values()}
    for each in applied:
        decision: Decision = each.decision
        row = decision.row
        table = ROW_TABLES[type(row)]
        body, stream = encode(row), fit(each.stream)
        appended.append((stream, each.offset, each.n, decision.kind, table.name, row.id, incident_of(row), body))
        before = current[table].get(row.id)
        made = before[-3:-1] if before is not None else (each.offset, each.n)
        current[table][row.id] = (row.id, stream, *copied(row), *made, body)
    return appended, current


def _move(batch: Batch) -> Move:
    claim = batch.claim
    return Move(batch.next_offset, claim.log_id, claim.partition, claim.epoch, batch.first)


def _lost(batch: Batch) -> str:
    return f"partition {batch.claim.partition}: epoch {batch.claim.epoch} does not hold it at offset {batch.first}"


def _delivery(row: DeliveryRow) -> Values:
    return (
        row.partition,
        row.offset,
        key(row.id),
        fit(row.stream),
        micros(row.received_at),
        row.keyed,
        row.outcome,
        row.held,
        encode(row),
    )


def _services(row: Summary) -> list[Values]:
    return [(row.id, name) for name in sorted({*map(key, row.services)})]


def _summary(row: Summary) -> Values:
    return (
        row.id,
        fit(row.stream),
        key(row.scope),
        row.status,
        row.severity,
        searched(row),
        micros(row.started_at),
        None if (over := row.ended_at) is None else micros(over),
        row.merged_into,
        encode(row),
    )
