"""One way to say what is wrong: RFC 9457 problem+json. Domain code never writes HTTP; here its errors get a status."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from alertline.eventlog.port import LogUnavailable

__all__ = ["Problem", "from_exception", "problem_response"]

RETRY_AFTER_S = 2


class Problem(Exception):
    """A refusal with its status, a title that never varies, and a detail for this occurrence."""

    def __init__(
        self, status: int, title: str, detail: str = "", *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail or title)
        self.status, self.title, self.detail, self.headers, self.more = status, title, detail, headers, more


def problem_response(problem: Problem) -> web.Response:
    """Render a problem."""
    body = {"type": "about:blank", "title": problem.title, "status": problem.status}
    if problem.detail:
        body["detail"] = problem.detail
    return web.Response(
        status=problem.status,
        body=orjson.dumps(body | problem.more),
        content_type="application/problem+json",
        headers=problem.headers,
    )


def from_exception(error: Exception) -> Problem | None:
    """The problem that an expected error means over HTTP; None for one that nobody expected."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, LogUnavailable):
        # transient for the sender: never 4xx, which it would not retry (contract §3)
        return Problem(
            503, "The event log cannot take records now", str(error), headers={"Retry-After": str(RETRY_AFTER_S)}
        )
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Problem(413, "The body is too large", error.text or "")
    if isinstance(error, web.HTTPException) and error.status >= 400:
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return Problem(error.status, error.reason, headers=headers)
    return None
