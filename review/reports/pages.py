"""`/reports`, and what is behind its figures: `/reports/incidents`, `/reports/episodes`. All need no script."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from alertline.incidents.reporting.aggregate import report
from alertline.incidents.telling.wording import METRIC_TITLES
from alertline.web.access import Permission
from alertline.web.routes import Route
from review.answers import page_answer
from review.reports.asking import Asked, Of, asked_of, chosen_of, chosen_rule_of
from review.reports.charts import LEAST, STRIP_HEIGHT, STRIP_WIDTH, TREND_HEIGHT, TREND_WIDTH
from review.reports.making import Behind, ReportSource, behind, episodes_of, told_by_alerts
from review.reports.view import page_view
from review.templating import Render
from schemas.incident import Metric
from schemas.vocabulary import Assumed, GroupBy

__all__ = ["report_pages"]

_Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
_MOST: Final = 1000  # incidents on one page; the address for programs gives all


def report_pages(source: ReportSource, render: Render) -> list[Route]:
    """The pages."""
    handlers: dict[str, _Handle] = {
        "/reports": _reports(source, render),
        "/reports/incidents": _incidents(source, render),
        "/reports/episodes": _episodes(source, render),
    }
    return [Route("GET", path, Permission.READ, handler) for path, handler in handlers.items()]


def _reports(source: ReportSource, render: Render) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        asked = asked_of(request.query)
        by_service = Asked(msgspec.structs.replace(asked.question, group_by=GroupBy.SERVICE), asked.calendar)
        figures = await source.figures(by_service.question)
        alerts = await told_by_alerts(source, asked, figures.measured)

        def made() -> str:
            whole = report(figures.measured, by_service.question, as_of=figures.as_of, calendar=asked.calendar)
            view = page_view(figures.measured, asked, whole, alerts, request.query)
            return render("reports.html", view=view, query=request.query, asked=_asked(request), **_CONSTANTS)

        return page_answer(await asyncio.to_thread(made))

    return handle


_CONSTANTS: Final = {
    "strip_width": STRIP_WIDTH,
    "strip_height": STRIP_HEIGHT,
    "trend_width": TREND_WIDTH,
    "trend_height": TREND_HEIGHT,
    "least": LEAST,
    "assumptions": tuple(Assumed),
}


def _incidents(source: ReportSource, render: Render) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        asked, of = asked_of(request.query), chosen_of(request.query)
        found = await behind(source, asked, of)
        if of.metric is not None:
            found = sorted(found, key=lambda each: (_seconds(each, of) or 0.0, each.summary.id))
        rows = [(each, _metric(each, of)) for each in found[:_MOST]]
        title = "every metric" if of.metric is None else METRIC_TITLES[of.metric]
        return page_answer(
            render(
                "reports_incidents.html", rows=rows, of=of, title=title, more=len(found) - len(rows),
                question=asked.question, asked=_asked(request),
            )
        )  # fmt: skip

    return handle


def _seconds(each: Behind, of: Of) -> float | None:
    metric = _metric(each, of)
    return None if metric is None else metric.seconds


def _episodes(source: ReportSource, render: Render) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        asked, of = asked_of(request.query), chosen_rule_of(request.query)
        found = await episodes_of(source, asked, of)
        shown, more = found[:_MOST], max(0, len(found) - _MOST)
        return page_answer(render("reports_episodes.html", found=shown, more=more, of=of, asked=_asked(request)))

    return handle


def _metric(each: Behind, of: Of) -> Metric | None:
    return None if of.metric is None else each.summary.metrics.get(of.metric)


def _asked(request: web.Request) -> str:
    """The query string as it was, for the addresses that answer the same question."""
    return urlencode({name: value for name, value in request.query.items() if value})
