"""Making a report: what is read, and what it comes to. All who show a figure come here."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

import msgspec

from alertline.incidents.reporting.aggregate import counting, grouped, report
from alertline.incidents.reporting.alerts import (
    EpisodeLine,
    Firing,
    Heard,
    Noise,
    Rule,
    RuleLine,
    first_and_late,
    noise,
    places,
)
from alertline.incidents.reporting.figures import Measured, Question, Report
from alertline.store.port import Summary
from alertline.store.reports import Figures
from review.reports.asking import Asked, Fired, Of
from schemas.vocabulary import Excluded

__all__ = ["AlertReport", "Behind", "ReportSource", "alerts_of", "behind", "episodes_of", "report_of", "told_by_alerts"]


class ReportSource(Protocol):
    """Reads what reports are made of."""

    async def figures(self, asked: Question) -> Figures:
        """The incidents that a report is about."""
        ...

    async def summaries(self, asked: Question, wanted: Collection[str]) -> Sequence[Summary]:
        """Some of these incidents, with all that a list line holds."""
        ...

    async def firings(self, asked: Question) -> Sequence[Firing]:
        """When each alert rule first fired in each of these incidents."""
        ...

    async def heard(self, asked: Question) -> Sequence[Heard]:
        """How many episodes of each alert rule began in the time that is asked for."""
        ...

    async def episodes(self, asked: Question, rule: Rule) -> Sequence[EpisodeLine]:
        """The episodes of one alert rule among these."""
        ...


class Behind(msgspec.Struct, frozen=True):
    """One incident behind a figure: its list line, and why it does not count (None: it does)."""

    summary: Summary
    excluded: Excluded | None


class AlertReport(msgspec.Struct, frozen=True):
    """What alerts did: in incidents that count, and outside of them."""

    rules: Sequence[RuleLine]
    noise: Sequence[Noise]


async def report_of(source: ReportSource, asked: Asked) -> Report:
    """The report; computed in a thread, so that deliveries are taken meanwhile."""
    figures = await source.figures(asked.question)
    return await asyncio.to_thread(
        report, figures.measured, asked.question, as_of=figures.as_of, calendar=asked.calendar
    )


async def behind(source: ReportSource, asked: Asked, of: Of) -> list[Behind]:
    """The incidents behind a report, or behind one of its figures, by time of detection."""
    measured = (await source.figures(asked.question)).measured
    firings = () if of.rule is None else await source.firings(asked.question)
    wanted = {measured.incidents[n]: n for n in _chosen(measured, asked, of, firings)}
    lines = await source.summaries(asked.question, wanted)
    return [Behind(line, measured.excluded[wanted[line.id]]) for line in lines]


async def alerts_of(source: ReportSource, asked: Asked) -> AlertReport:
    """Which alert fired first, which came too late, and which led to nothing."""
    figures = await source.figures(asked.question)
    return await told_by_alerts(source, asked, figures.measured)


async def told_by_alerts(source: ReportSource, asked: Asked, measured: Measured) -> AlertReport:
    """The same of incidents that were read already."""
    firings, heard = await source.firings(asked.question), await source.heard(asked.question)
    rules = await asyncio.to_thread(first_and_late, measured, firings, asked.question.assumed)
    return AlertReport(rules, noise(heard))


async def episodes_of(source: ReportSource, asked: Asked, of: Of) -> list[EpisodeLine]:
    """The episodes behind a figure of noise: all of a rule, or those in incidents that count."""
    found = [] if of.rule is None else await source.episodes(asked.question, of.rule)
    return [each for each in found if not of.counted or (each.incident is not None and each.excluded is None)]


def _chosen(measured: Measured, asked: Asked, of: Of, firings: Iterable[Firing]) -> Iterable[int]:
    """The numbers of the incidents behind a figure."""
    found = _of_key(measured, asked.question, of.key)
    if of.excluded is not None:
        found = [n for n in found if measured.excluded[n] is of.excluded]
    if of.counted or of.metric is not None:
        found = [n for n in found if measured.excluded[n] is None]
    if of.metric is not None:
        counts = counting(measured, of.metric, asked.question.assumed)
        found = [n for n in found if counts[n]]
    if of.rule is not None:
        fired = {
            n for n, rule, after in places(measured, firings) if rule == of.rule and of.fired in (None, _place(after))
        }
        found = [n for n in found if n in fired]
    return found


def _of_key(measured: Measured, asked: Question, key: str | None) -> Sequence[int]:
    if key is None or (asked.group_by is None and not key):
        return range(len(measured.incidents))
    return () if asked.group_by is None else grouped(measured, asked.group_by, asked.zone).get(key or None, ())


def _place(after: float) -> Fired:
    return Fired.LATER if after else Fired.FIRST
