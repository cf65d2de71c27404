"""Hypothesis strategies for logs: alerts, entries, commands and changes in any order, of a few services and scopes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from schemas.events import AlertEvent, Change, Command, Entry, Event
from schemas.records import Delivery
from schemas.vocabulary import (
    AlertStatus,
    ChangeKind,
    CommandName,
    EntryKind,
    MilestoneName,
    Outcome,
    PageAction,
    Severity,
)
from tests.support.story import DAY, hash_of

__all__ = ["deliveries", "events", "logs"]

_PAGE = "svc/page"

_minutes = st.integers(0, 180).map(lambda n: DAY + timedelta(hours=10, minutes=n))
_said = _minutes | st.sampled_from([datetime(8999, 12, 31, 23, 59, tzinfo=UTC), datetime(1900, 1, 1, tzinfo=UTC)])
_scopes = st.sampled_from([None, "staging"])
_services = st.sampled_from([None, "api", "billing"])


@st.composite
def _alerts(draw: st.DrawFn) -> AlertEvent:
    name = draw(st.sampled_from(["HighLatency", "Errors", "DiskFull", _PAGE]))  # a pager may speak as a monitor does
    start = draw(st.none() | _minutes)
    resolved = draw(st.booleans())
    end = None
    if resolved:
        end = draw(
            st.none() | st.integers(0, 60).map(lambda n: (start or DAY + timedelta(hours=11)) + timedelta(minutes=n))
        )
    scope = draw(_scopes)
    return AlertEvent(
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        identity=name,
        dedup_key="P1" if name == _PAGE else name,
        title=name,
        severity=draw(st.sampled_from(list(Severity))),
        starts_at=start,
        ends_at=end,
        pending_for=draw(st.sampled_from([None, None, 120.0])),
        service=draw(_services),
        environment=scope,
        point=draw(st.integers(0, 9)) == 0,
        repeats=draw(st.booleans()),
        lease=draw(st.sampled_from([None, None, 240.0, 7200.0])),
        routine=resolved and draw(st.integers(0, 5)) == 0,
    )


@st.composite
def _pages(draw: st.DrawFn) -> AlertEvent:
    action = draw(st.sampled_from(list(PageAction)))
    statuses = {PageAction.RESOLVED: AlertStatus.RESOLVED, PageAction.ACKNOWLEDGED: AlertStatus.ACKNOWLEDGED}
    at = draw(st.none() | _minutes)
    return AlertEvent(
        status=statuses.get(action, AlertStatus.FIRING),
        identity=_PAGE,
        dedup_key=draw(st.sampled_from(["P1", "P2"])),
        title="a page",
        starts_at=draw(st.none() | _minutes),
        ends_at=at if action is PageAction.RESOLVED else None,
        changed_at=at,
        paging=True,
        action=action,
        aliases=draw(st.sampled_from([(), ("DiskFull",)])),
    )


@st.composite
def _entries(draw: st.DrawFn) -> Entry:
    return Entry(
        kind=draw(st.sampled_from(list(EntryKind))),
        text=draw(st.text(max_size=8)),
        at=draw(st.none() | _minutes),
        scope=draw(_scopes),
        service=draw(_services),
        actor="ana",
    )


@st.composite
def _commands(draw: st.DrawFn) -> Command:
    command = draw(st.sampled_from(list(CommandName)))
    fields: dict[str, Any] = {}
    if command is CommandName.OVERRIDE_MILESTONE:
        fields = {"milestone": draw(st.sampled_from(list(MilestoneName))), "to": draw(st.none() | _said)}
        fields["undo"] = fields["to"] is None and draw(st.booleans())
    if command is CommandName.UPDATE:
        fields = {
            "fields": draw(st.sampled_from([{"title": "T"}, {"severity": "info"}, {"slots": {"tasks": {"text": "x"}}}]))
        }
    return Command(command=command, at=draw(st.none() | _said), scope=draw(_scopes), actor="ana", **fields)


@st.composite
def _changes(draw: st.DrawFn) -> Change:
    return Change(kind=draw(st.sampled_from(list(ChangeKind))), text="c", at=draw(_minutes), scope=draw(_scopes))


events: st.SearchStrategy[Event] = st.one_of(
    _alerts(), _alerts(), _alerts(), _pages(), _entries(), _commands(), _changes()
)


@st.composite
def deliveries(draw: st.DrawFn, number: int) -> Delivery:
    """One delivery of one to three events, received at some minute."""
    own = draw(st.lists(events, min_size=1, max_size=3))
    keyed = draw(st.booleans())
    return Delivery(
        id=f"d_{hash_of(str(number))}",
        keyed=keyed,
        stream="default",
        integration="generic",
        source="generic",
        received_at=draw(_minutes) + timedelta(milliseconds=number),
        outcome=Outcome.ACCEPTED,
        events=tuple(msgspec.structs.replace(event, item=n) for n, event in enumerate(own)),
    )


@st.composite
def logs(draw: st.DrawFn, *, ordered: bool = False, most: int = 14) -> list[Delivery]:
    """A log of deliveries; `ordered`: by receive time, as one receiver writes it."""
    found = [draw(deliveries(number)) for number in range(draw(st.integers(1, most)))]
    return sorted(found, key=lambda each: each.received_at) if ordered else found
