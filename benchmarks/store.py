"""How long the correlator takes for a batch of 500 deliveries: deciding, and writing it in one transaction.

Into a file, and into a PostgreSQL, where there is one.
"""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final
from uuid import uuid4

import uvloop

from alertline.eventlog.port import LogRecord, Position
from alertline.incidents.policy import Policy
from alertline.store.engine import open_engine
from alertline.store.migrate import upgrade
from alertline.store.writer import StoreWriter
from benchmarks.bodies import MIXTURES, requests_of
from benchmarks.reporting import Figure, Options, tell
from consumers.applying import States, apply_records
from ingest.intake import Posted, receive
from ingest.integrations import Integrations
from schemas.records import encode
from tests.support.postgres import binaries, database, own_server

__all__ = ["START", "measure"]

_BATCH: Final = 500
_BATCHES: Final = 6
START: Final = datetime(2025, 3, 4, tzinfo=UTC)


def measure(options: Options) -> Iterable[Figure]:
    """Every mixture of the receiver benchmark, one alert in a delivery; the last batches of a short run count."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alertline-bench-")))
        server = stack.enter_context(own_server()) if binaries() is not None else None
        for mixture in options.mixtures or tuple(MIXTURES):
            records = _records(mixture)
            yield from _measured(f"store {mixture}", options, partial(_in_a_file, folder, records))
            if server is not None:
                yield from _measured(
                    f"store postgresql {mixture}", options, partial(_in_postgresql, server.url, records)
                )


def _measured(name: str, options: Options, one: Callable[[], tuple[float, float]]) -> Iterable[Figure]:
    deciding, writing = [], []
    for number in range(options.rounds):
        took = one()
        deciding.append(took[0])
        writing.append(took[1])
        tell(f"{name} {number + 1}/{options.rounds}: decide {took[0]:.1f} ms, commit {took[1]:.1f} ms")
    whole = median(deciding) + median(writing)
    yield Figure(f"{name} decide", median(deciding), "ms/500", median(deciding) / whole)
    yield Figure(f"{name} commit", median(writing), "ms/500", median(writing) / whole)


def _in_a_file(folder: Path, records: Sequence[LogRecord]) -> tuple[float, float]:
    return uvloop.run(_round(f"sqlite+aiosqlite:///{folder / uuid4().hex}.db", records))


def _in_postgresql(server: str, records: Sequence[LogRecord]) -> tuple[float, float]:
    with database(server) as made:
        return uvloop.run(_round(made.url, records))


def _records(mixture: str) -> list[LogRecord]:
    request, (integration, adapter) = requests_of(mixture), Integrations().pairs()[0]
    found = Integrations().find("alertmanager") or (integration, adapter)
    records: list[LogRecord] = []
    for number in range(_BATCH * _BATCHES):
        at = START + timedelta(milliseconds=number)
        body = request().partition(b"\r\n\r\n")[2]
        record = receive(Posted(integration="alertmanager", body=body, received_at=at), *found)
        records.append(LogRecord(Position(0, number + 1), "default", at, encode(record)))
    return records


async def _round(url: str, records: Sequence[LogRecord]) -> tuple[float, float]:
    await upgrade(url)
    engine = open_engine(url)
    writer, states = StoreWriter(engine), States(Policy())
    claim = await writer.claim("bench", 0, "bench")
    deciding, writing = [], []
    for start in range(0, len(records), _BATCH):
        began = perf_counter()
        batch = apply_records(states, records[start : start + _BATCH], claim)
        decided = perf_counter()
        await writer.commit(batch)
        deciding.append(decided - began)
        writing.append(perf_counter() - decided)
        claim = type(claim)(claim.log_id, claim.partition, claim.epoch, batch.next_offset)
    await engine.dispose()
    return median(deciding) * 1000, median(writing) * 1000
