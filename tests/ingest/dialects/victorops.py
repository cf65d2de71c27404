"""VictorOps' REST endpoint."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def entity(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """Seconds as a text, as Alertmanager writes them."""
    word = "CRITICAL" if end is None else "RECOVERY"
    return {
        "message_type": word,
        "entity_id": "latency",
        "entity_display_name": f"[{word}:{number}] Latency",
        "timestamp": f"{(end or start).timestamp():.0f}",
    }


def state(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """The start of the state apart from the time of telling."""
    began = int((end or start).timestamp())
    told = {name: text for name, text in entity(number, start, end).items() if name != "timestamp"}
    return told | {"state_start_time": began, "timestamp": began + 2}


DIALECTS: Final[dict[str, Tell]] = {"timestamp": entity, "state_start_time": state}
