"""How long the server takes for an incident of 10 000 rows and for a page of a list of 100 000, asked over HTTP."""

import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Final

import msgspec
import uvloop
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alertline.clock import now
from alertline.eventlog.memory import MemoryLog
from alertline.eventlog.port import LogRecord, Position
from alertline.incidents.decisions import Decision, DecisionKind
from alertline.incidents.model import ItemRow, Order
from alertline.incidents.policy import Policy
from alertline.store.engine import open_engine
from alertline.store.migrate import upgrade
from alertline.store.port import Applied, Batch, Claim, Summary
from alertline.store.reader import StoreReader
from alertline.store.writer import StoreWriter
from alertline.wiring.commanding import LoggedOrders
from alertline.wiring.reading import StoredIncidents
from alertline.wiring.server import build_app
from benchmarks.reporting import Figure, Options, tell
from consumers.applying import States, apply_records
from ingest.intake import Posted, receive
from ingest.integrations import Integrations
from review.pages import review_routes
from schemas.records import encode
from schemas.vocabulary import Basis, IncidentStatus, RowKind, Severity

__all__ = ["measure"]

_ENTRIES: Final = 10_000
_LISTED: Final = 100_000
_START: Final = datetime(2025, 3, 4, 10, tzinfo=UTC)
_KINDS: Final = (RowKind.NOTE, RowKind.HYPOTHESIS, RowKind.FINDING, RowKind.COMMS, RowKind.INVESTIGATING)
_ASKED: Final = {
    "incident page": "/incidents/{id}",
    "incident page 30": "/incidents/{id}?page=30",
    "incident timeline.md": "/v1/incidents/{id}/timeline.md",
    "incident json": "/v1/incidents/{id}",
    "list page": "/",
    "list summary": "/v1/incidents?view=summary",
    "list open": "/v1/incidents?view=summary&status=open",
    "list service": "/v1/incidents?view=summary&service=service-17",
    "list text": "/v1/incidents?view=summary&q=nothing+like+this",
    "list text found": "/v1/incidents?view=summary&q=disk+99&severity=error",
}


def measure(options: Options) -> Iterable[Figure]:
    """Each address so many times, client and server in one process; the median counts, the first answer too."""
    with tempfile.TemporaryDirectory(prefix="alertline-bench-") as folder:
        took = uvloop.run(_asked(Path(folder) / "store.db", max(options.rounds, 3)))
    whole = sum(median(times) for times in took.values())
    for name, times in took.items():
        yield Figure(f"review {name}", median(times), "ms CPU", median(times) / whole)


async def _asked(path: Path, rounds: int) -> dict[str, list[float]]:
    async with _served(path) as (client, incident):
        took: dict[str, list[float]] = {}
        for name, address in _ASKED.items():
            waited: list[float] = []
            for _ in range(rounds):
                began, cpu = perf_counter(), process_time()
                async with client.get(address.format(id=incident)) as response:
                    length = len(await response.read())
                took.setdefault(name, []).append((process_time() - cpu) * 1000)
                waited.append((perf_counter() - began) * 1000)
                assert response.status == 200, (address, response.status)  # noqa: S101
            told = f"{median(took[name]):.0f} ms of CPU, {median(waited):.0f} ms by the clock, {length / 1000:.0f} KB"
            tell(f"review {name}: {told}")
    return took


@asynccontextmanager
async def _served(path: Path) -> AsyncIterator[tuple[TestClient[web.Request, web.Application], str]]:
    url = f"sqlite+aiosqlite:///{path}"
    await upgrade(url)
    engine = open_engine(url)
    incident = await _fill(StoreWriter(engine))
    log, store = MemoryLog(), StoreReader(engine)
    routes = review_routes(StoredIncidents(store, log), LoggedOrders(log, store, Integrations(), now))
    app = build_app(routes=routes, recorded_time=False, max_body=1_000_000)
    async with TestClient(TestServer(app)) as client:
        yield client, incident
    await engine.dispose()


async def _fill(writer: StoreWriter) -> str:
    """An incident with many rows, and many others that are only lines of the list.

    The rows are written as what they come to: only reading is measured here.
    """
    states, claim = States(Policy()), await writer.claim("bench", 0, "bench")
    batch = apply_records(states, [_fired()], claim)
    incident = batch.summaries[0]
    said = [Applied("default", 2, n, Decision(DecisionKind.ITEM_RECORDED, _said(incident, n))) for n in range(_ENTRIES)]
    await writer.commit(msgspec.structs.replace(batch, decisions=[*batch.decisions, *said]))
    claim = msgspec.structs.replace(claim, next_offset=batch.next_offset)
    for start in range(0, _LISTED, 5000):
        claim = await _list(writer, claim, [_line(incident, start + n) for n in range(5000)])
    return incident.id


def _fired() -> LogRecord:
    body = {"dedup_key": "x", "title": "api is slow", "service": "api", "severity": "error", "status": "firing"}
    generic = Integrations().find("generic")
    assert generic is not None  # noqa: S101 - every source is an integration of its own name
    posted = Posted(
        integration="generic",
        body=msgspec.json.encode({**body, "starts_at": _START.isoformat()}),
        received_at=_START,
    )
    return LogRecord(Position(0, 1), "default", _START, encode(receive(posted, *generic)))


def _said(incident: Summary, number: int) -> ItemRow:
    at = _START + timedelta(seconds=number)
    return ItemRow(
        id=f"ev_{number:016x}",
        stream="default",
        scope=incident.scope,
        incident=incident.id,
        kind=_KINDS[number % len(_KINDS)],
        at=at,
        text=f"Entry {number}: somebody looked at something, and says in a sentence or two what there was to be seen.",
        basis=Basis.MANUAL,
        order=Order(2, number),
        read_at=at,
        actor="ana",
        source="alertline",
        evidence=(f"ev_{number:016x}",),
    )


def _line(like: Summary, number: int) -> Summary:
    severities, status = list(Severity), IncidentStatus.RESOLVED if number % 100 else IncidentStatus.OPEN
    return msgspec.structs.replace(
        like,
        id=f"inc_{number:016x}",
        title=f"disk {number} is nearly full on host-{number % 977}",
        services=(f"service-{number % 200}",),
        severity=severities[number % len(severities)],
        status=status,
        started_at=_START - timedelta(minutes=number),
    )


async def _list(writer: StoreWriter, claim: Claim, lines: Sequence[Summary]) -> Claim:
    end = claim.next_offset + 1
    empty = Batch(
        claim=claim, first=claim.next_offset, next_offset=end, decisions=(), deliveries=(), summaries=lines, clocks=()
    )
    await writer.commit(empty)
    return msgspec.structs.replace(claim, next_offset=end)
