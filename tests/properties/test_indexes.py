"""What an index finds is what a look at every row would find."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.derived.timeline import lasted
from alertline.incidents.engine import step
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import Row
from alertline.incidents.policy import Policy
from alertline.store.port import Loaded, StreamClock
from consumers.applying import States
from schemas.records import Delivery, Record, Tick
from schemas.vocabulary import IncidentStatus
from tests.support.generated import logs
from tests.support.story import DAY

_REACH = timedelta(minutes=30)


@given(logs(), st.lists(st.integers(-3000, 3000), min_size=1, max_size=5))
def test_no_incident_near_a_time_is_overlooked(log: list[Delivery], minutes: list[int]) -> None:
    """Open incidents and those within reach are found, each once; merged ones are not; whenever it is asked."""
    state = StreamState("default", Policy())
    for offset, record in enumerate(log):
        step(state, offset, record)
        at = DAY + timedelta(hours=11, minutes=minutes[offset % len(minutes)])
        for scope in ("default", "staging"):
            found = [row.id for row in state.incidents_near(scope, at, _REACH)]
            assert len(found) == len(set(found))
            for row in state.incidents.values():
                if row.scope != scope or row.merged_into is not None:
                    assert row.id not in found
                    continue
                start, end = lasted(row, state.stamps(row.id))
                assert (end is None) or row.status is not IncidentStatus.OPEN
                if start - _REACH <= at and (end is None or at <= end + _REACH):
                    assert row.id in found


@given(logs(), st.data())
def test_what_an_episode_may_join_is_found(log: list[Delivery], data: st.DataObject) -> None:
    """Of a scope, a service and a key: those, and only those, that a look at every incident finds, newest first."""
    state = StreamState("default", Policy(correlate_by=("team",)))
    records: list[Record] = []
    for record in log:
        records.append(record)
        if data.draw(st.booleans()):
            days = data.draw(st.integers(0, 3))
            records.append(Tick(stream="default", at=record.received_at + timedelta(days=days)))
    for offset, each in enumerate(records):
        step(state, offset, each)
        for episode in state.episodes.values():
            alert = state.alerts[episode.alert]
            whole = [row for row in state.incidents_of(alert.scope) if state.may_join(row, episode)]
            assert state.current(alert.scope, episode, 2) == whole[:2]
            for service in ("api", "billing"):
                about = [row for row in whole if service in state.members[row.id].services]
                assert state.incidents_about(alert.scope, service, episode) == about[:4]
            keyed = [row for row in whole if state.shared_key(row.id, alert) is not None]
            assert state.incidents_keyed(alert, episode) == keyed[:4]


@given(logs(ordered=True))
def test_a_memory_that_was_loaded_finds_the_same(log: list[Delivery]) -> None:
    """What was put in at once, newest rows only, is what the memory is that saw all of them come."""
    policy = Policy(correlate_by=("team",))
    state, rows = StreamState("default", policy), dict[str, Row]()
    for offset, record in enumerate(log):
        rows |= {decision.row.id: decision.row for decision in step(state, offset, record).decisions}
        fresh = States(policy)
        fresh.restore(Loaded(list(rows.values()), [StreamClock("default", state.log_time)], []))
        for episode in state.episodes.values():
            scope = state.alerts[episode.alert].scope
            assert state.current(scope, episode, 3) == fresh.of("default").current(scope, episode, 3)
        for scope in ("default", "staging"):
            mine, theirs = state.incidents_of(scope), fresh.of("default").incidents_of(scope)
            assert [row.id for row in mine] == [row.id for row in theirs]
