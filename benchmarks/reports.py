"""How long a report over 100 000 incidents takes: from the question to the figures, and the pages made of them.

On SQLite, and on PostgreSQL where its programs are.
"""

import random
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time
from typing import Any, Final

import msgspec
import uvloop
from sqlalchemy import text

from alertline.incidents.decisions import Decision, DecisionKind
from alertline.incidents.derived.durations import SPANS
from alertline.incidents.model import AlertRow, EpisodeRow, Row, Span
from alertline.store.engine import open_engine, writing
from alertline.store.migrate import upgrade
from alertline.store.port import Applied, Batch, StreamClock, Summary, Timeline
from alertline.store.reports import ReportReader
from alertline.store.writer import StoreWriter
from alertline.wiring.collecting import little_collecting
from benchmarks.reporting import Figure, Options, tell
from review.reports.asking import asked_of
from review.reports.making import alerts_of, report_of
from schemas.incident import Metric, Milestone
from schemas.vocabulary import Basis, Classification, EndBasis, IncidentStatus, MetricName, MilestoneName, Severity
from tests.support.postgres import binaries, database, own_server

__all__ = ["fill", "measure"]

_INCIDENTS: Final = 100_000
_CHUNK: Final = 1000
_START: Final = datetime(2024, 1, 1, tzinfo=UTC)
_YEARS: Final = timedelta(days=730)
_SERVICES: Final = tuple(f"service-{n}" for n in range(40))
_ASKED: Final = {
    "all": {},
    "by service": {"group_by": "service"},
    "by source": {"group_by": "source"},
    "by week": {"group_by": "week", "zone": "Europe/Berlin"},
    "in working hours": {"calendar": "DE", "zone": "Europe/Berlin"},
}


def measure(options: Options) -> Iterable[Figure]:
    """Every form of the question on every database; the best round counts."""
    with tempfile.TemporaryDirectory(prefix="alertline-bench-") as folder:
        yield from uvloop.run(_on("sqlite", f"sqlite+aiosqlite:///{folder}/store.db", options))
    if binaries() is not None:
        with own_server() as server, database(server.url) as made:
            yield from uvloop.run(_on("postgresql", made.url, options))


async def _on(name: str, url: str, options: Options) -> list[Figure]:
    await upgrade(url)
    began = perf_counter()
    await fill(url, _INCIDENTS)
    tell(f"reports {name}: {_INCIDENTS:,} incidents written in {perf_counter() - began:.0f} s")
    engine = open_engine(url)
    if engine.dialect.name == "postgresql":
        async with writing(engine) as connection:
            await connection.execute(text("ANALYZE"))
    reader, found = ReportReader(engine), []
    asked: dict[str, Callable[[], Awaitable[Any]]] = {
        each: lambda query=query: report_of(reader, asked_of(query))  # type: ignore[misc]
        for each, query in _ASKED.items()
    }
    asked["alerts, of a quarter"] = lambda: alerts_of(reader, asked_of({"from": "2025-01-01", "to": "2025-03-31"}))
    for each, ask in asked.items():
        with little_collecting():  # as in the server
            took = [await _timed(ask) for _ in range(options.rounds)]
        wall, cpu = (min(each) * 1000 for each in zip(*took, strict=True))
        found.append(Figure(f"report {name} {each}", wall, "ms"))
        found.append(Figure(f"report {name} {each}, CPU of ours", cpu, "ms", cpu / wall))
    await engine.dispose()
    return found


async def _timed(ask: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
    began, worked = perf_counter(), process_time()
    await ask()
    return perf_counter() - began, process_time() - worked


async def fill(url: str, count: int, *, start: datetime = _START, length: timedelta = _YEARS, seed: int = 7) -> None:
    """Write so many incidents, with their alerts and episodes, as a correlator would."""
    engine = open_engine(url)
    writer, rnd = StoreWriter(engine), random.Random(seed)
    claim = await writer.claim("bench", 0, "bench")
    made = (_incident(n, start + length * (n / count), rnd) for n in range(count))
    try:
        for first in range(0, count, _CHUNK):
            part = [next(made) for _ in range(min(_CHUNK, count - first))]
            rows = [*(_ALERTS if not first else ()), *(row for _, own in part for row in own)]
            await writer.commit(
                Batch(
                    claim=claim,
                    first=claim.next_offset,
                    next_offset=claim.next_offset + 1,
                    decisions=list(_applied(rows, claim.next_offset)),
                    deliveries=(),
                    summaries=[summary for summary, _ in part],
                    clocks=[StreamClock("default", start + length)],
                    timelines=[Timeline(summary.id, ()) for summary, _ in part],
                )
            )
            claim = msgspec.structs.replace(claim, next_offset=claim.next_offset + 1)
    finally:
        await engine.dispose()


def _applied(rows: Sequence[Row], offset: int) -> Iterator[Applied]:
    for n, row in enumerate(rows):
        yield Applied("default", offset, n, Decision(DecisionKind.INCIDENT_UPDATED, row))


_ALERTS: Final = tuple(
    AlertRow(
        id=f"a{n}",
        stream="default",
        scope="default",
        source=("alertmanager", "grafana", "datadog")[n % 3],
        identity=f"a{n}",
        dedup_key=f"a{n}",
        title=f"Check{n % 25} on {_SERVICES[n % len(_SERVICES)]}",
        service=_SERVICES[n % len(_SERVICES)],
        labels={"alertname": f"Check{n % 25}"},
    )
    for n in range(200)
)


def _incident(n: int, at: datetime, rnd: random.Random) -> tuple[Summary, list[Row]]:
    """An incident of two services and three alerts; every fifth detection has only an assumed start."""
    assumed = n % 5 == 0
    detect = 0.0 if assumed else round(rnd.lognormvariate(6, 0.7), 3)
    after = {name: rnd.lognormvariate(7.5, 0.8) for name in MilestoneName}
    known = [name for name in MilestoneName if name not in (MilestoneName.IMPACT_STARTED, MilestoneName.CLOSED)]
    stamps: dict[MilestoneName, Milestone | None] = dict.fromkeys(MilestoneName)
    for name in known:
        if name is MilestoneName.RESOLVED or rnd.random() < 0.6:
            stamps[name] = Milestone(at=at + timedelta(seconds=round(after[name], 3)), basis=Basis.REPORTED)
    stamps[MilestoneName.DETECTED] = Milestone(at=at, basis=Basis.REPORTED)
    basis = Basis.ASSUMED if assumed else Basis.DERIVED
    stamps[MilestoneName.IMPACT_STARTED] = Milestone(at=at - timedelta(seconds=detect), basis=basis)
    episodes = [_episode(n, each, at, rnd) for each in range(3)]
    services = tuple(sorted({_SERVICES[(n + each) % len(_SERVICES)] for each in range(2)}))
    return _summary(n, at, stamps, services), list(episodes)


def _summary(n: int, at: datetime, stamps: dict[MilestoneName, Milestone | None], services: tuple[str, ...]) -> Summary:
    return Summary(
        id=f"inc_{n:06}",
        stream="default",
        scope="default",
        status=IncidentStatus.OPEN if n % 50 == 1 else IncidentStatus.RESOLVED,
        title=f"Check{n % 25} on {services[0]}",
        severity=tuple(Severity)[n % 4],
        classification=Classification.DRILL if n % 40 == 2 else Classification.INCIDENT,
        services=services,
        started_at=at,
        created_at=at,
        updated_at=at,
        version=3,
        milestones=stamps,
        metrics=_metrics(stamps),
        alerts=3,
        flags=(),
        reopen_count=0,
        recurrence_of=None,
        merged_into=None,
    )


def _metrics(stamps: dict[MilestoneName, Milestone | None]) -> dict[MetricName, Metric]:
    found = dict.fromkeys(MetricName, Metric(None, None, "not recorded"))
    for name, (start, end) in SPANS.items():
        first, last = stamps[start], stamps[end]
        if first is not None and last is not None:
            found[name] = Metric((last.at - first.at).total_seconds(), first.basis)
    return found


def _episode(n: int, each: int, at: datetime, rnd: random.Random) -> EpisodeRow:
    start = at + timedelta(seconds=each and round(rnd.expovariate(1 / 300), 3))
    return EpisodeRow(
        id=f"ep_{n:06}_{each}",
        stream="default",
        scope="default",
        alert=f"a{(n + 7 * each) % len(_ALERTS)}",
        incident=f"inc_{n:06}" if each < 2 or n % 3 else None,
        spans=(Span(start=start, end=start + timedelta(minutes=10), end_basis=EndBasis.REPORTED),),
        first_received=start,
        last_received=start,
    )
