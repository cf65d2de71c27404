"""A stream that lives: alerts, late ones, copies, ticks, orders and restarts in any order, checked after each."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alertline.incidents.engine import step
from alertline.incidents.memory.state import StreamState
from alertline.incidents.memory.timers import quiet_deadline
from alertline.incidents.model import Row
from alertline.incidents.policy import MaintenanceWindow, Policy
from alertline.store.port import Loaded, StreamClock
from consumers.applying import States
from schemas.events import Command, Entry, Event
from schemas.records import Delivery, Record, Tick
from schemas.vocabulary import AlertStatus, CommandName, EntryKind, MilestoneName, Outcome
from tests.support.forgetful import Forgetful
from tests.support.invariants import assert_sound, linked_apart, pinned
from tests.support.story import DAY, alert, hash_of, time

_POLICY = Policy(
    lease=timedelta(minutes=30),
    lease_least=timedelta(minutes=10),
    stale=timedelta(minutes=60),
    span=timedelta(minutes=90),
    seal=timedelta(minutes=60),
    maintenance=(MaintenanceWindow(start=time("10:30"), end=time("10:50"), match={"service": "billing"}),),
)
_ORDERS = [
    CommandName.MERGE,
    CommandName.SPLIT,
    CommandName.ATTACH,
    CommandName.DETACH,
    CommandName.RESOLVE,
    CommandName.REOPEN,
    CommandName.CLOSE,
    CommandName.ACKNOWLEDGE,
    CommandName.DECLARE,
]
_names = st.sampled_from(["A", "B", "C", "D"])
_services = st.sampled_from(["api", "billing"])
_scopes = st.sampled_from([None, "staging"])
_steps = st.integers(0, 12).map(lambda n: timedelta(minutes=n))
_leases = st.sampled_from([-60.0, 0.0, 60.0, 240.0, 3600.0, 1e18])
_long_ago = st.integers(0, 40).map(lambda n: timedelta(minutes=n))


def deadline_of(state: StreamState, incident: str) -> datetime | None:
    """When an incident of a state is quiet for long enough."""
    return quiet_deadline(state.incidents[incident], state.members[incident], state.policy)


class Life(RuleBasedStateMachine):
    """One stream's correlator; whatever is delivered, `check` holds."""

    def __init__(self) -> None:
        super().__init__()
        self.state = StreamState("default", _POLICY)
        self.forgetful = Forgetful(_POLICY)
        self.rows: dict[str, Row] = {}
        self.log: list[Delivery] = []
        self.now = DAY + timedelta(hours=10)
        self.offset = 0
        self.pins: dict[str, str | None] = {}
        self.apart: set[frozenset[str]] = set()

    def take(self, record: Record, *, by_person: bool = False) -> None:
        """Read a record; what people put somewhere, or apart, only people move."""
        self.offset += 1
        decisions = step(self.state, self.offset, record).decisions
        assert self.forgetful.step(self.offset, record) == msgspec.json.encode(decisions)
        for decision in decisions:
            self.rows[decision.row.id] = decision.row
        if not by_person:
            now = pinned(self.state)
            assert all(now.get(episode, incident) == incident for episode, incident in self.pins.items())
            assert self.apart <= linked_apart(self.state)
        self.pins, self.apart = pinned(self.state), linked_apart(self.state)

    def deliver(self, event: Event, *, received_at: datetime | None = None, by_person: bool = False) -> None:
        """A delivery of one event."""
        record = Delivery(
            id=f"d_{hash_of(str(self.offset))}",
            keyed=True,
            stream="default",
            integration="generic",
            source="generic",
            received_at=received_at or self.now,
            outcome=Outcome.ACCEPTED,
            events=(event,),
        )
        self.log.append(record)
        self.take(record, by_person=by_person)

    @initialize()
    def begin(self) -> None:
        """Something fires, so that orders have an object."""
        self.deliver(alert("A", AlertStatus.FIRING, "10:00", None, repeats=True))

    @rule(name=_names, service=_services, scope=_scopes, ago=_long_ago, repeats=st.booleans(), passed=_steps)
    def fires(
        self, name: str, service: str, scope: str | None, ago: timedelta, repeats: bool, passed: timedelta
    ) -> None:
        """An alert fires, perhaps told late."""
        self.now += passed
        event = alert(name, AlertStatus.FIRING, None, None, service=service, environment=scope, repeats=repeats)
        self.deliver(msgspec.structs.replace(event, starts_at=self.now - ago))

    @rule(name=_names, ago=_long_ago, lease=_leases, passed=_steps)
    def fires_on_a_lease(self, name: str, ago: timedelta, lease: float, passed: timedelta) -> None:
        """An alert fires, and its source says how long to believe that; later there is a deadline for its end."""
        self.now += passed
        event = alert(name, AlertStatus.FIRING, None, None, repeats=True, lease=lease)
        self.deliver(msgspec.structs.replace(event, starts_at=self.now - ago))

    @rule(name=_names, scope=_scopes, ago=_long_ago, lasted=st.none() | _long_ago, passed=_steps)
    def resolves(
        self, name: str, scope: str | None, ago: timedelta, lasted: timedelta | None, passed: timedelta
    ) -> None:
        """An alert resolves; its source may name the start, known or not."""
        self.now += passed
        event = alert(name, AlertStatus.RESOLVED, None, None, environment=scope)
        end = self.now - ago
        self.deliver(msgspec.structs.replace(event, ends_at=end, starts_at=None if lasted is None else end - lasted))

    @rule(data=st.data(), status=st.sampled_from([AlertStatus.FIRING, AlertStatus.RESOLVED]), passed=_steps)
    def tells_again(self, data: st.DataObject, status: AlertStatus, passed: timedelta) -> None:
        """A notification that names the start of a known episode: a repeat, a late one, a resolve."""
        self.now += passed
        episode = self.state.episodes[data.draw(st.sampled_from(sorted(self.state.episodes)))]
        known = self.state.alerts[episode.alert]
        event = alert(
            known.dedup_key, status, None, None, environment=None if known.scope == "default" else known.scope
        )
        end = self.now if status is AlertStatus.RESOLVED else None
        self.deliver(msgspec.structs.replace(event, starts_at=episode.spans[0].named, ends_at=end, repeats=True))

    @rule(data=st.data())
    def comes_again(self, data: st.DataObject) -> None:
        """A known delivery once more: nothing changes."""
        before = dict(self.rows)
        record = data.draw(st.sampled_from(self.log))
        self.take(record)
        assert self.rows == before

    @rule(passed=st.integers(1, 90).map(lambda n: timedelta(minutes=n)))
    def time_passes(self, passed: timedelta) -> None:
        """A tick."""
        self.now += passed
        self.take(Tick(stream="default", at=self.now))

    @rule(kind=st.sampled_from(list(EntryKind)), scope=_scopes, ago=_long_ago)
    def somebody_says(self, kind: EntryKind, scope: str | None, ago: timedelta) -> None:
        """An entry."""
        self.deliver(Entry(kind=kind, text="x", at=self.now - ago, scope=scope, actor="ana"))

    @precondition(lambda self: self.state.incidents)
    @rule(data=st.data(), command=st.sampled_from(_ORDERS))
    def somebody_orders(self, data: st.DataObject, command: CommandName) -> None:
        """A command to some incident, with others and alerts that it may name."""
        row = self.state.incidents[data.draw(st.sampled_from(sorted(self.state.incidents)))]
        more: dict[str, Any] = {}
        if command is CommandName.MERGE:
            more["into"] = data.draw(st.sampled_from(sorted(self.state.incidents)))
        if command in (CommandName.SPLIT, CommandName.ATTACH, CommandName.DETACH):
            members = self.state.members[row.id].episodes.values()
            own = sorted({each.alert for each in members})
            known = own if own and command is not CommandName.ATTACH else sorted(self.state.alerts)
            more["alerts"] = tuple(data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True)))
        order = Command(command=command, at=self.now, actor="ana", incident=row.id, **more)
        self.deliver(order, by_person=True)

    @precondition(lambda self: self.state.incidents)
    @rule(data=st.data(), ago=_long_ago, revision=st.none() | st.integers(0, 1))
    def somebody_sets(self, data: st.DataObject, ago: timedelta, revision: int | None) -> None:
        """A milestone, a title, a row: perhaps too late."""
        row = self.state.incidents[data.draw(st.sampled_from(sorted(self.state.incidents)))]
        at, said = (self.now - ago).isoformat(), sorted(each for each in self.state.members[row.id].items) or ["none"]
        orders: list[tuple[CommandName, dict[str, Any]]] = [
            (CommandName.OVERRIDE_MILESTONE, {"milestone": MilestoneName.DETECTED, "to": self.now - ago}),
            (CommandName.OVERRIDE_MILESTONE, {"milestone": MilestoneName.RESOLVED, "undo": True}),
            (CommandName.UPDATE, {"fields": {"title": "T", "slots": {"tasks": {"text": "x"}}}}),
            (CommandName.EDIT_ENTRY, {"fields": {"at": at}}),
            (CommandName.EDIT_ENTRY, {"fields": {"hidden": True, "note": "n"}}),
        ]
        command, more = data.draw(st.sampled_from(orders))
        if command is CommandName.EDIT_ENTRY:
            more = {**more, "entry": data.draw(st.sampled_from(said))}
        order = Command(command=command, at=self.now, actor="ana", incident=row.id, revision=revision, **more)
        self.deliver(order, by_person=True)

    @precondition(lambda self: any(each.command for each in self.state.items.values()))
    @rule(data=st.data())
    def somebody_takes_it_back(self, data: st.DataObject) -> None:
        """An undo of any command; twice it is refused."""
        known = sorted(each.id for each in self.state.items.values() if each.command and each.incident)
        if known:
            undone = self.state.items[data.draw(st.sampled_from(known))]
            order = Command(command=CommandName.UNDO, at=self.now, actor="ana", incident=undone.incident, of=undone.id)
            self.deliver(order, by_person=True)

    @rule(data=st.data())
    def restarts(self, data: st.DataObject) -> None:
        """The memory is built again from its rows: the same incidents, the same timers."""
        states = States(_POLICY)
        rows = data.draw(st.permutations(list(self.rows.values())))
        states.restore(Loaded(rows, [StreamClock("default", self.state.log_time)], []))
        again = states.of("default")
        again.deliveries = self.state.deliveries
        assert again.next_deadline() == self.state.next_deadline()
        for each in self.state.incidents:
            assert deadline_of(again, each) == deadline_of(self.state, each)
        assert {each: again.stamps(each) for each in again.incidents} == {
            each: self.state.stamps(each) for each in self.state.incidents
        }
        self.state = again

    @rule()
    def lets_go(self) -> None:
        """What is over for long leaves the other memory, which goes on deciding the same."""
        self.forgetful.rest()

    @invariant()
    def check(self) -> None:
        """What holds after every record."""
        assert_sound(self.state)


Life.TestCase.settings = settings(max_examples=50, stateful_step_count=30)
TestLife = Life.TestCase
