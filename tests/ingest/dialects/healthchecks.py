"""Templates of Healthchecks' webhook."""

import json
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from tests.ingest.dialects import Tell, Told

__all__ = ["DIALECTS"]


def with_json(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """The template that we propose."""
    check = {
        "name": "Nightly backup",
        "slug": "nightly-backup",
        "tags": "prod db",
        "status": "down" if end is None else "up",
        "n_pings": number,
        "last_ping": start.isoformat(),
        "uuid": "0c1d",
    }
    return {"now": (end or start).isoformat(), "check": check}


def flat(number: int, start: datetime, end: datetime | None) -> Told:
    """One's own few fields, in JSON."""
    word = "down" if end is None else "up"
    title, at = f"Backup is {word}", (end or start).isoformat()
    body = {"number": number, "title": title, "status": word, "time": at}
    return Told(body=json.dumps(body).encode(), recognised=False)


def by_get(number: int, start: datetime, end: datetime | None) -> Told:
    """The query alone."""
    word = "down" if end is None else "up"
    query = {"uuid": "0c1d", "name": "Nightly backup", "status": word, "now": (end or start).isoformat()}
    return Told(method="GET", query=urlencode(query), headers=(("User-Agent", "healthchecks.io"),))


def sentence(number: int, start: datetime, end: datetime | None) -> Told:
    """What people write for a chat."""
    body = {"text": f"Nightly backup is {'DOWN' if end is None else 'UP'}", "number": number}
    return Told(body=json.dumps(body).encode(), recognised=False, timed=False)


DIALECTS: Final[dict[str, Tell]] = {"$JSON": with_json, "flat": flat, "GET": by_get, "sentence": sentence}
