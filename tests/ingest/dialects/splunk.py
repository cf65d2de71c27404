"""Detectors of Splunk Observability; search alerts never resolve."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def detector(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new incident for every episode, and only the time of what is told."""
    return {
        "incidentId": f"i{number}",
        "detectorId": "D1",
        "detectorUrl": "https://app.signalfx.com/#/detector/D1",
        "rule": "latency",
        "severity": "Critical",
        "statusExtended": "anomalous" if end is None else "ok",
        "timestamp": (end or start).isoformat(),
        "dimensions": {"service": "shop"},
    }


DIALECTS: Final[dict[str, Tell]] = {"detector": detector}
