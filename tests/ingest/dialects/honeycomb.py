"""Honeycomb with the template that tells times; the default payload has none."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def template(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new instance of the same trigger for every episode, times as Go prints them."""
    return {
        "id": "T1",
        "name": "Latency",
        "status": "TRIGGERED" if end is None else "OK",
        "instance_id": f"i{number}",
        "timestamp": (end or start).strftime("%Y-%m-%d %H:%M:%S +0000 UTC"),
        "result_url": "https://ui.honeycomb.io/acme/result/1",
    }


DIALECTS: Final[dict[str, Tell]] = {"template": template}
