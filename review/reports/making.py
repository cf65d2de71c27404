"""Making a report: what is read, and what it comes to. All who show a figure come here."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from alertline.incidents.reporting.aggregate import counted_value, keys_of, report
from alertline.incidents.reporting.alerts import Firing, Heard, Noise, RuleLine, first_and_late, noise
from alertline.incidents.reporting.figures import Measured, Question, Report
from alertline.store.port import Summary
from alertline.store.reports import Figures
from review.reports.asking import Asked, Of

__all__ = ["AlertReport", "Behind", "ReportSource", "alerts_of", "behind", "report_of", "told_by_alerts"]


class ReportSource(Protocol):
    """Reads what reports are made of."""

    async def figures(self, asked: Question, *, stamps: bool = False) -> Figures:
        """The incidents that a report is about; with their milestones, if wanted."""
        ...

    async def summaries(self, asked: Question) -> Sequence[Summary]:
        """The same incidents, with all that a list line holds."""
        ...

    async def firings(self, asked: Question) -> Sequence[Firing]:
        """When each alert rule first fired in each of these incidents."""
        ...

    async def heard(self, asked: Question) -> Sequence[Heard]:
        """How many episodes of each alert rule began in the time that is asked for, by incident."""
        ...


class Behind(msgspec.Struct, frozen=True):
    """One incident behind a figure: as the report takes it, and its list line."""

    measured: Measured
    summary: Summary


class AlertReport(msgspec.Struct, frozen=True):
    """What alerts did: in incidents that count, and outside of them."""

    rules: Sequence[RuleLine]
    noise: Sequence[Noise]


async def report_of(source: ReportSource, asked: Asked) -> Report:
    """The report; computed in a thread, so that deliveries are taken meanwhile."""
    figures = await source.figures(asked.question, stamps=asked.calendar is not None)
    return await asyncio.to_thread(
        report, figures.measured, asked.question, as_of=figures.as_of, calendar=asked.calendar
    )


async def behind(source: ReportSource, asked: Asked, of: Of) -> list[Behind]:
    """The incidents behind a report, or behind one of its figures, by time of detection."""
    figures = await source.figures(asked.question)
    wanted = {each.incident: each for each in figures.measured if _is_of(each, asked, of)}
    lines = await source.summaries(asked.question)
    return [Behind(wanted[line.id], line) for line in lines if line.id in wanted]


async def alerts_of(source: ReportSource, asked: Asked) -> AlertReport:
    """Which alert fired first, which came too late, and which led to nothing."""
    figures = await source.figures(asked.question)
    return await told_by_alerts(source, asked, figures.measured)


async def told_by_alerts(source: ReportSource, asked: Asked, measured: Sequence[Measured]) -> AlertReport:
    """The same of incidents that were read already."""
    counted = {each.incident for each in measured if each.excluded is None}
    firings, heard = await source.firings(asked.question), await source.heard(asked.question)
    rules = await asyncio.to_thread(first_and_late, measured, firings, asked.question.assumed)
    return AlertReport(rules, noise(heard, counted.__contains__))


def _is_of(each: Measured, asked: Asked, of: Of) -> bool:
    if of.excluded is not None and each.excluded is not of.excluded:
        return False
    if (of.counted or of.metric is not None) and each.excluded is not None:
        return False
    if of.metric is not None and counted_value(each, of.metric, asked.question.assumed) is None:
        return False
    return of.key is None or (of.key or None) in keys_of(asked.question)(each)
