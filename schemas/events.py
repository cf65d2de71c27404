"""What an adapter makes of one delivery: alert events, changes, entries, commands, tests.

All times are aware datetimes in UTC, at most microseconds, *as the sender stated them*; None where it stated none.
Who fills a missing time, and with what basis, is the correlator's business, never the adapter's.
"""

from datetime import datetime
from typing import Any

import msgspec

from schemas.vocabulary import AlertStatus, ChangeKind, CommandName, EntryKind, MilestoneName, PageAction, Severity

__all__ = ["AlertEvent", "Change", "Command", "Entry", "Event", "EventBase", "Rejected", "TestEvent"]


class EventBase(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """One item of a delivery.

    Attributes:
        item: index of the item in the sender's batch (0 where there is no batch); part of every id made from it.
    """

    item: int = 0


class AlertEvent(EventBase, frozen=True, kw_only=True, omit_defaults=True, tag="alert"):
    """One notification of one alert.

    Attributes:
        status: what this notification says.
        identity: what the same condition keeps from one episode to the next (contract §8.2).
        dedup_key: the vendor's natural key.
        title: one line for people, as the vendor wrote it.
        severity: in our four steps; `severity_raw` is the vendor's own word.
        starts_at: when the episode began, by the vendor's clock.
        ends_at: when it ended; None while it fires (a zero time is None).
        changed_at: the vendor's own state-change time, where it states one apart from start and end.
        pending_for: seconds that the condition had to hold before the alert fired; None if unknown.
        labels: the vendor's labels or tags, all strings.
        point: the source never resolves this kind of alert: it is a moment, not an interval.
        repeats: the source says it again while it fires, so its silence means something.
        lease: seconds from its receipt after which it is over unless the source says it again; None: it grants none.
        paging: the record of a pager, not of a monitor. Then `action` is what it did, at `changed_at`, by `actor`, and
            `note` says it in words; `starts_at` is the creation of the page; `aliases` are other keys it is known by.
        guessed: made by best effort from an unknown shape.
        routine: a resolve that its source sends after every success; with nothing fired before, it tells nothing.
    """

    status: AlertStatus
    identity: str
    dedup_key: str
    title: str
    severity: Severity = Severity.UNKNOWN
    severity_raw: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    changed_at: datetime | None = None
    pending_for: float | None = None
    description: str | None = None
    service: str | None = None
    host: str | None = None
    environment: str | None = None
    labels: dict[str, str] = {}
    source_url: str | None = None
    runbook: str | None = None
    value: float | None = None
    point: bool = False
    repeats: bool = False
    lease: float | None = None
    paging: bool = False
    action: PageAction | None = None
    actor: str | None = None
    note: str | None = None
    aliases: tuple[str, ...] = ()
    guessed: bool = False
    routine: bool = False


class Change(EventBase, frozen=True, kw_only=True, omit_defaults=True, tag="change"):
    """A change of the observed system: a deployment, a configuration, a flag. A candidate, never a cause.

    Attributes:
        at: when it was made (None: when we received it); ended_at: when it was complete.
        scope: the environment it belongs to.
    """

    kind: ChangeKind
    text: str
    at: datetime | None = None
    ended_at: datetime | None = None
    service: str | None = None
    scope: str | None = None
    actor: str | None = None
    labels: dict[str, str] = {}
    source_url: str | None = None


class Entry(EventBase, frozen=True, kw_only=True, omit_defaults=True, tag="entry"):
    """What a person (or a tool that speaks for one) says about an incident.

    Attributes:
        at: when it happened (None: when we received it), not when it was written.
        incident: the incident it is about; None lets contract §8.13 find it.
        original_time: the time as it was written, where that differs from UTC.
    """

    kind: EntryKind
    text: str
    at: datetime | None = None
    ended_at: datetime | None = None
    actor: str | None = None
    scope: str | None = None
    service: str | None = None
    incident: str | None = None
    original_time: str | None = None


class Command(EventBase, frozen=True, kw_only=True, omit_defaults=True, tag="command"):
    """An order of a person; the stream's single writer decides whether and to what it applies.

    Attributes:
        at: when it takes effect (None: when we received it).
        milestone, to, undo: for `override_milestone`; `to` None sets the milestone to none.
        into: for `merge`; alerts: alert ids for `attach`, `detach`, `split`; entries: ids of entries that go along.
        fields: for `update`: title, severity, classification, slots; for `declare`: title, severity; for `edit_entry`:
            pinned, hidden, note, and of what a person wrote kind, text, at, ended_at.
        entry: for `edit_entry`: id of the timeline row; of: for `undo`: id of the command that is taken back.
        revision: what the person saw (If-Match) of the thing that is changed; None means the present one.
        delivery, received_at: for `discard_delivery`: which copy of which delivery.
        indexes: of the items of that delivery those that could not be read, where the others were taken in; None: all.
    """

    command: CommandName
    at: datetime | None = None
    actor: str | None = None
    scope: str | None = None
    service: str | None = None
    incident: str | None = None
    reason: str | None = None
    milestone: MilestoneName | None = None
    to: datetime | None = None
    undo: bool = False
    into: str | None = None
    alerts: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    entry: str | None = None
    of: str | None = None
    fields: dict[str, Any] = {}
    revision: int | None = None
    delivery: str | None = None
    received_at: datetime | None = None
    indexes: tuple[int, ...] | None = None


class TestEvent(EventBase, frozen=True, kw_only=True, omit_defaults=True, tag="test"):
    """A sender's test button: answered and shown, never an alert."""

    __test__ = False  # not a test case, whatever pytest makes of the name

    title: str = ""


class Rejected(msgspec.Struct, frozen=True):
    """One item of a batch that could not be read: its index, where it is wrong (JSON pointer), and why."""

    index: int
    pointer: str
    reason: str


Event = AlertEvent | Change | Entry | Command | TestEvent
