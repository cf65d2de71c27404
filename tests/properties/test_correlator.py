"""What holds for every log: same log, same result; nothing lost, nothing twice; no time without its order."""

import random
from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.decisions import Decision
from alertline.incidents.engine import advance, step
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import ArrivalRow, EpisodeRow, Row
from alertline.incidents.policy import MaintenanceWindow, Policy
from alertline.incidents.present import present
from alertline.store.port import Loaded, StreamClock
from consumers.applying import States
from consumers.replay import Replay, Replayed
from schemas.events import Command
from schemas.public import to_json_bytes
from schemas.records import Delivery, Record, Tick
from schemas.vocabulary import Basis, IncidentStatus, MilestoneName
from tests.support.generated import logs
from tests.support.invariants import assert_sound
from tests.support.story import Story, time

# windows that run out within the hours of a generated log, so that every rule has its turn
POLICY = Policy(
    lease=timedelta(minutes=25),
    lease_least=timedelta(minutes=10),
    stale=timedelta(minutes=40),
    span=timedelta(minutes=60),
    seal=timedelta(minutes=30),
    maintenance=(MaintenanceWindow(start=time("10:40"), end=time("11:20"), match={"service": "billing"}),),
)


def replayed(records: Iterable[Record]) -> Replayed:
    """What a log comes to."""
    replay = Replay(POLICY)
    for record in records:
        replay.feed(record)
    replay.run_on()
    return replay.result()


def in_bytes(result: Replayed) -> bytes:
    """Everything that is shown of a result."""
    incidents = b"\n".join(to_json_bytes(incident) for incident in result.incidents)
    return incidents + msgspec.json.encode([item.id for item in result.unattached])


def bytes_of_state(state: StreamState) -> bytes:
    """Every incident of a state, merged ones too, as it is shown."""
    return b"\n".join(to_json_bytes(present(state.facts(each), state.policy)) for each in sorted(state.incidents))


@given(logs())
def test_the_same_log_gives_the_same_bytes(log: list[Delivery]) -> None:
    """Replaying twice is byte-equal."""
    assert in_bytes(replayed(log)) == in_bytes(replayed(log))


@given(logs(), st.randoms(use_true_random=False))
def test_memory_that_is_loaded_again_decides_the_same(log: list[Delivery], rnd: random.Random) -> None:
    """At any record the memory may be thrown away and built again from its rows, given in any order."""
    kept, lived = StreamState("default", POLICY), StreamState("default", POLICY)
    rows: dict[str, Row] = {}
    for offset, record in enumerate(log):
        step(kept, offset, record)
        for decision in step(lived, offset, record).decisions:
            rows[decision.row.id] = decision.row
        if rnd.random() < 0.5:
            lived = reloaded(rows, lived, rnd)

    assert bytes_of_state(lived) == bytes_of_state(kept)


def reloaded(rows: dict[str, Row], old: StreamState, rnd: random.Random) -> StreamState:
    """The memory as the store would give it back."""
    states = States(POLICY)
    shuffled = list(rows.values())
    rnd.shuffle(shuffled)
    states.restore(Loaded(shuffled, [StreamClock("default", old.log_time)], []))
    state = states.of("default")
    state.deliveries = old.deliveries
    return state


@given(logs())
def test_the_current_rows_are_the_fold_of_the_decisions(log: list[Delivery]) -> None:
    """Nothing is in the state that no decision put there.

    Of arrivals no row is kept, they are only learned from; nor of episodes that others took over.
    """
    state, fold = StreamState("default", POLICY), dict[str, Row]()
    decisions: list[Decision] = []
    for offset, record in enumerate(log):
        decisions += step(state, offset, record).decisions
    for decision in decisions:
        if not isinstance(decision.row, ArrivalRow):
            fold[decision.row.id] = decision.row
    fold = {name: row for name, row in fold.items() if not (isinstance(row, EpisodeRow) and row.absorbed_by)}

    held: dict[str, Row] = {**state.alerts, **state.episodes, **state.incidents, **state.items}
    held |= {row.id: row for changes in state.changes.values() for _, _, row in changes}
    assert held == fold


@given(logs(ordered=True), st.data())
def test_ticks_change_nothing_but_when_timers_are_told(log: list[Delivery], data: st.DataObject) -> None:
    """A tick between two records, at a time between theirs, leads to the same incidents."""
    ticked: list[Record] = []
    for before, after in zip(log, [*log[1:], None], strict=True):
        ticked.append(before)
        if after is not None and data.draw(st.booleans()):
            span = (after.received_at - before.received_at).total_seconds()
            at = before.received_at + timedelta(seconds=data.draw(st.floats(0, max(span, 0))))
            ticked.append(Tick(stream="default", at=at))

    assert in_bytes(replayed(ticked)) == in_bytes(replayed(log))


@given(logs(), st.data())
def test_a_delivery_that_comes_again_changes_nothing(log: list[Delivery], data: st.DataObject) -> None:
    """The same delivery once more leaves the same incidents: it is known by its id."""
    copied: list[Delivery] = []
    for record in log:
        copied += [record, record] if data.draw(st.booleans()) else [record]

    assert in_bytes(replayed(copied)) == in_bytes(replayed(log))


@given(logs())
def test_every_episode_has_one_incident_and_every_id_leads_to_one(log: list[Delivery]) -> None:
    """After any record: no alert is in two incidents, aliases end at a live one, nothing spans two scopes."""
    state = StreamState("default", POLICY)
    for offset, record in enumerate(log):
        step(state, offset, record)
        assert_sound(state)


@given(logs())
def test_the_order_of_milestones(log: list[Delivery]) -> None:
    """Detection is never before an assumed impact; an open incident has no resolve; each stamp has evidence."""
    for incident in replayed(log).incidents:
        stamps = incident.milestones
        impact, detected = stamps[MilestoneName.IMPACT_STARTED], stamps[MilestoneName.DETECTED]
        if impact and detected and impact.basis is Basis.ASSUMED:
            assert impact.at <= detected.at
        resolved = stamps[MilestoneName.RESOLVED]
        if incident.status is IncidentStatus.OPEN and resolved is not None:
            assert resolved.basis is Basis.MANUAL  # only a person's override can say so
        for milestone in stamps.values():
            assert milestone is None or milestone.evidence


@given(logs())
def test_the_timeline_is_in_order_and_every_row_has_an_event(log: list[Delivery]) -> None:
    """No row without evidence, none twice, none out of order; metrics that are not measured say why."""
    for incident in replayed(log).incidents:
        rows = incident.timeline
        assert [row.at for row in rows] == sorted(row.at for row in rows)
        assert len({row.id for row in rows}) == len(rows)
        assert all(row.evidence for row in rows)
        assert all(metric.reason for metric in incident.metrics.values() if metric.seconds is None)


@given(st.permutations([0, 1, 2, 3]))
def test_the_order_of_arrival_within_an_episode_does_not_matter(order: Sequence[int]) -> None:
    """Firing, two refreshes and the resolve of one start, in any order within a minute: one episode, the same times."""
    told = (
        lambda story, at: story.at(at).fires(start="10:00"),
        lambda story, at: story.at(at).fires(start="10:00", description="once"),
        lambda story, at: story.at(at).fires(start="10:00", description="twice"),
        lambda story, at: story.at(at).resolves(start="10:00", end="10:20"),
    )
    story = Story()
    for n, each in enumerate(order):
        told[each](story, f"10:21:{n * 10:02d}")

    (alert,) = story.incident().alerts
    assert [(f"{each.started_at:%H:%M}", f"{each.ended_at:%H:%M}") for each in alert.episodes] == [("10:00", "10:20")]
    assert alert.notifications == 4


@given(logs(ordered=True))
def test_log_time_running_on_only_resolves(log: list[Delivery]) -> None:
    """Time alone opens nothing and loses nothing, where no orders wait and no alerts were expected."""
    state = StreamState("default", msgspec.structs.replace(POLICY, maintenance=()))
    for offset, record in enumerate(log):
        events = tuple(event for event in record.events if not isinstance(event, Command))
        step(state, offset, msgspec.structs.replace(record, events=events))
    before = {each: row.status for each, row in state.incidents.items()}
    advance(state, len(log), state.log_time + timedelta(days=2))

    assert before.keys() == state.incidents.keys()
    for each, status in before.items():
        now = state.incidents[each].status
        assert now is status or (status, now) == (IncidentStatus.OPEN, IncidentStatus.RESOLVED)
