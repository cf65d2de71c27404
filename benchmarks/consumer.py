"""How many deliveries a second two correlator processes apply to one PostgreSQL: four streams, read from memory."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from statistics import median
from typing import Final

import msgspec
import uvloop

from alertline.eventlog.port import LogRecord, Position
from alertline.incidents.policy import Policy
from alertline.store.engine import open_engine
from alertline.store.migrate import upgrade
from alertline.store.port import Claim
from alertline.store.writer import StoreWriter
from alertline.wiring.collecting import little_collecting
from benchmarks.bodies import requests_of
from benchmarks.reporting import Figure, Options, tell
from benchmarks.store import START
from consumers.applying import States, apply_records
from ingest.intake import Posted, receive
from ingest.integrations import Integrations
from schemas.records import decode, encode
from tests.support.postgres import Server, database, own_server

__all__ = ["measure"]

_PROCESSES: Final = 2
_STREAMS: Final = 2  # of each process
_BATCH: Final = 1000
_BATCHES: Final = 8
_MIXTURE: Final = "refreshes"


class _Took(msgspec.Struct, frozen=True):
    """What one round took, for every 1000 deliveries: seconds, and CPU milliseconds of the two sides."""

    rate: float
    correlators_ms: float
    postgresql_ms: float


def measure(options: Options) -> Iterable[Figure]:
    """One process and two at a time; and on what the CPU goes: that tells more on a machine that others use too."""
    with own_server() as server:
        for processes in (1, _PROCESSES):
            found = [_round(server, processes) for _ in range(min(options.rounds, 3))]
            for each in found:
                tell(f"consumer, {processes} processes: {each}")
            ours, theirs = median(each.correlators_ms for each in found), median(each.postgresql_ms for each in found)
            name = f"consumer {processes} processes"
            yield Figure(name, median(each.rate for each in found), "deliveries/s", None)
            yield Figure(f"{name} correlators CPU", ours, "ms/1000", ours / (ours + theirs))
            yield Figure(f"{name} postgresql CPU", theirs, "ms/1000", theirs / (ours + theirs))


def _round(server: Server, processes: int) -> _Took:
    context = get_context("spawn")
    barrier, results = context.Barrier(processes), context.SimpleQueue()
    with database(server.url) as made:
        uvloop.run(upgrade(made.url))
        work = [context.Process(target=_work, args=(made.url, number, barrier, results)) for number in range(processes)]
        for each in work:
            each.start()
        began = server.cpu_s()
        found = [results.get() for _ in work]
        for each in work:
            each.join()
    thousands = processes * _STREAMS * _BATCHES * _BATCH / 1000
    return _Took(
        1000 * thousands / max(took for took, _ in found),
        1000 * sum(cpu for _, cpu in found) / thousands,
        1000 * (server.cpu_s() - began) / thousands,
    )


def _work(url: str, number: int, barrier: Barrier, results: "SimpleQueue[tuple[float, float]]") -> None:
    partitions = range(number * _STREAMS, (number + 1) * _STREAMS)
    records = {partition: _records(partition) for partition in partitions}
    with little_collecting():
        results.put(uvloop.run(_apply(url, records, barrier)))


def _records(partition: int) -> list[LogRecord]:
    request, stream = requests_of(_MIXTURE), f"stream{partition}"
    integration, adapter = Integrations().find("alertmanager") or Integrations().pairs()[0]
    records: list[LogRecord] = []
    for offset in range(_BATCH * _BATCHES):
        at = START + timedelta(milliseconds=offset)
        body = request().partition(b"\r\n\r\n")[2]
        made = encode(receive(Posted(integration="alertmanager", body=body, received_at=at), integration, adapter))
        payload = encode(msgspec.structs.replace(decode(made), stream=stream))
        records.append(LogRecord(Position(partition, offset), stream, at, payload))
    return records


async def _apply(url: str, records: Mapping[int, Sequence[LogRecord]], barrier: Barrier) -> tuple[float, float]:
    """Apply all, the streams at once, as the runners of one process do; gives seconds, and seconds of CPU."""
    engine = open_engine(url)
    writer = StoreWriter(engine, telling=True)
    claims = {partition: await writer.claim("bench", partition, "bench") for partition in records}
    barrier.wait()
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_stream(writer, claims[partition], each) for partition, each in records.items()))
    took = time.perf_counter() - began, time.process_time() - cpu
    await engine.dispose()
    return took


async def _stream(writer: StoreWriter, claim: Claim, records: Sequence[LogRecord]) -> None:
    states = States(Policy())
    for start in range(0, len(records), _BATCH):
        batch = apply_records(states, records[start : start + _BATCH], claim)
        await writer.commit(batch)
        claim = Claim(claim.log_id, claim.partition, claim.epoch, batch.next_offset)
