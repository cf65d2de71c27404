"""Alertmanager's webhook."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]

_NO_TIME: Final = "0001-01-01T00:00:00Z"


def group(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """One alert in its group, in nanoseconds."""
    alert = {
        "status": "firing" if end is None else "resolved",
        "labels": {"alertname": "Latency", "service": "api", "severity": "critical"},
        "annotations": {"summary": f"Latency, {number}"},
        "startsAt": start.strftime("%Y-%m-%dT%H:%M:%S.000000000Z"),
        "endsAt": end.strftime("%Y-%m-%dT%H:%M:%S.000000000Z") if end else _NO_TIME,
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": "0badcafe0badcafe",
    }
    return {"version": "4", "groupKey": "{}:{}", "status": alert["status"], "truncatedAlerts": 0, "alerts": [alert]}


def old_group(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """Version 3: no fingerprint, a number for the group, an offset, and a lease on what fires."""
    told = group(number, start, end)
    (alert,) = told["alerts"]
    del alert["fingerprint"]
    alert["startsAt"] = start.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    if end is None:
        alert["endsAt"] = "2099-01-01T00:00:00Z"
    return told | {"version": "3", "groupKey": 17303690121023246}


DIALECTS: Final[dict[str, Tell]] = {"version 4": group, "version 3": old_group}
