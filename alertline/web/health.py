"""Is this process alive, may it be given work, and what does it count: `/healthz`, `/readyz`, `/metrics`.

The first two answer at `/-/healthy` and `/-/ready` as well: where those ask who take us for an Alertmanager.
"""

from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import web

from alertline import telemetry
from alertline.web.access import Permission
from alertline.web.routes import Route

__all__ = ["Exposition", "Readiness", "health_routes", "no_more"]

Readiness = Callable[[], Awaitable[Mapping[str, str]]]
"""Tells what is missing, and why, by name; empty when the process may be given work."""


async def _nothing() -> Mapping[str, str]:
    return {}


Exposition = Callable[[], Awaitable[bytes]]
"""Gives more metrics in Prometheus' text format."""


async def no_more() -> bytes:
    """None."""
    return b""


def health_routes(readiness: Readiness, notes: Readiness = _nothing, more: Exposition = no_more) -> tuple[Route, ...]:
    """The routes. They are public: they name no incident, service or sender; `more` stands below the metrics.

    `notes`: what is wrong although the process may be given work, such as deliveries that wait for Kafka.
    """

    async def metrics(request: web.Request) -> web.Response:
        body = telemetry.exposition() + await more()
        return web.Response(body=body, headers={"Content-Type": telemetry.EXPOSITION_TYPE})

    async def ready(request: web.Request) -> web.Response:
        missing, noted = await readiness(), await notes()
        said = {"status": "waiting" if missing else "ready", "missing": dict(missing)}
        body = orjson.dumps(said | ({"notes": dict(noted)} if noted else {}))
        return web.Response(status=503 if missing else 200, body=body, content_type="application/json")

    return (
        *(Route("GET", path, Permission.PUBLIC, _live) for path in ("/healthz", "/-/healthy")),
        *(Route("GET", path, Permission.PUBLIC, ready) for path in ("/readyz", "/-/ready")),
        Route("GET", "/metrics", Permission.PUBLIC, metrics),
    )


async def _live(request: web.Request) -> web.Response:
    return web.Response(body=b'{"status":"alive"}', content_type="application/json")
