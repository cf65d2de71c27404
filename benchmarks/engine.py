"""What one record costs the correlator: of a storm, after few and many records, among few and many open incidents.

The core alone, on records in memory: no bytes are read, nothing is stored.
"""

import gc
import heapq
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from resource import getpagesize
from statistics import median
from time import process_time
from typing import Final

from alertline.incidents.engine import step
from alertline.incidents.memory.state import StreamState
from alertline.incidents.policy import Policy
from alertline.wiring.collecting import little_collecting
from benchmarks.replay import storm
from benchmarks.reporting import Figure, Options, tell
from ingest.intake import receive
from ingest.integrations import Integrations
from schemas.events import AlertEvent, Entry, Event
from schemas.records import Delivery, decode, encode
from schemas.vocabulary import AlertStatus, EntryKind, Outcome, Severity

__all__ = ["measure"]

_START: Final = datetime(2024, 3, 4, 12, tzinfo=UTC)
_SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
_MEASURED: Final = (0.3, 5_000)  # the share of the records up to a size that is measured, and the most
_OPEN: Final = (32, 500)
_AMONG: Final = 3_000
_BATCH: Final = 1_000
_SCOPES: Final = 20
_ALERTS: Final = 8  # of an outage


def measure(options: Options) -> Iterable[Figure]:
    """The storm in every round; the long histories once: they are long enough to be their own median."""
    yield from _history()
    yield from _storm(options.rounds)
    for kind in ("alerts", "entries"):
        costs = {number: median(_among(number, kind) for _ in range(3)) for number in _OPEN}
        for number, cost in costs.items():
            yield Figure(f"engine {kind} among {number} open", cost, "µs/record", cost / costs[_OPEN[0]])


def _storm(rounds: int) -> Iterator[Figure]:
    integrations = Integrations()
    adapted = [receive(each, *found) for each in storm() if (found := integrations.find(each.integration))]
    records = [record for each in adapted if isinstance(record := decode(encode(each)), Delivery)]
    entries = sum(len(record.events) for record in records)
    rates = []
    for number in range(rounds):
        took = _fed(StreamState("default", Policy()), records)
        rates.append(entries / took)
        tell(f"engine storm {number + 1}/{rounds}: {rates[-1]:,.0f} entries/s")
    yield Figure("engine storm", median(rates), "entries/s")


def _fed(state: StreamState, records: Iterable[Delivery], first: int = 0) -> float:
    """CPU seconds that the core takes for some records: it waits for nothing, and this machine may do other things.

    What is over for long leaves the memory after as many records as a batch has. Here it is gone then.
    """
    with little_collecting():  # as in the correlator's process
        began = process_time()
        for offset, record in enumerate(records, first):
            step(state, offset, record)
            if not offset % _BATCH:
                state.rest()
                state.deliveries.rest()
        return process_time() - began


def _history() -> Iterator[Figure]:
    """Outages come and go for months: what the last of a thousand, and of a million records costs, and memory."""
    state, records, fed, empty = StreamState("default", Policy()), _outages(), 0, _memory()
    costs, sizes = [], []
    for size in _SIZES:
        measured = min(int(size * _MEASURED[0]), _MEASURED[1])
        _fed_in_parts(state, islice(records, size - measured - fed), fed)
        costs.append(_fed(state, list(islice(records, measured)), size - measured) / measured * 1e6)
        fed = size
        gc.collect()
        sizes.append((_memory() - empty) / 1e6)
        tell(f"engine after {size:,} records: {costs[-1]:.1f} µs, {sizes[-1]:.0f} MB, {len(state.incidents)} incidents")
    for size, cost, held in zip(_SIZES, costs, sizes, strict=True):
        yield Figure(f"engine after {size:,} records", cost, "µs/record", cost / costs[0])
        yield Figure(f"engine memory after {size:,}", held, "MB", held / size / (sizes[-1] / _SIZES[-1]))


def _fed_in_parts(state: StreamState, records: Iterator[Delivery], first: int) -> None:
    while part := list(islice(records, 10_000)):
        _fed(state, part, first)
        first += len(part)


def _memory() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()


def _outages() -> Iterator[Delivery]:
    """An outage somewhere every 90 s: alerts within a minute, each told thrice and resolved after five minutes."""
    coming: list[tuple[datetime, int, Delivery]] = []
    numbers = count()
    for outage in count():
        at = _START + outage * timedelta(seconds=90)
        while coming and coming[0][0] <= at:
            yield heapq.heappop(coming)[2]
        for alert in range(_ALERTS):
            start = at + alert * timedelta(seconds=7)
            for after in (0, 60, 120, 300):
                told, end = start + timedelta(seconds=after), start + timedelta(seconds=300) if after == 300 else None
                number = next(numbers)
                event = _alert(f"svc-{outage % _SCOPES}-{alert % 4}", f"check-{alert}", start, end, outage % _SCOPES)
                heapq.heappush(coming, (told, number, _delivery(told, number, event)))


def _among(number: int, kind: str) -> float:
    """What a record costs while so many incidents of its scope are open: µs."""
    state = StreamState("default", Policy())
    at = _START
    firing = []
    for each in range(number):
        at = _START + each * timedelta(hours=3)
        firing.append((f"svc-{each}", at))
        step(state, each, _delivery(at, each, _alert(f"svc-{each}", "Down", at, None)))
    records = []
    for each in range(number, number + _AMONG):
        at += timedelta(milliseconds=500)
        service, start = firing[each % number]
        event: Event = _alert(service, "Down", start, None)
        if kind == "entries":
            event = Entry(kind=EntryKind.NOTE, text="seen", at=at, service=service)
        elif each % 2:
            event = _alert(f"svc-{each % 50}", f"check-{each}", at, None)
        records.append(_delivery(at, each, event))
    return _fed(state, records, number) / _AMONG * 1e6


def _alert(service: str, check: str, start: datetime, end: datetime | None, scope: int = 0) -> AlertEvent:
    return AlertEvent(
        status=AlertStatus.FIRING if end is None else AlertStatus.RESOLVED,
        identity=f"{service}/{check}",
        dedup_key=f"{service}/{check}",
        title=f"{check} on {service}",
        severity=Severity.WARNING,
        starts_at=start,
        ends_at=end,
        service=service,
        environment=f"env-{scope}",
        labels={"alertname": check, "service": service},
    )


def _delivery(at: datetime, number: int, event: Event) -> Delivery:
    return Delivery(
        id=f"d_{number}",
        stream="default",
        integration="bench",
        source="bench",
        received_at=at,
        outcome=Outcome.ACCEPTED,
        events=(event,),
    )
