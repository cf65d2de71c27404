"""What the correlator decides: past-tense facts, each with the row that it leaves behind.

Decisions are appended for good; the current rows are their fold: the newest row of each id. That one rule is all of
`evolve`, so the memory, the store's tables and a replay cannot drift apart.
(The design pages call a decision a "change"; here a change is only ever a change of the observed system.)
"""

from enum import StrEnum

import msgspec

from alertline.incidents.model import Row

__all__ = ["Decision", "DecisionKind"]


class DecisionKind(StrEnum):
    """What happened."""

    ALERT_SEEN = "alert_seen"
    ALERT_DESCRIBED = "alert_described"
    EPISODE_STARTED = "episode_started"
    EPISODE_REFRESHED = "episode_refreshed"
    EPISODE_MOVED = "episode_moved"
    EPISODE_ENDED = "episode_ended"
    EPISODE_END_WITHDRAWN = "episode_end_withdrawn"
    EPISODE_EXPIRED = "episode_expired"
    EPISODE_STALE = "episode_stale"
    EPISODE_ATTACHED = "episode_attached"
    INCIDENT_OPENED = "incident_opened"
    INCIDENT_RESOLVED = "incident_resolved"
    INCIDENT_REOPENED = "incident_reopened"
    INCIDENT_RESOLVE_WITHDRAWN = "incident_resolve_withdrawn"
    INCIDENT_CLOSED = "incident_closed"
    INCIDENT_MERGED = "incident_merged"
    INCIDENT_REVIVED = "incident_revived"
    INCIDENT_UPDATED = "incident_updated"
    ITEM_RECORDED = "item_recorded"
    ITEM_ATTACHED = "item_attached"
    ITEM_CORRECTED = "item_corrected"
    CHANGE_RECORDED = "change_recorded"
    ARRIVAL_NOTED = "arrival_noted"
    CONFIGURED = "configured"
    DELIVERY_REPLAYED = "delivery_replayed"
    DELIVERY_DISCARDED = "delivery_discarded"


class Decision(msgspec.Struct, frozen=True, gc=False):
    """One decision: what happened, and the row as it is from now on."""

    kind: DecisionKind
    row: Row
