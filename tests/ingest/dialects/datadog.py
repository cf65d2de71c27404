"""Datadog's templates."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS", "datadog"]


def datadog(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new cycle key for every episode, milliseconds as text."""
    word = "Triggered" if end is None else "Recovered"
    return {
        "alert_id": "17",
        "alert_title": f"[{word}] Latency",
        "alert_transition": word,
        "alert_cycle_key": f"cycle-{number}",
        "alert_scope": "service:api",
        "tags": "service:api",
        "date": f"{(end or start).timestamp() * 1000:.0f}",
    }


def datadog_without_cycles(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A template with neither cycle nor aggregation key, and seconds."""
    told = datadog(number, start, end)
    return {name: told[name] for name in told if name not in ("alert_cycle_key", "date")} | {
        "date_posix": f"{(end or start).timestamp():.0f}"
    }


DIALECTS: Final[dict[str, Tell]] = {"triggered": datadog, "without cycles": datadog_without_cycles}
