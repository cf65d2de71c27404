"""The figures of reports for Prometheus: gauges of windows that end at log time, made by the one aggregation.

Gauges, not counters or histograms: an override, a merge or a late record changes what was said of an incident before,
and a counter can only grow. Labels come from closed sets; nothing tells of services or alerts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Final

import msgspec
import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from alertline.clock import micros, monotonic
from alertline.incidents.reporting.aggregate import report
from alertline.incidents.reporting.figures import Question, Report
from alertline.store.engine import StoreUnavailable
from alertline.store.reports import Figures
from review.reports.making import ReportSource
from schemas.vocabulary import Excluded

__all__ = ["WINDOWS", "report_exposition"]

log = structlog.get_logger(__name__)

WINDOWS: Final = {"7d": timedelta(days=7), "28d": timedelta(days=28), "all": None}
_STATISTICS: Final = ("median", "mean", "p90", "min", "max")
_SHARE: Final = 20  # the time between two computations is at least so many times what one takes


def report_exposition(source: ReportSource) -> Callable[[], Awaitable[bytes]]:
    """A function that gives the figures in Prometheus' text format; nothing while the store does not answer."""
    known, due = b"", 0.0
    making = asyncio.Lock()

    async def exposition() -> bytes:
        nonlocal known, due
        async with making:
            began = monotonic()
            if began < due:
                return known
            try:
                figures = await source.figures(Question())
            except StoreUnavailable as error:
                log.warning("reports.unavailable", reason=str(error))
                return b""
            known = await asyncio.to_thread(_text, figures)
            due = monotonic() + _SHARE * (monotonic() - began)
            return known

    return exposition


def _text(figures: Figures) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Reports({window: _of(figures, length) for window, length in WINDOWS.items()}))
    return generate_latest(registry)


def _of(figures: Figures, length: timedelta | None) -> Report:
    if length is None or figures.as_of is None:
        return report(figures.measured, Question(), as_of=figures.as_of)
    since = figures.as_of - length
    own = figures.measured.since(micros(since))
    return report(own, msgspec.structs.replace(Question(), since=since), as_of=figures.as_of)


class _Reports(Collector):
    def __init__(self, reports: dict[str, Report]) -> None:
        self._reports = reports

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        yield self._durations()
        yield self._measured()
        counted = GaugeMetricFamily(
            "alertline_report_incidents", "Incidents detected in the window that count.", labels=("window",)
        )
        apart = GaugeMetricFamily(
            "alertline_report_excluded", "Incidents of the window that do not count.", labels=("reason", "window")
        )
        for window, made in self._reports.items():
            counted.add_metric((window,), made.total.incidents)
            for reason in Excluded:
                apart.add_metric((reason, window), made.total.excluded.get(reason, 0))
        yield from (counted, apart)

    def _durations(self) -> Metric:
        """What was not measured has no sample: never 0."""
        family = GaugeMetricFamily(
            "alertline_report_duration_seconds",
            "Durations of the incidents detected in the window that ends at log time; assumed detections left out.",
            labels=("metric", "statistic", "window", "definition"),
        )
        for window, made in self._reports.items():
            for name, metric in made.total.metrics.items():
                for statistic in _STATISTICS:
                    value = getattr(metric, statistic)
                    if value is not None:
                        family.add_metric((name, statistic, window, made.definition), value)
        return family

    def _measured(self) -> Metric:
        family = GaugeMetricFamily(
            "alertline_report_measured",
            "Incidents in which the duration was measured, of alertline_report_incidents.",
            labels=("metric", "window"),
        )
        for window, made in self._reports.items():
            for name, metric in made.total.metrics.items():
                family.add_metric((name, window), metric.n)
        return family
