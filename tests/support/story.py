"""Outages told on a time axis: `story.at("10:00:30").fires("HighLatency", start="10:00")`.

Times of day are on one made-up day, in UTC. What is told becomes delivery records, as the receivers would write them.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from alertline.incidents.policy import Policy
from consumers.replay import Replay, Replayed
from schemas.configuration import Configuration
from schemas.events import AlertEvent, Change, Command, Entry, Event
from schemas.incident import Incident
from schemas.records import Delivery, Record, Tick, configured
from schemas.vocabulary import (
    AlertStatus,
    ChangeKind,
    CommandName,
    EntryKind,
    MilestoneName,
    Outcome,
    RowKind,
    Severity,
)

__all__ = ["DAY", "Story", "Teller", "alert", "time", "times_of"]

DAY = datetime(2025, 3, 4, tzinfo=UTC)


def time(of_day: str) -> datetime:
    """`10:00`, `10:00:30` or `+1 00:10` (the next day) on the story's day."""
    days, _, clock = of_day.rpartition(" ")
    hours, minutes, *seconds = (float(part) for part in clock.split(":"))
    span = timedelta(days=int(days or 0), hours=hours, minutes=minutes, seconds=seconds[0] if seconds else 0)
    return DAY + span


def times_of(incident: Incident, kind: RowKind) -> list[str]:
    """The times of day of an incident's rows of one kind."""
    return [f"{row.at:%H:%M:%S}".removesuffix(":00") for row in incident.timeline if row.kind is kind]


class Story:
    """Deliveries in the order in which they are read."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.records: list[Record] = []

    def at(self, received: str) -> "Teller":
        """What is received at a time of day."""
        return Teller(self, time(received))

    def tick(self, at: str) -> None:
        """Log time runs on to a time of day."""
        self.records.append(Tick(stream="default", at=time(at)))

    def configure(self, at: str, configuration: Configuration) -> None:
        """From a time of day on another configuration holds."""
        self.records.append(configured("default", time(at), configuration))

    def told(self) -> Replayed:
        """What the story comes to, log time having run on by the quiet period."""
        replay = Replay(self.policy)
        for record in self.records:
            replay.feed(record)
        replay.run_on()
        return replay.result()

    def incident(self) -> Incident:
        """The one incident of the story."""
        (incident,) = self.told().incidents
        return incident

    def milestone(self, name: str) -> str | None:
        """Time of day and basis of a milestone of the one incident: `10:00 reported`."""
        milestone = self.incident().milestones[MilestoneName(name)]
        return None if milestone is None else f"{milestone.at:%H:%M:%S}".removesuffix(":00") + f" {milestone.basis}"


class Teller:
    """One moment of receipt."""

    def __init__(self, story: Story, received_at: datetime) -> None:
        self._story, self._received_at = story, received_at

    def fires(self, name: str = "HighLatency", *, start: str | None = None, **more: Any) -> Story:
        """A firing notification."""
        return self.posts([alert(name, AlertStatus.FIRING, start, None, **more)])

    def resolves(self, name: str = "HighLatency", *, start: str | None = None, end: str | None, **more: Any) -> Story:
        """A resolved notification."""
        return self.posts([alert(name, AlertStatus.RESOLVED, start, end, **more)])

    def says(self, kind: EntryKind, at: str | None = None, text: str = "…", **more: Any) -> Story:
        """An entry of a person."""
        more = {"actor": "ana"} | more
        return self.posts([Entry(kind=kind, text=text, at=time(at) if at else None, **more)], source="alertline")

    def orders(self, command: CommandName, at: str | None = None, **more: Any) -> Story:
        """A command of a person."""
        return self.posts(
            [Command(command=command, at=time(at) if at else None, actor="ana", **more)], source="alertline"
        )

    def changes(self, kind: ChangeKind, at: str, text: str = "a change", **more: Any) -> Story:
        """A change of the observed system."""
        return self.posts([Change(kind=kind, text=text, at=time(at), **more)], source="alertline")

    def posts(self, events: Iterable[Event], source: str = "alertmanager", key: str | None = None) -> Story:
        """One delivery with these events; `key` is the sender's own id of it."""
        events = tuple(msgspec.structs.replace(event, item=n) for n, event in enumerate(events))
        body = key or msgspec.json.encode(events).decode()
        self._story.records.append(
            Delivery(
                id=f"d_{key or hash_of(body)}",
                keyed=key is not None,
                stream="default",
                integration=source,
                source=source,
                received_at=self._received_at,
                outcome=Outcome.ACCEPTED,
                body=body,
                events=events,
            )
        )
        return self._story


def hash_of(text: str) -> str:
    """A short stable name of a text."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:20]


def alert(name: str, status: AlertStatus, start: str | None, end: str | None, **more: Any) -> AlertEvent:
    """One alert event; the service is `api` and the severity critical unless said otherwise."""
    more = {"service": "api", "severity": Severity.CRITICAL, "title": f"{name} on api"} | more
    return AlertEvent(
        status=status,
        identity=name,
        dedup_key=name,
        starts_at=time(start) if start else None,
        ends_at=time(end) if end else None,
        **more,
    )
