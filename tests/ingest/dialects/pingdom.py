"""Pingdom's uptime and transaction checks."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def uptime(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """Seconds since 1970."""
    return {
        "check_id": 17,
        "check_name": "Shop",
        "current_state": "DOWN" if end is None else "UP",
        "state_changed_timestamp": int((end or start).timestamp()),
        "description": f"number {number}",
    }


def transaction(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """UTC without saying so."""
    return {
        "check_id": 18,
        "check_name": "Buy",
        "current_state": "FAILING" if end is None else "SUCCESS",
        "state_changed_utc_time": f"{end or start:%Y-%m-%dT%H:%M:%S}",
        "description": f"number {number}",
    }


DIALECTS: Final[dict[str, Tell]] = {"uptime": uptime, "transaction": transaction}
