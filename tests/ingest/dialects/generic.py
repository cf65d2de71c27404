"""Alertline's own JSON."""

import json
from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell, Told

__all__ = ["DIALECTS"]


def one(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A key for each episode, and what stays the same beside it."""
    told = {"title": "Latency", "dedup_key": f"latency/{number}", "identity": "latency"}
    return told | {
        "status": "firing" if end is None else "resolved",
        "starts_at": start.isoformat(),
        "ends_at": end.isoformat() if end else None,
    }


def seconds(number: int, start: datetime, end: datetime | None) -> Told:
    """A list in other spellings, in seconds, without a key; the start only while it fires."""
    told: dict[str, Any] = {"summary": "Latency", "service": "api", "details": f"No. {number}"}
    told |= {"state": "down", "startsAt": int(start.timestamp())}
    if end is not None:
        told |= {"state": "up", "startsAt": None, "endsAt": int(end.timestamp())}
    return Told(body=json.dumps([told]).encode())


def untimed(number: int, start: datetime, end: datetime | None) -> Told:
    """As little as it takes."""
    told = {"title": "Latency", "status": "firing" if end is None else "ok", "message": f"No. {number}"}
    return Told(body=json.dumps(told).encode(), timed=False)


DIALECTS: Final[dict[str, Tell]] = {"one": one, "seconds": seconds, "untimed": untimed}
