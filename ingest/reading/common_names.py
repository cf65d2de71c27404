"""The parts of an alert under the names that tools commonly use, in one object; what it means is known otherwise.

Where nothing else is known of a body, `ingest/reading/unknown_shape.py` looks further, and by meaning.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from ingest.reading.fields import Fields, pointer_of
from ingest.reading.templates import spelled_alike

__all__ = ["named_parts", "unwrap"]

_WRAPPERS: Final = ("event", "alert", "incident", "problem", "data", "payload", "notification")
# our name ← how others call it, in lower case without separators, best first
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "title": (
        "title",
        "summary",
        "summarymessage",
        "alertname",
        "rulename",
        "message",
        "name",
        "displayname",
        "subject",
    ),
    "key": ("dedupkey", "alertid", "incidentid", "problemid", "eventid", "id", "guid", "key"),
    "status": ("status", "state", "alertstatus"),
    "severity": ("severity", "priority", "level", "urgency"),
    "starts_at": ("startsat", "startedat", "starttime", "start"),
    "ends_at": ("endsat", "endedat", "endtime", "resolvedat", "closedat"),
    "time": ("eventtime", "timestamp", "time", "occurredat", "date"),
    "service": ("service", "servicename", "application", "app", "component"),
    "host": ("host", "hostname", "node", "instance", "server", "machine"),
    "environment": ("environment", "env", "stage"),
    "description": ("description", "details", "text", "body"),
    "url": ("url", "link", "deeplink", "alerturl", "sourceurl"),
    "event_type": ("eventtype", "type", "action"),
}
_ENDED: Final = re.compile(r"(?:^|[^a-z])(?:closed?|resolved?|recover\w*|clear\w*|ok|end(?:ed)?)(?:[^a-z]|$)")
# `date` and java.util.Date: Tue Mar 03 04:05:06 UTC 2026
_DATE_OUTPUT: Final = re.compile(r"\w{3} (\w{3} +\d+ \d\d:\d\d:\d\d) (?:UTC|GMT|Z) (\d{4})", re.ASCII)


def named_parts(document: object) -> Fields | None:
    """The parts of an alert that can be found, under our own names; None where not even a title can be."""
    if not isinstance(document, dict):
        return None
    inner, pointer = unwrap(document)
    given = {spelled_alike(str(name)): value for name, value in reversed(inner.items())}
    found = {ours: value for ours, names in _NAMES.items() if (value := _first(given, names)) is not None}
    if not isinstance(found.get("title"), str):
        return None
    if "status" not in found and _ENDED.search(str(found.get("event_type", "")).lower()):
        found["status"] = "resolved"
    moment = _plain_time(found.pop("time", None))
    if moment is not None:
        # one time only: that of what is told
        found.setdefault("ends_at" if found.get("status") == "resolved" else "starts_at", moment)
    return Fields(found, pointer)


def unwrap(document: dict[str, object]) -> tuple[dict[str, object], str]:
    """What is told, without the `alert`, `event` or the like around it, and where it stands."""
    for name in _WRAPPERS:
        inner = document.get(name)
        if isinstance(inner, dict):
            return inner, pointer_of(name)
    return document, ""


def _first(given: Mapping[str, object], names: tuple[str, ...]) -> object:
    """The first value there is; an object stands for its name."""
    for name in names:
        value = given.get(name)
        if value is None:
            continue
        if isinstance(value, dict):
            value = value.get("name")
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            return value
    return None


def _plain_time(value: object) -> object:
    match = _DATE_OUTPUT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    try:
        moment = datetime.strptime(" ".join(match.groups()), "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment.isoformat()
