"""Tools that nobody knows, as they might tell it: what is guessed must hold together from episode to episode."""

import json
from datetime import datetime
from typing import Any

from tests.ingest.dialects import Tell, Told


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


DIALECTS: dict[str, Tell] = {"incident": incident_in_an_event, "check": check_with_a_truth_value}
