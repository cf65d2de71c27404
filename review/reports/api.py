"""`GET /v1/reports/metrics`, `…/incidents`, `…/alerts` and `…/episodes`: JSON or CSV."""

from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec
from aiohttp import web

from alertline.web.access import Permission
from alertline.web.routes import Route
from review.answers import download, json_answer
from review.queries import word_of
from review.reports.asking import Asked, asked_of, chosen_of, chosen_rule_of
from review.reports.forms import (
    alerts_csv,
    episodes_csv,
    incidents_csv,
    public_alerts,
    public_episodes,
    public_incidents,
    public_report,
    report_csv,
)
from review.reports.making import ReportSource, alerts_of, behind, episodes_of, report_of

__all__ = ["Form", "report_api"]

_Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Form(StrEnum):
    """How a report is written."""

    JSON = "json"
    CSV = "csv"


def report_api(source: ReportSource) -> list[Route]:
    """The routes for programs."""
    handlers: dict[str, _Handle] = {
        "/v1/reports/metrics": _metrics(source),
        "/v1/reports/incidents": _incidents(source),
        "/v1/reports/alerts": _alerts(source),
        "/v1/reports/episodes": _episodes(source),
    }
    return [Route("GET", path, Permission.READ, handler) for path, handler in handlers.items()]


def _metrics(source: ReportSource) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        form, asked = _form(request), asked_of(request.query)
        made = await report_of(source, asked)
        return _csv("report", report_csv(made)) if form is Form.CSV else json_answer(public_report(made))

    return handle


def _incidents(source: ReportSource) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        form, asked, of = _form(request), asked_of(request.query), chosen_of(request.query)
        found = await behind(source, asked, of)
        if form is Form.CSV:
            return _csv("incidents", incidents_csv(found))
        return json_answer({**_about(asked), "incidents": public_incidents(found)})

    return handle


def _alerts(source: ReportSource) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        form, asked = _form(request), asked_of(request.query)
        found = await alerts_of(source, asked)
        return _csv("alerts", alerts_csv(found)) if form is Form.CSV else json_answer(public_alerts(found))

    return handle


def _episodes(source: ReportSource) -> _Handle:
    async def handle(request: web.Request) -> web.Response:
        form, asked, of = _form(request), asked_of(request.query), chosen_rule_of(request.query)
        found = await episodes_of(source, asked, of)
        if form is Form.CSV:
            return _csv("episodes", episodes_csv(found))
        return json_answer({**_about(asked), "episodes": public_episodes(found)})

    return handle


def _about(asked: Asked) -> dict[str, object]:
    question = msgspec.to_builtins(asked.question)
    return {"from": question["since"], "to": question["until"], "zone": asked.question.zone}


def _form(request: web.Request) -> Form:
    return word_of(request.query, "format", Form) or Form.JSON


def _csv(name: str, text: str) -> web.Response:
    return download(text, "text/csv; charset=utf-8; header=present", f"{name}.csv")
