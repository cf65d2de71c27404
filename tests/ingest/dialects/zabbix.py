"""Zabbix's webhook parameters."""

from datetime import datetime, timedelta
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def _wall_clock(name: str, moment: datetime | None) -> dict[str, str]:
    """A date and a time of day, or the macros as they stay before there is a recovery."""
    if moment is None:
        return {f"{name}_date": "{EVENT.RECOVERY.DATE}", f"{name}_time": "{EVENT.RECOVERY.TIME}"}
    return {f"{name}_date": f"{moment:%Y.%m.%d}", f"{name}_time": f"{moment:%H:%M:%S}"}


def parameters(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new event id for every problem; times by the server's wall clock, two hours east."""
    east = timedelta(hours=2)
    return {
        "event_id": str(1000 + number),
        "trigger_id": "17",
        "event_name": "Latency",
        "host_name": "api-1",
        "event_value": "1" if end is None else "0",
        "event_nseverity": "4",
        **_wall_clock("event", start + east),
        **_wall_clock("event_recovery", end + east if end else None),
        "timezone": "+02:00",
    }


def capitals(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """The macros' own names, and seconds since 1970."""
    return {
        "EVENT.ID": str(number),
        "TRIGGER.ID": "17",
        "EVENT.NAME": "Latency",
        "HOST.NAME": "api-1",
        "EVENT.STATUS": "PROBLEM" if end is None else "RESOLVED",
        "EVENT.TIMESTAMP": f"{start.timestamp():.0f}",
        "EVENT.RECOVERY.TIMESTAMP": f"{end.timestamp():.0f}" if end else "{EVENT.RECOVERY.TIMESTAMP}",
    }


DIALECTS: Final[dict[str, Tell]] = {"parameters": parameters, "capitals": capitals}
