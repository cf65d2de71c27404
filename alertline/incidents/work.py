"""One record at work: its place in the log, and the decisions that it has led to so far."""

from datetime import datetime
from typing import Any

import msgspec

from alertline.incidents.decisions import Decision, DecisionKind
from alertline.incidents.episodes import Heard
from alertline.incidents.ids import EventIds, mark_id
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import IncidentRow, ItemRow, Order, Row
from alertline.incidents.policy import Policy
from schemas.events import Event
from schemas.vocabulary import Basis, RowKind

__all__ = ["Work"]


class Work:
    """The reading of one record.

    Attributes:
        state, policy: the stream's memory and the numbers of its rules.
        offset: the record's place; received_at: its receipt; log_time: of the stream when it is read.
        source: the source type.
        delivery_id: of the delivery; ids: of its items.
        events: of the delivery; only_repeats: they are all of alerts that fire already (None: nobody asked yet).
        decisions: what was decided, in order; each is already in the state.
        moved: scopes in which an incident opened or its interval changed (entries that wait are offered again).
    """

    def __init__(self, state: StreamState, offset: int, received_at: datetime, delivery_id: str, source: str) -> None:
        self.state = state
        self.policy: Policy = state.policy
        self.offset = offset
        self.received_at = received_at
        self.log_time = state.log_time
        self.delivery_id = delivery_id
        self.ids = EventIds(state.stream, delivery_id, received_at)
        self.source = source
        self.events: tuple[Event, ...] = ()
        self.only_repeats: bool | None = None
        self.decisions: list[Decision] = []
        self.moved: dict[str, None] = {}
        self._touched: dict[str, None] = {}
        self._said = 0

    def decide(self, kind: DecisionKind, row: Row) -> None:
        """Record a decision: the state holds its row from here on."""
        self.state.put(row)
        self.decisions.append(Decision(kind, row))

    def decide_incident(self, kind: DecisionKind, row: IncidentRow, **fields: Any) -> IncidentRow:
        """Record a decision about an incident itself: its next version, as of now."""
        row = msgspec.structs.replace(row, version=row.version + 1, updated_at=self.log_time, **fields)
        self.decide(kind, row)
        self._touched.pop(row.id, None)
        return row

    def touch(self, incident: str | None, *, interval: bool = False) -> None:
        """Note that something of an incident changed; `interval`: perhaps when it began or ended."""
        if incident is None:
            return
        self._touched[incident] = None
        if interval:
            self.moved[self.state.incidents[incident].scope] = None

    def settle(self) -> None:
        """Give every incident that changed, and was not itself decided about since, its next version."""
        for incident in list(self._touched):
            row = self.state.incidents[incident]
            if row.merged_into is None:
                self.decide_incident(DecisionKind.INCIDENT_UPDATED, row)
        self._touched.clear()

    def event(self, item: int) -> str:
        """The id of one item of the delivery."""
        return self.ids.of(item)

    def taken(self, incident: str, by: str) -> bool:
        """Whether an incident has this id already, which is made of the event that opens it."""
        if self.ids.gave(by):
            return incident in self.state.incidents  # said just now: nothing older was opened by it
        return self.state.incident(incident) is not None

    def order(self) -> Order:
        """The next place within this record."""
        self._said += 1
        return Order(self.offset, self._said)

    def say(
        self,
        incident: str,
        heard: Heard,
        kind: RowKind,
        at: datetime,
        text: str,
        *,
        stated: bool = True,
        name: str | None = None,
    ) -> None:
        """Record what a source said about an incident that is no firing and no end.

        `name`: the item is made once, and replaced when it is told again.
        `stated`: the time is the source's own; else our receive time stood in.
        """
        alert = heard.alert
        stated_at = at if at > heard.received_at + self.policy.skew else None
        if stated_at is not None:
            at, stated = heard.received_at, False  # the source's clock is ahead
        row = ItemRow(
            id=name or mark_id("it", heard.event),
            stream=self.state.stream,
            scope=self.state.incidents[incident].scope,
            incident=incident,
            kind=kind,
            at=at,
            text=text,
            basis=Basis.REPORTED if stated else Basis.FALLBACK,
            order=self.order(),
            read_at=self.log_time,
            actor=alert.actor,
            source=self.source,
            evidence=(heard.event,),
            original_time=stated_at.isoformat() if stated_at else None,
            paging=alert.paging,
        )
        self.decide(DecisionKind.ITEM_RECORDED, row)
        self.touch(incident)

    def mark(self, incident: IncidentRow, kind: RowKind, at: datetime, text: str, evidence: tuple[str, ...]) -> None:
        """Leave a mark of the correlator itself on an incident's timeline: reopened, corrected, merged."""
        order = self.order()
        row = ItemRow(
            id=mark_id("mk", f"{incident.id}:{kind}:{incident.version}", order.n),
            stream=incident.stream,
            scope=incident.scope,
            incident=incident.id,
            kind=kind,
            at=at,
            text=text,
            basis=Basis.DERIVED,
            order=order,
            read_at=self.log_time,
            evidence=evidence,
        )
        self.decide(DecisionKind.ITEM_RECORDED, row)
