"""Everything about reports that a server answers."""

from collections.abc import Callable, Sequence

from alertline.web.routes import Route
from review.reports.api import report_api
from review.reports.making import ReportSource
from review.reports.pages import report_pages
from review.templating import no_notices, renderer

__all__ = ["report_routes"]


def report_routes(
    source: ReportSource, *, recorded_time: bool = False, notices: Callable[[], Sequence[str]] = no_notices
) -> list[Route]:
    """The API and the pages of reports."""
    return [*report_api(source), *report_pages(source, renderer(recorded_time, notices))]
