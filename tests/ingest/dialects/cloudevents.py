"""CloudEvents about an alert."""

import json
from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell, Told

__all__ = ["DIALECTS"]


def structured(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """Everything in the body; the subject is what is told of."""
    happened = "fired" if end is None else "resolved"
    return {
        "specversion": "1.0",
        "type": f"org.acme.alert.{happened}",
        "source": "/monitor",
        "subject": "latency",
        "id": f"{number}-{happened}",
        "time": (end or start).isoformat(),
        "data": {"title": "Latency", "service": "api"},
    }


def binary(number: int, start: datetime, end: datetime | None) -> Told:
    """Attributes in headers."""
    told = structured(number, start, end)
    headers = tuple((f"ce-{name}", value) for name, value in told.items() if name != "data")
    return Told(body=json.dumps(told["data"]).encode(), headers=headers)


def batch(number: int, start: datetime, end: datetime | None) -> Told:
    """A batch of one, whose data states both times."""
    told = structured(number, start, end)
    told["data"]["startsAt"] = start.isoformat()
    return Told(body=json.dumps([told]).encode(), headers=(("Content-Type", "application/cloudevents-batch+json"),))


DIALECTS: Final[dict[str, Tell]] = {"structured": structured, "binary": binary, "batch": batch}
