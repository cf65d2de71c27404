"""The one place that turns an incident into its public JSON (contract §5): the API, `replay` and `export` all use it.

Guarantee: the same incident gives the same bytes. Keys stand in the contract's order, free maps (labels, slots) by
name, times are RFC 3339 in UTC with a Z and at most microseconds.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from schemas.incident import Incident, Metric, Milestone
from schemas.vocabulary import MetricName, MilestoneName

__all__ = ["as_public", "metrics_as_public", "milestones_as_public", "to_json_bytes"]


def as_public(incident: Incident) -> dict[str, object]:
    """The incident as plain JSON values; `definition` moves into `metrics`."""
    public: dict[str, object] = _plain(incident)
    public["milestones"] = milestones_as_public(incident.milestones)
    public["metrics"] = metrics_as_public(incident.metrics, incident.definition)
    del public["definition"]
    return public


def milestones_as_public(milestones: Mapping[MilestoneName, Milestone | None]) -> dict[str, object]:
    """All eleven milestones in their usual order; None for one that is not known."""
    return {name.value: _plain(milestones.get(name)) for name in MilestoneName}


def metrics_as_public(metrics: Mapping[MetricName, Metric], definition: str) -> dict[str, object]:
    """The metrics in the vocabulary's order, then the name of their definition; `reason` only where there is one."""
    public: dict[str, object] = {name.value: _metric_as_public(metrics[name]) for name in MetricName if name in metrics}
    return public | {"definition": definition}


def to_json_bytes(incident: Incident) -> bytes:
    """The public JSON of an incident as UTF-8 bytes on one line, without a newline at its end."""
    return orjson.dumps(as_public(incident))


def _metric_as_public(metric: Metric) -> dict[str, object]:
    public: dict[str, object] = _plain(metric)
    if metric.reason is None:
        del public["reason"]
    return public


def _plain(value: object) -> Any:
    """JSON values only: lists, never tuples. Maps are sorted by key; structs keep their own order."""
    return msgspec.json.decode(msgspec.json.encode(value, order="deterministic"))
