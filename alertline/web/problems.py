"""One way to say what is wrong: RFC 9457 problem+json. Domain code never writes HTTP; here its errors get a status."""

from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time

from alertline.eventlog.port import LogUnavailable, TooLarge
from alertline.store.failures import StoreUnavailable, Unstorable

__all__ = ["Problem", "answer_bytes", "from_exception", "problem_response", "unexpected"]

log = structlog.get_logger(__name__)

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
    if isinstance(error, TooLarge):
        return Problem(413, "The delivery is too large", str(error))
    if isinstance(error, LogUnavailable):
        # transient for the sender: never 4xx, which it would not retry (contract §3)
        return Problem(
            503, "The event log cannot take records now", str(error), headers={"Retry-After": str(RETRY_AFTER_S)}
        )
    if isinstance(error, StoreUnavailable):
        log.warning("store.unavailable", reason=str(error))  # whoever asks is not told which database we have
        return Problem(
            503, "The store does not answer now", "deliveries are taken", headers={"Retry-After": str(RETRY_AFTER_S)}
        )
    if isinstance(error, Unstorable):
        return Problem(422, "Nothing has such a value", "a number or a text that no database can hold")
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Problem(413, "The body is too large", error.text or "")
    if isinstance(error, web.HTTPException) and error.status >= 400:
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return Problem(error.status, error.reason, headers=headers)
    return None


def unexpected(error: Exception, method: str, path: str) -> Problem:
    """The problem for an error that nobody expected; it is logged here. `path` must hold no token."""
    log.error("request.failed", method=method, path=path, exc_info=error)
    return Problem(500, "Alertline failed on this request", "it is in the server's log")


def answer_bytes(error: Exception) -> bytes:
    """The whole reply for an error as it goes over the wire, on a connection that stays open."""
    response = problem_response(from_exception(error) or unexpected(error, "POST", "/v1/webhooks/…"))
    body = response.body if isinstance(response.body, bytes) else b""
    lines = [f"HTTP/1.1 {response.status} {response.reason}", *(f"{n}: {v}" for n, v in response.headers.items())]
    lines += [f"Date: {rfc822_formatted_time()}", "Server: Alertline"]
    if "Content-Length" not in response.headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
