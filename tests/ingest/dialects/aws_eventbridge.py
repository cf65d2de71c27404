"""CloudWatch alarms on an event bus."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def alarm(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """Every state states its own time; recovery tells the time of the alarm, too."""
    began = {"value": "ALARM", "timestamp": start.strftime("%Y-%m-%dT%H:%M:%S.000+0000")}
    over = {"value": "OK", "timestamp": (end or start).strftime("%Y-%m-%dT%H:%M:%S.000+0000")}
    before = {"value": "OK", "timestamp": "2025-03-01T00:00:00.000+0000"}
    return {
        "id": f"e{number}-{end is None}",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "1",
        "region": "eu-west-1",
        "resources": ["arn:aws:cloudwatch:eu-west-1:1:alarm:Latency"],
        "detail": {
            "alarmName": "Latency",
            "state": began if end is None else over,
            "previousState": before if end is None else began,
        },
    }


DIALECTS: Final[dict[str, Tell]] = {"alarm": alarm}
