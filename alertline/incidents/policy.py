"""What the rules go by, with the defaults (contract §8.6). Configuration sets it; nothing else does."""

from datetime import timedelta

import msgspec

from alertline.incidents.callmap import CallMap
from schemas.configuration import Configuration, Extraction, MaintenanceWindow, PendingRule

__all__ = ["MaintenanceWindow", "Policy", "policy_of"]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Windows, reaches, thresholds and what is known of the observed system.

    Attributes:
        quiet: log time without a firing alert after which an incident is resolved.
        point_quiet: the same for alerts of sources that never resolve.
        reopen: the same identity starting again within this of `resolved` (event time) reopens.
        page_resolve: a pager's resolve counts up to this long after the last alert's end.
        late_delivery: a firing received within this of its own resolve is a late delivery, not a withdrawal.
        retry: how long (log time) an entry that found no incident is offered again.
        reach: how far (event time) an entry may lie outside an incident and still belong to the only one near.
        declared_reach: alerts that start within this of a person's declaration may join it.
        candidate_before, candidate_after: which changes around the impact's start are candidates.
        interval: assumed evaluation interval of an alert rule that does not say its own; only widens bounds.
        keyed_memory, unkeyed_memory: how long a delivery is known again, with and without an id of its sender.
        gap, gap_share: nothing recorded for longer than both of these (the latter of the incident's length) is a gap.
        flaps, flap_window: that many transitions within the window are flapping.
        flap_hold: a flapping alert is held open until it did not fire for this long.
        span: how long after its start an incident still takes in alerts by evidence alone.
        seal: how long after its resolve (beyond `reopen`) an incident still changes by itself.
        lease: how long an alert of a source that repeats itself is believed without a repeat, before repeats are known;
            lease_least, lease_most: bounds once they are: three times the longest gap between repeats.
        skew: a stated time that lies further than this after its own receipt proves that its source's clock is ahead.
        stale: how long an alert of any other source may fire unheard of before it is flagged.
        attach, merge, suggest: points from which an episode joins an incident, two incidents become one, and an
            incident is shown as related.
        calls: which service calls which.
        correlate_by: labels whose equal value ties alerts together whatever else speaks against it.
        maintenance, maintenance_grace: expected times; an alert that fires on this long after one is a normal one.
        scope_rules, service_rules: where an alert's scope and service come from, instead of what its sender stated.
        pending: pending windows of alerts that state none.
    """

    quiet: timedelta = timedelta(minutes=5)
    point_quiet: timedelta = timedelta(minutes=60)
    reopen: timedelta = timedelta(minutes=10)
    page_resolve: timedelta = timedelta(minutes=10)
    late_delivery: timedelta = timedelta(seconds=60)
    retry: timedelta = timedelta(minutes=60)
    reach: timedelta = timedelta(minutes=60)
    declared_reach: timedelta = timedelta(minutes=60)
    candidate_before: timedelta = timedelta(minutes=60)
    candidate_after: timedelta = timedelta(minutes=5)
    interval: timedelta = timedelta(seconds=60)
    keyed_memory: timedelta = timedelta(hours=24)
    unkeyed_memory: timedelta = timedelta(seconds=60)
    gap: timedelta = timedelta(minutes=15)
    gap_share: float = 0.1
    flaps: int = 4
    flap_window: timedelta = timedelta(minutes=30)
    flap_hold: timedelta = timedelta(minutes=10)
    span: timedelta = timedelta(hours=6)
    seal: timedelta = timedelta(hours=24)
    lease: timedelta = timedelta(hours=4, minutes=30)
    lease_least: timedelta = timedelta(minutes=15)
    lease_most: timedelta = timedelta(hours=24)
    skew: timedelta = timedelta(seconds=2)
    stale: timedelta = timedelta(hours=24)
    attach: int = 12
    merge: int = 16
    suggest: int = 6
    calls: CallMap = CallMap({})
    correlate_by: tuple[str, ...] = ()
    maintenance: tuple[MaintenanceWindow, ...] = ()
    maintenance_grace: timedelta = timedelta(minutes=5)
    scope_rules: tuple[Extraction, ...] = ()
    service_rules: tuple[Extraction, ...] = ()
    pending: tuple[PendingRule, ...] = ()


def policy_of(configuration: Configuration) -> Policy:
    """The policy that a configuration sets; what it does not name keeps its default."""
    windows, thresholds = configuration.windows, configuration.thresholds
    return Policy(
        **msgspec.structs.asdict(windows),
        **msgspec.structs.asdict(thresholds),
        calls=CallMap(configuration.depends_on),
        correlate_by=configuration.correlate_by,
        scope_rules=configuration.scope_rules,
        service_rules=configuration.service_rules,
        pending=configuration.pending,
        maintenance=configuration.maintenance,
    )
