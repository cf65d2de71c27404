"""What senders write for Slack."""

import json
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from tests.ingest.dialects import Tell, Told

__all__ = ["DIALECTS"]


def prefixed(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A prefix that counts, and the time of the attachment."""
    word = f"[FIRING:{number}]" if end is None else "[RESOLVED]"
    moment = int((end or start).timestamp())
    return {"attachments": [{"title": f"{word} Latency", "color": "#123456", "ts": moment, "fallback": "x"}]}


def coloured(number: int, start: datetime, end: datetime | None) -> Told:
    """Nothing but a colour, as a form."""
    colour, moment = "danger" if end is None else "good", f"{(end or start).timestamp():.0f}"
    document = {"attachments": [{"pretext": "Latency", "color": colour, "ts": moment}], "channel": f"#{number}"}
    return Told(body=urlencode({"payload": json.dumps(document)}).encode())


DIALECTS: Final[dict[str, Tell]] = {"prefixed": prefixed, "coloured": coloured}
