"""Opsgenie's Alert API: no time anywhere."""

import json
from datetime import datetime
from typing import Final

from tests.ingest.dialects import Tell, Told

__all__ = ["DIALECTS"]


def alias(number: int, start: datetime, end: datetime | None) -> Told:
    """What is done is in the path, and so is the alias of what is closed."""
    if end is not None:
        note = json.dumps({"note": f"Episode {number} is over"}).encode()
        return Told(body=note, path="/v2/alerts/orders%2Flatency/close", query="identifierType=alias", timed=False)
    told = {"message": f"Latency, {number}", "alias": "orders/latency", "priority": "P1"}
    return Told(body=json.dumps(told).encode(), path="/v2/alerts", timed=False)


DIALECTS: Final[dict[str, Tell]] = {"alias": alias}
