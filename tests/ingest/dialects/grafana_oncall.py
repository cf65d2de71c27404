"""Grafana OnCall's alert groups, and the form in which it takes alerts."""

import json
from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell, Told

__all__ = ["DIALECTS"]


def group(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new group for every episode of the same alert."""
    told = {
        "id": f"I{number}",
        "title": "Latency",
        "state": "new" if end is None else "resolved",
        "created_at": start.isoformat(),
        "resolved_at": end.isoformat() if end else None,
    }
    event = {"type": "alert group created" if end is None else "resolve", "time": (end or start).isoformat()}
    payload = {"labels": {"alertname": "Latency"}}
    integration = {"id": "C1", "type": "alertmanager"}
    return {"event": event, "user": None, "alert_group": told, "alert_payload": payload, "integration": integration}


def formatted(number: int, start: datetime, end: datetime | None) -> Told:
    """No time anywhere."""
    told = {"alert_uid": "latency", "title": "Latency", "state": "alerting" if end is None else "ok", "message": number}
    return Told(body=json.dumps(told).encode(), timed=False, recognised=False)


DIALECTS: Final[dict[str, Tell]] = {"alert group": group, "formatted": formatted}
