"""Is this process alive, may it be given work, and what does it count: `/healthz`, `/readyz`, `/metrics`."""

from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import web

from alertline import telemetry
from alertline.web.access import Permission
from alertline.web.routes import Route

__all__ = ["Readiness", "health_routes"]

Readiness = Callable[[], Awaitable[Mapping[str, str]]]
"""Tells what is missing, and why, by name; empty when the process may be given work."""


async def _nothing() -> Mapping[str, str]:
    return {}


def health_routes(readiness: Readiness, notes: Readiness = _nothing) -> tuple[Route, ...]:
    """The three routes. They are public: they tell nothing about incidents or senders.

    `notes`: what is wrong although the process may be given work, such as deliveries that wait for Kafka.
    """

    async def ready(request: web.Request) -> web.Response:
        missing, noted = await readiness(), await notes()
        said = {"status": "waiting" if missing else "ready", "missing": dict(missing)}
        body = orjson.dumps(said | ({"notes": dict(noted)} if noted else {}))
        return web.Response(status=503 if missing else 200, body=body, content_type="application/json")

    return (
        Route("GET", "/healthz", Permission.PUBLIC, _live),
        Route("GET", "/readyz", Permission.PUBLIC, ready),
        Route("GET", "/metrics", Permission.PUBLIC, _metrics),
    )


async def _live(request: web.Request) -> web.Response:
    return web.Response(body=b'{"status":"alive"}', content_type="application/json")


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=telemetry.exposition(), headers={"Content-Type": telemetry.EXPOSITION_TYPE})
