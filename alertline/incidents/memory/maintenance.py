"""Alerts that are expected: those that began in a maintenance window. Pure.

They are kept, without an incident. One that still fires some time after the window is an alert like any other, with
its own start.
"""

from datetime import datetime

from alertline.incidents.model import AlertRow, EpisodeRow
from alertline.incidents.policy import Policy
from alertline.incidents.rules import matches

__all__ = ["expected_over", "expected_until"]


def expected_until(policy: Policy, alert: AlertRow, start: datetime) -> datetime | None:
    """When an alert that began then must be over to be none: grace included; None if nobody expected it.

    A window that begins before another is over prolongs it.
    """
    until: datetime | None = None
    while True:
        at = start if until is None else until
        further = [
            window.end
            for window in policy.maintenance
            if window.start <= at < window.end and matches(window.match, alert)
        ]
        if not further:
            return None if until is None else until + policy.maintenance_grace
        until = max(further)


def expected_over(policy: Policy, alert: AlertRow, row: EpisodeRow) -> datetime | None:
    """Log time at which a firing episode without an incident is to have one; None for any other episode."""
    if row.incident is not None or row.absorbed_by is not None or row.ended_at is not None:
        return None
    return expected_until(policy, alert, row.started_at) or row.first_received
