"""Grafana's webhook: unified alerting, and legacy rules."""

import json
from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell, Told
from tests.ingest.dialects.alertmanager import group

__all__ = ["DIALECTS"]


def unified(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """Alertmanager's group and more."""
    told = group(number, start, end)
    told["alerts"][0] |= {"ruleUID": "r1", "values": {"B": 0.5}, "silenceURL": "https://grafana.example/silence"}
    return told | {"version": "1", "orgId": 1, "state": "alerting" if end is None else "ok", "title": "Latency"}


def legacy(number: int, start: datetime, end: datetime | None) -> Told:
    """A rule of Grafana 8, which tells no time."""
    word = "alerting" if end is None else "ok"
    told = {"state": word, "ruleId": 7, "ruleName": "Latency", "title": f"[{word}] Latency", "evalMatches": []}
    return Told(body=json.dumps(told | {"message": f"No. {number}"}).encode(), timed=False)


DIALECTS: Final[dict[str, Tell]] = {"unified": unified, "legacy": legacy}
