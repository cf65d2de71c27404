"""Kibana's action bodies."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def flat(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new uuid for every episode; the time of sending."""
    return {
        "rule_id": "r-1",
        "rule_name": "Latency",
        "alert_id": "api",
        "alert_uuid": f"u-{number}",
        "action_group": "default" if end is None else "recovered",
        "date": f"{end or start:%Y-%m-%dT%H:%M:%S}.000Z",
    }


def summary(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """Alert documents with their start and end."""
    alert: dict[str, Any] = {
        "uuid": f"u-{number}",
        "instance": {"id": "api"},
        "rule": {"uuid": "r-1"},
        "start": start.isoformat(),
    }
    told: dict[str, Any] = {word: {"count": 0, "data": []} for word in ("new", "ongoing", "recovered")}
    if end is None:
        told["new"] = {"count": 1, "data": [{"kibana": {"alert": alert}}]}
    else:
        told["recovered"] = {"count": 1, "data": [{"kibana": {"alert": alert | {"end": end.isoformat()}}}]}
    return {"rule": {"id": "r-1", "name": "Latency"}, "alerts": told, "date": (end or start).isoformat()}


DIALECTS: Final[dict[str, Tell]] = {"flat": flat, "summary": summary}
