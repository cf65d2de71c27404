"""StatusCake, in the form that some contact groups send with a time."""

from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from tests.ingest.dialects import Tell, Told

__all__ = ["DIALECTS"]


def form(number: int, start: datetime, end: datetime | None) -> Told:
    """Pairs, with the time that its own forms leave out."""
    fields = {
        "Token": "0",
        "Status": "Down" if end is None else "Up",
        "StatusCode": f"50{number}",
        "Name": "Shop",
        "URL": "https://shop.example.net/",
        "Timestamp": (end or start).isoformat(),
    }
    return Told(body=urlencode(fields).encode(), headers=(("Content-Type", "application/x-www-form-urlencoded"),))


DIALECTS: Final[dict[str, Tell]] = {"form": form}
