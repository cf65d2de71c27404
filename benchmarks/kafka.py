"""How many deliveries a second come out of Kafka into PostgreSQL: four streams on two correlators, filled beforehand.

The CPU that they take tells more on a machine that others use too.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
import uvloop

from alertline.clock import now
from alertline.cluster import Kafka
from alertline.eventlog.kafka import KafkaLog, partition_of
from alertline.store.engine import open_engine
from alertline.store.migrate import upgrade
from alertline.store.reader import StoreReader
from benchmarks.bodies import requests_of
from benchmarks.real import kafka_and_postgresql
from benchmarks.reporting import Figure, Options, tell
from ingest.intake import Posted, receive
from ingest.integrations import Integrations
from schemas.records import decode, encode
from tests.support.kafka import settings
from tests.support.kafka_jars import Broker
from tests.support.postgres import Server, database
from tests.support.server import Server as Process

__all__ = ["measure", "stream_in"]

_PARTITIONS: Final = 4
_EACH: Final = 10_000
_MIXTURE: Final = "refreshes"
_BOUND_S: Final = 120.0


class _Took(msgspec.Struct, frozen=True):
    """What one round came to: records a second; and for 1000 deliveries the CPU milliseconds of everybody's."""

    appended: float
    read: float
    applied: float
    correlators_ms: float
    postgresql_ms: float
    broker_ms: float


def measure(options: Options) -> Iterable[Figure]:
    """Fill a topic, read it back, let two correlators apply it; nothing where Java or Maven is missing."""
    with kafka_and_postgresql("kafka") as real:
        if real is None:
            return
        folder, broker, server = real
        found = []
        for number in range(min(options.rounds, 3)):
            found.append(_round(broker, server, folder / str(number)))
            tell(f"kafka {number + 1}: {found[-1]}")
        yield Figure("kafka append", median(each.appended for each in found), "records/s")
        yield Figure("kafka read", median(each.read for each in found), "records/s")
        yield Figure("kafka to postgresql, 2 correlators", median(each.applied for each in found), "deliveries/s")
        whole = median(each.correlators_ms + each.postgresql_ms + each.broker_ms for each in found)
        for name in ("correlators", "postgresql", "broker"):
            spent = median(getattr(each, f"{name}_ms") for each in found)
            yield Figure(f"kafka to postgresql, {name} CPU", spent, "ms/1000", spent / whole)


def _round(broker: Broker, server: Server, folder: Path) -> _Took:
    folder.mkdir()
    kafka = settings(broker.address, partitions=_PARTITIONS)
    with database(server.url) as made:
        uvloop.run(upgrade(made.url))
        appended, read = uvloop.run(_fill(kafka))
        config = folder / "alertline.toml"
        config.write_text(f'[kafka]\nprefix = "{kafka.prefix}"\npartitions = {_PARTITIONS}\n')
        common = ("--kafka", broker.address, "--database", made.url, "--config", str(config))
        data = folder / "data"
        data.mkdir()
        with ExitStack() as stack:
            both = [Process(data, *common, role="correlate", name=f"correlate-{number}") for number in range(2)]
            for one in both:
                stack.enter_context(one).start()
            pids = ([one.pid for one in both], [server.pid], [broker.pid])
            rate, spent = uvloop.run(_applied(made.url, lambda: [sum(map(_cpu_s, each)) for each in pids]))
            return _Took(appended, read, rate, *spent)


def _cpu_s(pid: int) -> float:
    """The CPU seconds of a process and of its children."""
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if entry.parent.name == str(pid) or fields[1] == str(pid):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def _fill(kafka: Kafka) -> tuple[float, float]:
    """Append everything, then read it back; each in records a second."""
    log = await KafkaLog.open(kafka)
    try:
        records = [record for number in range(_PARTITIONS) for record in _records(stream_in(number))]
        began = time.perf_counter()
        for start in range(0, len(records), 2000):
            await log.append_all(records[start : start + 2000])
        appended = len(records) / (time.perf_counter() - began)
        began, count = time.perf_counter(), 0
        for partition in await log.partitions():
            offset = 0
            while found := await log.read(partition, offset, 1000):
                offset, count = found[-1].position.next_offset, count + len(found)
        return appended, count / (time.perf_counter() - began)
    finally:
        await log.close()


def stream_in(partition: int) -> str:
    """The name of a stream that lies in that partition."""
    return next(name for name in map(str, range(1000)) if partition_of(name, _PARTITIONS) == partition)


def _records(stream: str) -> Sequence[tuple[str, bytes]]:
    request = requests_of(_MIXTURE)
    integration, adapter = Integrations().find("alertmanager") or Integrations().pairs()[0]
    start = now() - timedelta(hours=1)
    records = []
    for number in range(_EACH):
        at = start + timedelta(milliseconds=number)
        body = request().partition(b"\r\n\r\n")[2]
        made = encode(receive(Posted(integration="alertmanager", body=body, received_at=at), integration, adapter))
        records.append((stream, encode(msgspec.structs.replace(decode(made), stream=stream))))
    return records


async def _applied(url: str, cpu: Callable[[], Sequence[float]]) -> tuple[float, list[float]]:
    """How many a second are applied, from the first to the last; and the CPU milliseconds of a thousand of them."""
    engine = open_engine(url)
    try:
        store, end = StoreReader(engine), _PARTITIONS * _EACH
        first: tuple[float, int, Sequence[float]] | None = None
        async with asyncio.timeout(_BOUND_S):
            while True:
                at, done = time.perf_counter(), sum([await store.applied(each) for each in range(_PARTITIONS)])
                if done and first is None:
                    first = at, done, cpu()
                if first is not None and done >= end:
                    count = done - first[1]
                    spent = [1e6 * (now_ - then) / count for now_, then in zip(cpu(), first[2], strict=True)]
                    return count / (at - first[0]), spent
                await asyncio.sleep(0.05)
    finally:
        await engine.dispose()
