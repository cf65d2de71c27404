"""Azure Monitor: the common schema and the classic one."""

from datetime import datetime
from typing import Any, Final

from tests.ingest.dialects import Tell

__all__ = ["DIALECTS"]


def common(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """A new alert id for every episode, both times on recovery, seven digits."""
    times = {"firedDateTime": start.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")}
    if end is not None:
        times["resolvedDateTime"] = end.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    essentials = {
        "alertId": f"/subscriptions/1/providers/Microsoft.AlertsManagement/alerts/{number}",
        "alertRule": "latency",
        "severity": "Sev1",
        "monitorCondition": "Fired" if end is None else "Resolved",
        "alertTargetIDs": ["/subscriptions/1/providers/Microsoft.Web/sites/" + ("SHOP" if end else "shop")],
        "configurationItems": ["shop"],
    }
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": essentials | times, "alertContext": {}}}


def classic(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """One id for ever, and only the time of what is told."""
    context = {
        "timestamp": (end or start).isoformat(),
        "id": "/subscriptions/1/providers/microsoft.insights/alertrules/latency",
        "name": "latency",
        "conditionType": "Metric",
        "resourceId": "/subscriptions/1/providers/microsoft.web/sites/shop",
        "resourceName": f"shop-{number}",
    }
    return {"status": "Activated" if end is None else "Resolved", "context": context}


DIALECTS: Final[dict[str, Tell]] = {"common": common, "classic": classic}
