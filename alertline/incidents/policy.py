"""The numbers that the rules use, with their defaults (contract §8.6). Configuration sets them; nothing else does."""

from datetime import timedelta

import msgspec

__all__ = ["Policy"]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Windows and reaches.

    Attributes:
        quiet: log time without a firing alert after which an incident is resolved.
        point_quiet: the same for alerts of sources that never resolve.
        reopen: the same identity starting again within this of `resolved` (event time) reopens.
        page_resolve: a pager's resolve counts up to this long after the last alert's end.
        late_delivery: a firing received within this of its own resolve is a late delivery, not a withdrawal.
        retry: how long (log time) an entry that found no incident is offered again.
        reach: how far (event time) an entry may lie outside an incident and still belong to the only one near.
        declared_reach: alerts that start within this of a person's declaration may join it.
        onset_near: alerts that start within this of an incident's onsets are close in time.
        candidate_before, candidate_after: which changes around the impact's start are candidates.
        interval: assumed evaluation interval of an alert rule that does not say its own; only widens bounds.
        keyed_memory, unkeyed_memory: how long a delivery is known again, with and without an id of its sender.
        gap, gap_share: nothing recorded for longer than both of these (the latter of the incident's length) is a gap.
        flaps, flap_window: that many transitions within the window are flapping.
    """

    quiet: timedelta = timedelta(minutes=5)
    point_quiet: timedelta = timedelta(minutes=60)
    reopen: timedelta = timedelta(minutes=10)
    page_resolve: timedelta = timedelta(minutes=10)
    late_delivery: timedelta = timedelta(seconds=60)
    retry: timedelta = timedelta(minutes=60)
    reach: timedelta = timedelta(minutes=60)
    declared_reach: timedelta = timedelta(minutes=60)
    onset_near: timedelta = timedelta(minutes=5)
    candidate_before: timedelta = timedelta(minutes=60)
    candidate_after: timedelta = timedelta(minutes=5)
    interval: timedelta = timedelta(seconds=60)
    keyed_memory: timedelta = timedelta(hours=24)
    unkeyed_memory: timedelta = timedelta(seconds=60)
    gap: timedelta = timedelta(minutes=15)
    gap_share: float = 0.1
    flaps: int = 4
    flap_window: timedelta = timedelta(minutes=30)
