"""Sentry's metric alerts; issues are moments."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def metric_alert(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new incident of the same rule for every episode."""
    alert = {
        "id": str(number),
        "date_started": start.isoformat(),
        "date_closed": None if end is None else end.isoformat(),
        "projects": ["shop"],
        "alert_rule": {"id": "7", "name": "Latency"},
    }
    action = "critical" if end is None else "resolved"
    return {"action": action, "data": {"metric_alert": alert}, "installation": {"uuid": "u"}}


DIALECTS: Final[dict[str, Tell]] = {"metric alert": metric_alert}
