"""Netdata Cloud's alerts."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def alert(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """The date of the change of severity; another address every time."""
    return {
        "message": "ram on n-1",
        "alert": "ram",
        "chart": "system.ram",
        "space": "shop",
        "severity": "critical" if end is None else "clear",
        "date": (end or start).isoformat(),
        "alert_url": f"https://app.example/alerts/{number}",
    }


DIALECTS: Final[dict[str, Tell]] = {"alert": alert}
