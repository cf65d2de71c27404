"""Prometheus Alertmanager: the webhook receiver, payload versions 3 and 4."""

from ingest.adapter import About, Adapter, Request
from ingest.reading.alert_group import read_group

__all__ = ["ADAPTER"]


def _detect(request: Request) -> bool:
    document = request.sniffed
    return (
        isinstance(document, dict)
        and isinstance(document.get("alerts"), list)
        and "groupKey" in document
        and "orgId" not in document  # Grafana's
    )


ADAPTER = Adapter(
    name="alertmanager",
    version=1,
    about=About(
        title="Prometheus Alertmanager",
        paste="receivers: [{name: alertline, webhook_configs: [{url: '{url}', send_resolved: true, max_alerts: 0}]}]",
        reads="Every alert of the group by its own status: startsAt, endsAt, fingerprint, labels; annotations summary, "
        "title, description, runbook_url and pending_for: set it to the rule's `for`, and the impact's start is known.",
        cannot_know="The rule's `for` unless pending_for repeats it; alerts cut off by max_alerts.",
    ),
    detect=_detect,
    adapt=read_group,
)
