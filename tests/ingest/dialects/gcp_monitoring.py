"""Google Cloud Monitoring."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def incident(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new id for every incident, seconds, null for no end."""
    told = {
        "incident_id": f"0.{number}",
        "policy_name": "Shop",
        "condition_name": "latency",
        "state": "open" if end is None else "closed",
        "started_at": int(start.timestamp()),
        "ended_at": None if end is None else int(end.timestamp()),
        "resource_display_name": "web-1",
    }
    return {"version": "1.2", "incident": told}


DIALECTS: Final[dict[str, Tell]] = {"incident": incident}
