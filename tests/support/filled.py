"""A store that a correlator filled: from recordings, told stories, and what people order afterwards."""

import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import asyncpg
import msgspec
import orjson
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.cli.replaying import record_of
from alertline.config import Settings
from alertline.eventlog.port import LogRecord, Position
from alertline.incidents.policy import Policy
from alertline.store.engine import open_engine
from alertline.store.port import Batch, Claim
from alertline.store.writer import StoreWriter
from alertline.wiring.integrations import integrations_of
from consumers.applying import States, apply_records
from consumers.telling import tell_stored
from ingest.recording import read_recordings
from schemas.records import Delivery, Record, Tick, encode

__all__ = ["Filled", "asked_in_sql", "filled", "recorded"]


def recorded(*paths: Path) -> list[Record]:
    """The records of recordings, and the ticks that let log time run on after each incident and at the end."""
    integrations = integrations_of(Settings())
    records: list[Record] = []
    for line in read_recordings(paths):
        record = record_of(line, integrations)
        if records and _at(record) - _at(records[-1]) > timedelta(hours=1):
            records.append(Tick(stream="default", at=_at(records[-1]) + timedelta(minutes=30)))
        records.append(record)
    return [*records, Tick(stream="default", at=_at(records[-1]) + timedelta(minutes=30))]


def _at(record: Record) -> datetime:
    return record.received_at if isinstance(record, Delivery) else record.at


class Filled:
    """A store and the correlator that fills it."""

    def __init__(self, engine: AsyncEngine, writer: StoreWriter, claim: Claim) -> None:
        self.engine, self._writer, self._claim = engine, writer, claim
        self._states, self._ordered = States(Policy()), 0
        self.at = datetime(2024, 1, 1, tzinfo=UTC)

    async def feed(self, records: Sequence[Record], batch: int = 50) -> None:
        """Apply records, in batches."""
        for start in range(0, len(records), batch):
            part = records[start : start + batch]
            self.at = max([self.at, *map(_at, part)])
            first = self._claim.next_offset
            rows = [
                LogRecord(Position(0, first + n), each.stream, max(self.at, _at(each)), encode(each))
                for n, each in enumerate(part)
            ]
            await self._write(await self._writer.recalling(partial(apply_records, self._states, rows, self._claim)))
            self._states.rest()

    async def restart(self) -> None:
        """Go on as a correlator that was started again: with what it loads."""
        self._claim = await self._writer.claim(self._claim.log_id, self._claim.partition, "test")
        self._states = States(Policy())
        self._states.restore(await self._writer.load(self._claim))

    async def untold(self, partition: int) -> list[str]:
        """The incidents of a partition whose timeline is not told as it is."""
        claim = msgspec.structs.replace(self._claim, partition=partition)
        found, after = list[str](), ""
        while (facts := await self._writer.untold(claim, after)) is not None:
            found.append(after := facts.row.id)
        return found

    async def order(self, command: str, **more: object) -> None:
        """Let a person order something, a second after the newest record."""
        self._ordered += 1
        self.at += timedelta(seconds=1)
        body = {"type": "command", "command": command, "actor": "ana", "reason": "as the graph shows", **more}
        line: dict[str, object] = {
            "received_at": self.at.isoformat(), "source": "alertline", "body": body,
            "headers": {"Idempotency-Key": f"order-{self._ordered}"},
        }  # fmt: skip
        await self.feed([_record(line)])

    async def catch_up(self) -> int:
        """Tell what was not told with its batch, as the runner does when it has time; how often there was something."""
        times = 0
        while (found := await self._writer.untold(self._claim, "")) is not None:
            told = tell_stored(found)
            at = self._claim.next_offset
            await self._write(
                Batch(
                    claim=self._claim, first=at, next_offset=at, decisions=(), deliveries=(), clocks=(),
                    summaries=told.summaries, automatic=told.automatic, timelines=told.timelines,
                )
            )  # fmt: skip
            times += 1
        return times

    async def _write(self, batch: Batch) -> None:
        await self._writer.commit(batch)
        self._claim = msgspec.structs.replace(self._claim, next_offset=batch.next_offset)


def _record(line: dict[str, object]) -> Record:
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile(suffix=".ndjson") as file:
        file.write(orjson.dumps(line) + b"\n")
        file.flush()
        return record_of(next(iter(read_recordings([Path(file.name)]))), integrations_of(Settings()))


@asynccontextmanager
async def filled(url: str, records: Iterable[Record] = ()) -> AsyncIterator[Filled]:
    """A store of this URL, whose tables are there, with what the records come to."""
    engine = open_engine(url)
    try:
        writer = StoreWriter(engine)
        made = Filled(engine, writer, await writer.claim("log", 0, "test"))
        await made.feed(list(records))
        yield made
    finally:
        await engine.dispose()


async def asked_in_sql(url: str, query: str) -> list[tuple[object, ...]]:
    """The answer that a stranger gets who connects with a client of his own."""
    parsed = make_url(url)
    if parsed.drivername.startswith("sqlite"):
        connection = sqlite3.connect(f"file:{parsed.database}?mode=ro", uri=True)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()
    client = await asyncpg.connect(parsed.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        return [tuple(row) for row in await client.fetch(query)]
    finally:
        await client.close()
