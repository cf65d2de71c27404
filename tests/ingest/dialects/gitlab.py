"""GitLab's alerts and incidents."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def endpoint(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """What tools post to GitLab's own alert endpoint."""
    told = {"title": "Latency", "start_time": start.isoformat(), "gitlab_environment_name": "prod", "hosts": ["web-1"]}
    return told | ({"end_time": end.isoformat()} if end else {}) | {"fingerprint": "f-1", "description": str(number)}


def incident(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """An issue of type incident: opened, closed; opened again it keeps its number and tells when."""
    moment = "%Y-%m-%d %H:%M:%S UTC"
    attributes = {
        "iid": 7,
        "type": "Incident",
        "title": f"Latency, time {min(number, 1)}",
        "action": "open" if end is None else "close",
        "created_at": start.strftime(moment),
        "closed_at": end.strftime(moment) if end else None,
    }
    return {"object_kind": "issue", "project": {"path_with_namespace": "acme/mail"}, "object_attributes": attributes}


DIALECTS: Final[dict[str, Tell]] = {"endpoint": endpoint, "incident": incident}
