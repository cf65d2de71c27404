"""Uptime Kuma's webhook, in the ways to send it."""

import json
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from tests.ingest.dialects import Tell, Told

__all__ = ["DIALECTS"]


def preset(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """UTC without saying so, beside the server's own clock."""
    at = end or start
    beat = {
        "status": 0 if end is None else 1,
        "time": at.strftime("%Y-%m-%d %H:%M:%S.000"),
        "timezoneOffset": "+05:30",
        "localDateTime": (at + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%d %H:%M:%S"),
        "important": True,
        "msg": f"No. {number}",
    }
    monitor = {"id": 7, "name": "Shop", "url": "https://shop.example/", "tags": []}
    return {"heartbeat": beat, "monitor": monitor, "msg": f"[Shop] [🔴 Down] No. {number}"}


def local(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """The server's clock alone, and on recovery since when it was down."""
    told = preset(number, start, end)
    del told["heartbeat"]["time"]
    if end is not None:
        told["heartbeat"]["lastDownTime"] = start.strftime("%Y-%m-%d %H:%M:%S.000")
    return told


def parts(number: int, start: datetime, end: datetime | None) -> Told:
    """A form of parts with all of it in one."""
    lines = [
        "--x7",
        'Content-Disposition: form-data; name="data"',
        "",
        json.dumps(preset(number, start, end)),
        "--x7--",
    ]
    kind = ("Content-Type", "multipart/form-data; boundary=x7")
    return Told(body="\r\n".join([*lines, ""]).encode(), headers=(kind,))


def by_get(number: int, start: datetime, end: datetime | None) -> Told:
    """JSON texts in the query."""
    told = preset(number, start, end)
    query = {name: each if isinstance(each, str) else json.dumps(each) for name, each in told.items()}
    return Told(method="GET", query=urlencode(query))


def custom(number: int, start: datetime, end: datetime | None) -> Told:
    """The custom body that the form proposes."""
    word = "🔴 Down" if end is None else "✅ Up"
    body = {"Title": "Uptime Kuma Alert - Shop", "Body": f"[Shop] [{word}] No. {number}"}
    return Told(body=json.dumps(body).encode(), timed=False)


DIALECTS: Final[dict[str, Tell]] = {
    "preset": preset,
    "local time": local,
    "form of parts": parts,
    "GET": by_get,
    "custom body": custom,
}
