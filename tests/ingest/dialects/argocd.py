"""Argo CD about the health of an application."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def template(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A template for health alone."""
    health = "Degraded" if end is None else "Healthy"
    return {"app": "mail", "health_status": health, "timestamp": (end or start).isoformat(), "message": str(number)}


def application(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """The application as it is, sent by the triggers about health."""
    health = {"status": "Degraded" if end is None else "Healthy", "lastTransitionTime": (end or start).isoformat()}
    done = {"phase": "Succeeded", "finishedAt": start.isoformat(), "syncResult": {"revision": f"r{number}"}}
    status = {"health": health, "sync": {"status": "Synced"}, "operationState": done}
    return {"trigger": "on-health", "app": {"metadata": {"name": "mail"}, "status": status}}


DIALECTS: Final[dict[str, Tell]] = {"template": template, "application": application}
