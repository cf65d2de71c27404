"""Alertline's own JSON; and tools that nobody knows, as they might tell it: what is guessed must hold together."""

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


def _told(document: dict[str, Any]) -> Told:
    return Told(body=json.dumps(document).encode(), recognised=False)


def incident_in_an_event(episode: int, start: datetime, end: datetime | None) -> Told:
    """An event with ids of its own around an incident of a monitor."""
    incident = {"id": f"i-{episode}", "title": "Pump stands", "started_at": start.isoformat()}
    if end is not None:
        incident["resolved_at"] = end.isoformat()
    kind = "incident.opened" if end is None else "incident.resolved"
    about = {"id": 17, "name": "pump"}
    return _told({"id": f"evt-{episode}-{kind}", "type": kind, "data": {"incident": incident, "monitor": about}})


def check_with_a_truth_value(_episode: int, start: datetime, end: datetime | None) -> Told:
    """No key at all, a headline that changes, and one time: that of what is told."""
    word, moment = ("DOWN", start) if end is None else ("UP", end)
    text = f"[{word}] shop is {word.lower()} at {moment:%H:%M:%S}"
    return _told({"check_name": "shop", "is_up": end is not None, "text": text, "timestamp": int(moment.timestamp())})


DIALECTS: Final[dict[str, Tell]] = {
    "one": one,
    "seconds": seconds,
    "untimed": untimed,
    "unknown incident": incident_in_an_event,
    "unknown check": check_with_a_truth_value,
}
