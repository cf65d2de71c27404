"""An incident read back from its public JSON: for clients, checks and tests. `schemas.public` writes it.

In JSON a conflict's values are texts, times among them, and `definition` stands inside `metrics`. Nothing else differs:
`as_public(from_public(document)) == document`.
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from schemas import incident

__all__ = ["INCIDENT_VERSION", "Conflict", "Incident", "from_public"]

INCIDENT_VERSION = 1


class Conflict(incident.Conflict, frozen=True):
    """Statements that cannot all be true: reported, never smoothed.

    Attributes:
        what: a milestone's name, or `order`, `severity`, `zone`.
        values: what was said, times in RFC 3339; evidence: ids of the events that said it.
    """

    values: tuple[str, ...]


class Incident(incident.Incident, frozen=True, kw_only=True):
    """The whole incident, as the API, `replay` and `export` show it.

    Attributes:
        version: number of recorded decisions that changed it; grows, never repeats.
        scope: the environment, `stream/environment` outside the default stream.
        first_received_at: when we heard of it first; evidence, never the detection.
        milestones: all eleven, in their usual order; null where not known.
        metrics: `ttx/1` durations by name, and under `definition` the name of the definition.
        changes: candidates near the start of the impact, nearest first; never called causes.
        related: other incidents that may belong to this one: suggested, not attached.
        timeline: every row in order, hidden ones included.
        first_resolved_at: the first resolve, whatever reopened it later.
        recurrence_of: the earlier incident of the same alert, if this one came after its reopen window.
        merged_into: the survivor, if this one was merged.
        aliases: ids under which this incident is found too.
        revisions: how often people set each thing of it: the milestones, title, severity, classification.
        history: what people ordered, oldest first, with what was there before.
    """

    conflicts: tuple[Conflict, ...]


def from_public(document: Mapping[str, object]) -> Incident:
    """Read an incident from its public JSON values. Unknown fields are left out.

    Raises:
        msgspec.ValidationError: it is not an incident.
    """
    metrics = document.get("metrics")
    if not isinstance(metrics, dict) or "definition" not in metrics:
        raise msgspec.ValidationError("Object missing required field `definition` - at `$.metrics`")
    durations = {name: value for name, value in cast("dict[str, Any]", metrics).items() if name != "definition"}
    return msgspec.convert({**document, "metrics": durations, "definition": metrics["definition"]}, Incident)
