"""Better Stack's outgoing webhook."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def incident(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new incident of the same monitor for every episode."""
    attributes = {
        "name": "Shop",
        "url": "https://shop.example/",
        "cause": "Status 500",
        "started_at": start.isoformat(),
        "resolved_at": end.isoformat() if end else None,
        "status": "Started" if end is None else "Resolved",
    }
    monitor = {"data": {"id": "4", "type": "monitor"}}
    return {
        "data": {"id": f"{number}", "type": "incident", "attributes": attributes, "relationships": {"monitor": monitor}}
    }


def without_status(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """The older body: the event is named beside it."""
    told = incident(number, start, end)
    del told["data"]["attributes"]["status"]
    return told | {"event": "started" if end is None else "resolved"}


DIALECTS: Final[dict[str, Tell]] = {"incident": incident, "event": without_status}
