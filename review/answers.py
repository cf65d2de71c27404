"""Replies: JSON, text and pages with the headers that each of them needs."""

import hashlib
from collections.abc import Mapping
from typing import Final

import orjson
from aiohttp import web

__all__ = ["PAGE_HEADERS", "cached", "download", "etag_of", "json_answer", "page_answer"]

# nothing is run or loaded from elsewhere, and nothing inline, whatever an alert's text manages to put into a page
PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # not `no-referrer`: with that a browser sends our own forms from origin `null`, which is refused
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_DATA_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}


def json_answer(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON values, or bytes that are JSON already."""
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    told = {**_DATA_HEADERS, **(headers or {})}
    return web.Response(status=status, body=data, content_type="application/json", headers=told)


def download(body: str | bytes, content_type: str, filename: str | None = None) -> web.Response:
    """Text or bytes of a given type; with a name, as a file to save."""
    headers = dict(_DATA_HEADERS)
    if filename is not None:
        headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    headers["Content-Type"] = content_type
    return web.Response(body=body.encode() if isinstance(body, str) else body, headers=headers)


def page_answer(html: str, *, status: int = 200) -> web.Response:
    """A page."""
    return web.Response(status=status, text=html, content_type="text/html", headers=PAGE_HEADERS)


def etag_of(version: int, body: bytes) -> str:
    """A validator for one state of an incident, without quotes.

    The version alone is not enough: a late candidate change or a newer Alertline can change what one version shows.
    """
    return f"{version}-{hashlib.sha256(body).hexdigest()[:12]}"


def cached(request: web.Request, response: web.Response, etag: str) -> web.Response:
    """The response with its validator; 304 without a body if the reader has this state already."""
    known = request.if_none_match or ()
    if any(candidate.value in {etag, "*"} for candidate in known):
        headers = {
            name: response.headers[name] for name in ("Cache-Control", "Content-Location") if name in response.headers
        }
        response = web.Response(status=304, headers=headers)
    response.etag = etag
    return response
