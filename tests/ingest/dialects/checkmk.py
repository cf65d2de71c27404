"""Checkmk's environment."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def environment(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """Microseconds; a problem id that is 0 on recovery."""
    return {
        "NOTIFY_WHAT": "SERVICE",
        "NOTIFY_NOTIFICATIONTYPE": "PROBLEM" if end is None else "RECOVERY",
        "NOTIFY_HOSTNAME": "db-1",
        "NOTIFY_SERVICEDESC": "Disk",
        "NOTIFY_SERVICESTATE": "WARNING" if end is None else "OK",
        "NOTIFY_SERVICEPROBLEMID": str(number) if end is None else "0",
        "NOTIFY_MICROTIME": f"{int((end or start).timestamp()) * 1_000_000}",
    }


DIALECTS: Final[dict[str, Tell]] = {"environment": environment}
