"""What reports and the views of other tools read, as the tables hold it: metrics, milestones, rows of the timeline.

Made of the same summaries and timelines that pages show, and written in the transaction of the decisions behind them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from alertline.clock import micros
from alertline.incidents.reporting.figures import NOT_MEASURED
from alertline.store.port import Automatic, Batch, Summary, Timeline
from alertline.store.rows import Values, fit
from schemas.incident import Metric, Milestone
from schemas.vocabulary import MetricName, MilestoneName

__all__ = ["metric_rows", "milestone_rows", "timeline_values"]


def metric_rows(batch: Batch, newest: Iterable[Summary]) -> list[Values]:
    """A row of `incident_metrics` for each summary."""
    automatic = {each.incident: each for each in batch.automatic}
    told = {each.incident for each in batch.timelines}
    return [_metric_row(each, automatic.get(each.id), each.id in told) for each in newest]


def milestone_rows(batch: Batch, newest: Iterable[Summary]) -> dict[str, list[Values]]:
    """The rows of `incident_milestones` for some summaries, by incident: of milestones that are set, or would be."""
    automatic = {each.incident: each for each in batch.automatic}
    return {each.id: list(_milestones(each, automatic.get(each.id))) for each in newest}


def timeline_values(timelines: Sequence[Timeline]) -> list[Values]:
    """The rows of `timeline_rows`; ids of evidence stand space-separated, as in an export."""
    return [
        (
            told.incident,
            n,
            fit(row.id),
            micros(row.at),
            _micros(row.ended_at),
            row.kind,
            fit(row.text),
            row.basis,
            _fit(row.source),
            _fit(row.actor),
            fit(" ".join(row.evidence)),
            row.pinned,
            row.hidden,
            _fit(row.original_time),
        )
        for told in timelines
        for n, row in enumerate(told.rows)
    ]


def _metric_row(summary: Summary, automatic: Automatic | None, told: bool) -> Values:
    detected = summary.milestones.get(MilestoneName.DETECTED)
    return (
        summary.id,
        micros(summary.started_at if detected is None else detected.at),
        None if detected is None else micros(detected.at),
        micros(summary.updated_at),
        summary.version,
        fit(summary.stream),
        fit(summary.scope),
        summary.status,
        summary.severity,
        summary.classification,
        summary.merged_into,
        fit(summary.title),
        told,
        automatic is not None,
        *_metrics(summary.metrics),
        *_metrics({} if automatic is None else automatic.metrics),
    )


def _metrics(metrics: Mapping[MetricName, Metric]) -> Iterator[float | str | None]:
    found = [metrics.get(name) for name in MetricName]
    for metric in found:
        yield None if metric is None else metric.seconds
    yield "".join(
        NOT_MEASURED if metric is None or metric.seconds is None or metric.basis is None else metric.basis[0]
        for metric in found
    )


def _milestones(summary: Summary, automatic: Automatic | None) -> Iterator[Values]:
    for name in MilestoneName:
        own = summary.milestones.get(name)
        would = own if automatic is None else automatic.milestones.get(name)
        if own is not None or would is not None:
            yield (
                summary.id,
                name,
                *_stamp(own),
                *((None, None) if would is None else (micros(would.at), would.basis)),
            )


def _stamp(stamp: Milestone | None) -> Values:
    if stamp is None:
        return (None, None, None, None, None, None)
    return (
        micros(stamp.at),
        stamp.basis,
        _micros(stamp.earliest),
        _micros(stamp.latest),
        stamp.revision,
        _fit(stamp.note),
    )


def _micros(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


def _fit(text: str | None) -> str | None:
    return None if text is None else fit(text)
