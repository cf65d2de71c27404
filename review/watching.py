"""What the newest records of a log say of each sender: when it delivered last, how often, what was wrong, its clock."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median
from typing import Final

import msgspec

from schemas.events import AlertEvent, Change, Event
from schemas.records import Delivery, Record
from schemas.vocabulary import AlertStatus, Outcome

__all__ = ["Seen", "seen_in"]

_LONG_ENOUGH: Final = timedelta(minutes=5)
_AHEAD: Final = timedelta(seconds=2)  # less says nothing: clocks of different roundings


class Seen(msgspec.Struct, kw_only=True):
    """What was seen of one integration among the records that were looked at.

    Attributes:
        first_at, last_at: receive times of its oldest and newest delivery there.
        deliveries: how many; quarantined, partial: how many of them could not be read, or in part only.
        tests: how many were nothing but tests.
        lag_s: the usual time from what its events state to their receipt; None where they state none.
        ahead_s: how far its clock is ahead of ours at least; None where nothing says that it is.
        last_error: why the newest of those could not be read; last_error_id: its delivery.
    """

    integration: str
    source: str
    stream: str
    first_at: datetime
    last_at: datetime
    deliveries: int = 0
    quarantined: int = 0
    partial: int = 0
    tests: int = 0
    lag_s: float | None = None
    ahead_s: float | None = None
    last_error: str | None = None
    last_error_id: str | None = None

    @property
    def per_hour(self) -> float | None:
        """How many deliveries an hour, over the time between the first and the last; None where that is too short."""
        span = self.last_at - self.first_at
        return (self.deliveries - 1) / (span / timedelta(hours=1)) if span >= _LONG_ENOUGH else None


def seen_in(records: Iterable[Record]) -> dict[str, Seen]:
    """What was seen of every integration, by name, of records in the order of the log."""
    found: dict[str, Seen] = {}
    lags: dict[str, list[float]] = {}
    for each in records:
        if not isinstance(each, Delivery):
            continue
        at = each.received_at
        seen = found.setdefault(
            each.integration,
            Seen(integration=each.integration, source=each.source, stream=each.stream, first_at=at, last_at=at),
        )
        _count(seen, each)
        stated = [moment for moment in map(_stated, each.events) if moment is not None]
        if stated:
            # the newest of a batch: the others may have been told before
            lags.setdefault(each.integration, []).append((at - max(stated)).total_seconds())
    for name, several in lags.items():
        found[name].lag_s = round(median(several), 1)
        least = min(several)
        found[name].ahead_s = round(-least, 1) if least < -_AHEAD.total_seconds() else None
    return found


def _count(seen: Seen, delivery: Delivery) -> None:
    seen.deliveries += 1
    seen.first_at, seen.last_at = min(seen.first_at, delivery.received_at), max(seen.last_at, delivery.received_at)
    seen.quarantined += delivery.outcome is Outcome.QUARANTINED
    seen.partial += delivery.outcome is Outcome.PARTIAL
    seen.tests += bool(delivery.events) and all(event.__struct_config__.tag == "test" for event in delivery.events)
    if delivery.outcome in (Outcome.QUARANTINED, Outcome.PARTIAL):
        seen.last_error, seen.last_error_id = delivery.reason, delivery.id


def _stated(event: Event) -> datetime | None:
    """When the sender says that what it tells of came to be so."""
    if isinstance(event, AlertEvent):
        return event.changed_at or (event.ends_at if event.status is AlertStatus.RESOLVED else event.starts_at)
    return event.at if isinstance(event, Change) else None
