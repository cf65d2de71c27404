"""PagerDuty's incidents."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def pagerduty(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new incident for every episode of the same service and key."""
    word = "triggered" if end is None else "resolved"
    data = {
        "id": f"Q{number}",
        "type": "incident",
        "status": word,
        "incident_key": "latency",
        "created_at": start.isoformat(),
        "title": "Latency",
        "service": {"id": "P1", "summary": "api"},
    }
    told = {"event_type": f"incident.{word}", "resource_type": "incident", "occurred_at": (end or start).isoformat()}
    return {"event": told | {"data": data, "agent": None}}


DIALECTS: Final[dict[str, Tell]] = {"incident": pagerduty}
