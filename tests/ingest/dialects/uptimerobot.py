"""UptimeRobot as JSON, as a form and as a query."""

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from tests.ingest.dialects import Tell, Told

__all__ = ["DIALECTS"]


def variables(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """All values are text."""
    return {
        "monitorID": "17",
        "monitorURL": "https://shop.example.net/",
        "monitorFriendlyName": "Shop",
        "alertType": "1" if end is None else "2",
        "alertTypeFriendlyName": "Down" if end is None else "Up",
        "alertDetails": f"number {number}",
        "alertDateTime": f"{(end or start).timestamp():.0f}",
    }


def form(number: int, start: datetime, end: datetime | None) -> Told:
    """A body of pairs."""
    return Told(
        body=urlencode(variables(number, start, end)).encode(),
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
    )


def query(number: int, start: datetime, end: datetime | None) -> Told:
    """No body at all."""
    return Told(query=urlencode(variables(number, start, end)), method="GET")


DIALECTS: Final[dict[str, Tell]] = {"json": variables, "form": form, "query": query}
