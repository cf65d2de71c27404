"""Opsgenie's outgoing webhook."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def opsgenie(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """Milliseconds for the creation, nanoseconds for the update."""
    alert = {
        "alertId": f"a{number}",
        "alias": "latency",
        "message": "Latency",
        "createdAt": int(start.timestamp()) * 1000,
        "updatedAt": int((end or start).timestamp()) * 1_000_000_000,
    }
    return {"action": "Create" if end is None else "Close", "alert": alert}


DIALECTS: Final[dict[str, Tell]] = {"alert": opsgenie}
