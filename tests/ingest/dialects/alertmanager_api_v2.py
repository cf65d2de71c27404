"""What Prometheus posts into Alertmanager's API."""

import json
from datetime import datetime, timedelta
from typing import Final

from tests.ingest.dialects import Tell, Told

__all__ = ["DIALECTS"]

_LEASE: Final = timedelta(minutes=4)


def prometheus(number: int, start: datetime, end: datetime | None) -> Told:
    """The end of what fires is a lease."""
    told = {
        "labels": {"alertname": "Latency", "service": "api", "empty": ""},
        "annotations": {"summary": f"Latency, {number}"},
        "startsAt": start.isoformat(),
        "endsAt": (end or start + _LEASE).isoformat(),
        "generatorURL": "http://prometheus.example/graph",
    }
    return Told(body=json.dumps([told]).encode(), path="/api/v2/alerts")


DIALECTS: Final[dict[str, Tell]] = {"prometheus": prometheus}
