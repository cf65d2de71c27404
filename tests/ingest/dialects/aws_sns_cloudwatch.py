"""A CloudWatch alarm through SNS."""

import json
from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def cloudwatch(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """An alarm in its envelope."""
    alarm = {
        "AlarmName": "Latency",
        "AWSAccountId": "1",
        "NewStateValue": "ALARM" if end is None else "OK",
        "StateChangeTime": (end or start).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "Trigger": {"Namespace": "AWS/X", "Period": 60, "EvaluationPeriods": 5, "Dimensions": []},
    }
    topic = "arn:aws:sns:eu-west-1:1:alarms"
    return {"Type": "Notification", "MessageId": f"m{number}", "TopicArn": topic, "Message": json.dumps(alarm)}


DIALECTS: Final[dict[str, Tell]] = {"alarm": cloudwatch}
