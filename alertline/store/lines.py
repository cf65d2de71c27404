"""One line of the list of incidents, as the API gives it and as it is told to other programs."""

import msgspec

from alertline.incidents.derived.durations import DEFINITION
from alertline.store.port import Summary
from schemas.public import metrics_as_public, milestones_as_public

__all__ = ["public_summary"]


def public_summary(summary: Summary) -> dict[str, object]:
    """One line of the list, with the incident's own field names; `alert_count` is the number of alerts."""
    public: dict[str, object] = msgspec.to_builtins(summary, order="deterministic")
    public["milestones"] = milestones_as_public(summary.milestones)
    public["metrics"] = metrics_as_public(summary.metrics, DEFINITION)
    public["alert_count"] = public.pop("alerts")
    return public
