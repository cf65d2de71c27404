"""PagerDuty's Events API."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]

_ROUTE: Final = "r0ute"


def event(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A payload on both, with an offset; one key for all episodes."""
    payload = {
        "summary": f"Latency, {number}",
        "source": "web-1",
        "severity": "critical",
        "timestamp": (end or start).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
    }
    action = "trigger" if end is None else "resolve"
    return {"routing_key": _ROUTE, "event_action": action, "dedup_key": "latency", "payload": payload}


DIALECTS: Final[dict[str, Tell]] = {"event": event}
