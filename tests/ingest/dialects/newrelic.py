"""New Relic's default template for workflows."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def issue(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new issue for every episode, milliseconds; the last update is the end."""
    return {
        "id": f"issue-{number}",
        "issueUrl": "https://one.newrelic.com/issue",
        "title": f"Latency, {number} times",
        "state": "ACTIVATED" if end is None else "CLOSED",
        "priority": "CRITICAL",
        "impactedEntities": ["shop"],
        "createdAt": int(start.timestamp()) * 1000,
        "updatedAt": int((end or start).timestamp()) * 1000,
        "alertPolicyNames": ["Shop"],
        "alertConditionNames": ["Latency"],
    }


DIALECTS: Final[dict[str, Tell]] = {"issue": issue}
