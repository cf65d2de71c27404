"""What this process counts about itself, for Prometheus.

Every metric is declared here, once, with the meaning of its labels. Label values come from closed sets: a sender can
never make a new time series.

What is counted on every delivery is a plain addition (`Tally`, `Durations`), made a metric when somebody asks for it:
the library's own counters take a lock each time. Both belong to the thread of the event loop.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, PlatformCollector, ProcessCollector
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

__all__ = [
    "APPEND_SECONDS",
    "BODY_BYTES",
    "DEAD_LETTERS",
    "DELIVERIES",
    "EXPOSITION_TYPE",
    "RECORDS_GONE",
    "REFUSALS",
    "REGISTRY",
    "SPOOL_WAITING",
    "Durations",
    "Tally",
    "exposition",
]


class _Tallies(Collector):
    """Moves what was tallied to its counters; registered before them, so that they are read after it."""

    def __init__(self) -> None:
        self.all: list[Tally] = []

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        for tally in self.all:
            tally.move()
        return iter(())


class Tally:
    """Adds up for one counter: `count` is what was counted since somebody last looked."""

    __slots__ = ("_counter", "count")

    def __init__(self, counter: Counter) -> None:
        self.count, self._counter = 0, counter
        _TALLIES.all.append(self)

    def move(self) -> None:
        """Let the counter have it."""
        count, self.count = self.count, 0
        self._counter.inc(count)


class Durations(Collector):
    """A histogram of seconds."""

    def __init__(self, name: str, documentation: str, bounds: Sequence[float], registry: CollectorRegistry) -> None:
        self._name, self._documentation, self._bounds = name, documentation, tuple(bounds)
        self._counts, self._sum = [0] * (len(self._bounds) + 1), 0.0
        registry.register(self)

    def observe(self, seconds: float) -> None:
        """Count one."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def collect(self) -> Iterator[Metric]:
        """The histogram as Prometheus has it: every bucket counts all that are not larger."""
        bounds = [*map(str, self._bounds), "+Inf"]
        buckets = list(zip(bounds, accumulate(self._counts), strict=True))
        yield HistogramMetricFamily(self._name, self._documentation, buckets=buckets, sum_value=self._sum)


REGISTRY: Final = CollectorRegistry()
_TALLIES: Final = _Tallies()
REGISTRY.register(_TALLIES)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

# deliveries that are durable on the log; source: a source type's name, outcome: schemas.vocabulary.Outcome or `tick`
DELIVERIES: Final = Counter(
    "alertline_deliveries", "Deliveries taken and durable on the event log.", ("source", "outcome"), registry=REGISTRY
)
# bytes of raw bodies, after decompression; source: a source type's name
BODY_BYTES: Final = Counter("alertline_body_bytes", "Bytes of bodies received.", ("source",), registry=REGISTRY)
# requests that were not taken; reason: one of the words in ingest/receivers.py
REFUSALS: Final = Counter(
    "alertline_refusals", "Requests to receivers that were refused.", ("reason",), registry=REGISTRY
)
# from handing a record to the log until it is durable; the promise is an answer within 1 s
APPEND_SECONDS: Final = Durations(
    "alertline_append_seconds",
    "Seconds until a record was durable on the event log.",
    bounds=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
    registry=REGISTRY,
)

# deliveries that are durable here and wait for the log behind
SPOOL_WAITING: Final = Gauge(
    "alertline_spool_waiting", "Deliveries that wait in the spool of this process.", registry=REGISTRY
)
# records that the core or the store could not take in, and what could not be read
DEAD_LETTERS: Final = Counter("alertline_dead_letters", "Records that came to nothing.", registry=REGISTRY)
RECORDS_GONE: Final = Counter(
    "alertline_records_gone", "Records that the log dropped before they were read.", registry=REGISTRY
)

EXPOSITION_TYPE: Final = CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """Every metric in Prometheus' text format."""
    return generate_latest(REGISTRY)
