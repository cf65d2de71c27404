"""Dynatrace's custom integration with the details in JSON."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def problem(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new problem for every episode, milliseconds, -1 for no end."""
    details = {
        "problemId": f"p{number}",
        "status": "OPEN" if end is None else "CLOSED",
        "startTime": int(start.timestamp()) * 1000,
        "endTime": -1 if end is None else int(end.timestamp()) * 1000,
    }
    return {
        "State": "OPEN" if end is None else "RESOLVED",
        "PID": f"p{number}",
        "ProblemID": f"P-{number}",
        "ProblemTitle": "Latency",
        "ProblemSeverity": "ERROR",
        "ImpactedEntities": [{"type": "SERVICE", "name": "shop", "entity": "SERVICE-1"}],
        "ProblemDetailsJSONv2": details,
    }


DIALECTS: Final[dict[str, Tell]] = {"problem": problem}
