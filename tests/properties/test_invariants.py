"""What the rules promise whatever comes: copies, late starts, splits, scopes, expected alerts, nothing lost."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import product

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.engine import advance, step
from alertline.incidents.memory.state import StreamState
from alertline.incidents.policy import MaintenanceWindow, Policy
from consumers.replay import Replay, Replayed
from schemas.events import AlertEvent, Command
from schemas.incident import Incident
from schemas.public import to_json_bytes
from schemas.records import Delivery, Record
from schemas.vocabulary import AlertStatus, CommandName, EndBasis, MilestoneName, Outcome, RowKind
from tests.support.generated import logs
from tests.support.story import DAY, Story, alert, hash_of, time

minutes = st.integers(0, 90)
WINDOW = MaintenanceWindow(start=time("10:30"), end=time("11:00"))


def replayed(records: Iterable[Record], policy: Policy | None = None) -> Replayed:
    """What a log comes to."""
    replay = Replay(policy or Policy())
    for record in records:
        replay.feed(record)
    replay.run_on()
    return replay.result()


def read(records: Iterable[Record], policy: Policy | None = None) -> StreamState:
    """The memory after a log."""
    state = StreamState("default", policy or Policy())
    for offset, record in enumerate(records):
        step(state, offset, record)
    return state


@st.composite
def alert_logs(draw: st.DrawFn, most: int = 12) -> list[Delivery]:
    """Logs of monitoring alerts alone, in order of receipt; no two names, starts or ends are at the same second."""
    found = []
    for n in range(draw(st.integers(1, most))):
        name, service = draw(st.sampled_from(["A", "B", "C"])), draw(st.sampled_from(["api", "billing", "search"]))
        at = DAY + timedelta(hours=10, minutes=draw(minutes), seconds=n)
        status = draw(st.sampled_from([AlertStatus.FIRING, AlertStatus.FIRING, AlertStatus.RESOLVED]))
        event = alert(f"{name}-{service}", status, None, None, service=service, repeats=draw(st.booleans()))
        start = at - timedelta(minutes=draw(st.integers(0, 30)), milliseconds=n + 1)
        end = at - timedelta(milliseconds=n + 1) if status is AlertStatus.RESOLVED else None
        event = msgspec.structs.replace(event, starts_at=draw(st.sampled_from([start, None])), ends_at=end)
        found.append(delivery(f"{n}", [event]))
        found[-1] = msgspec.structs.replace(found[-1], received_at=at)
    return sorted(found, key=lambda each: each.received_at)


def delivery(name: str, events: Sequence[AlertEvent]) -> Delivery:
    """One delivery of some alerts, known again by its name."""
    return Delivery(
        id=f"d_{hash_of(name)}",
        keyed=True,
        stream="default",
        integration="generic",
        source="generic",
        received_at=DAY,
        outcome=Outcome.ACCEPTED,
        events=tuple(events),
    )


@given(logs(ordered=True), st.data())
def test_a_delivery_that_comes_again_much_later_changes_nothing(log: list[Delivery], data: st.DataObject) -> None:
    """Copies under the sender's own id, anywhere behind the first, are known for a day."""
    log = [msgspec.structs.replace(record, keyed=True) for record in log]
    copied = list(log)
    for record in data.draw(st.lists(st.sampled_from(log), max_size=4)):
        first = copied.index(record)
        copied.insert(data.draw(st.integers(first + 1, len(copied))), record)

    once, again = replayed(log), replayed(copied)
    assert [to_json_bytes(each) for each in again.incidents] == [to_json_bytes(each) for each in once.incidents]


@given(alert_logs())
def test_detection_is_the_earliest_start_and_a_resolve_the_latest_end(log: list[Delivery]) -> None:
    """Where nobody said anything: the stamps are those of the alerts, and no stamp lies before the impact."""
    for incident in replayed(log).incidents:
        episodes = [each for alert in incident.alerts for each in alert.episodes]
        stamps = incident.milestones
        detected, impact = stamps[MilestoneName.DETECTED], stamps[MilestoneName.IMPACT_STARTED]
        assert detected is not None
        assert impact is not None
        assert impact.at <= detected.at == min(each.started_at for each in episodes)
        resolved = stamps[MilestoneName.RESOLVED]
        if resolved is not None:
            assert resolved.at == max(each.ended_at for each in episodes if each.ended_at)
            assert detected.at <= resolved.at
            assert resolved.latest is None or resolved.at <= resolved.latest


@given(st.lists(st.integers(0, 59), min_size=1, max_size=6))
def test_a_late_start_only_moves_the_start_earlier(told: list[int]) -> None:
    """One alert fires until further notice; each notice names some start: detection is the earliest of those so far."""
    story = Story()
    for n, minute in enumerate(told):
        story.at(f"11:00:{n:02d}").fires(start=f"10:{minute:02d}", description=str(n))
        detected = story.incident().milestones[MilestoneName.DETECTED]
        assert detected is not None
        assert detected.at == time(f"10:{min(told[: n + 1]):02d}")


@given(st.lists(st.none() | minutes, min_size=1, max_size=6))
def test_revisions_are_only_ever_added(overrides: list[int | None]) -> None:
    """Every override and every undo of a milestone is one more revision; the newest stands."""
    story = Story()
    story.at("10:00:30").fires(start="10:00")
    for n, minute in enumerate(overrides):
        to = None if minute is None else DAY + timedelta(hours=10, minutes=minute)
        order = Command(
            command=CommandName.OVERRIDE_MILESTONE,
            milestone=MilestoneName.MITIGATED,
            to=to,
            undo=to is None,
            reason=f"number {n}",
        )
        story.at(f"12:00:{n:02d}").posts([order], source="alertline")
        incident = story.incident()
        mitigated = incident.milestones[MilestoneName.MITIGATED]
        assert (mitigated.at if mitigated else None) == to
        assert mitigated is None or mitigated.revision == n + 1
        assert len([row for row in incident.timeline if row.kind is RowKind.CORRECTION]) == n + 1


@given(st.integers(2, 5), st.data())
def test_a_split_that_is_merged_back_restores_the_members(alerts: int, data: st.DataObject) -> None:
    """Some alerts are split off and their new incident is merged back: the members are those of before."""
    story = Story()
    names = [f"A{n}" for n in range(alerts)]
    for n, name in enumerate(names):
        story.at(f"10:00:{n:02d}").fires(name, start="10:00")
    whole = story.incident()
    off = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=alerts - 1, unique=True))
    story.at("10:01").orders(CommandName.SPLIT, incident=whole.id, alerts=tuple(off))
    parts = {frozenset(each.dedup_key for each in part.alerts): part.id for part in story.told().incidents}
    assert set(parts) == {frozenset(off), frozenset(names) - frozenset(off)}
    story.at("10:02").orders(CommandName.MERGE, incident=parts[frozenset(off)], into=whole.id)

    merged = story.incident()
    assert {each.dedup_key for each in merged.alerts} == set(names)
    assert merged.aliases == (parts[frozenset(off)],)


@given(minutes, st.integers(0, 60), st.integers(0, 59))
def test_resolve_and_firing_give_the_same_episode_in_either_order(start: int, lasted: int, later: int) -> None:
    """Within a minute of each other, whichever is read first."""
    begun = DAY + timedelta(hours=10, minutes=start)
    over = begun + timedelta(minutes=lasted)
    firing = msgspec.structs.replace(alert("A", AlertStatus.FIRING, None, None), starts_at=begun)
    resolve = msgspec.structs.replace(alert("A", AlertStatus.RESOLVED, None, None), starts_at=begun, ends_at=over)
    told = []
    for first, second in ((firing, resolve), (resolve, firing)):
        at = over + timedelta(minutes=1)
        one = msgspec.structs.replace(delivery("1", [first]), received_at=at)
        two = msgspec.structs.replace(delivery("2", [second]), received_at=at + timedelta(seconds=later))
        (incident,) = replayed([one, two]).incidents
        told.append([(each.started_at, each.ended_at, each.end_basis) for each in incident.alerts[0].episodes])

    assert told[0] == told[1] == [(begun, over, EndBasis.REPORTED)]


@given(alert_logs(), st.integers(2, 3))
def test_copies_in_several_scopes_come_to_the_same_in_each(log: list[Delivery], scopes: int) -> None:
    """The same alerts in k environments: k times the same incidents, but for their ids."""
    copies = []
    for record in log:
        for n in range(scopes):
            events = [msgspec.structs.replace(event, environment=f"e{n}") for event in alerts_of(record)]
            own = msgspec.structs.replace(delivery(f"{record.id}{n}", events), received_at=record.received_at)
            copies.append(own)
    told = replayed(copies).incidents
    by_scope = [sorted(shape(each) for each in told if each.scope == f"e{n}") for n in range(scopes)]

    assert all(each == by_scope[0] for each in by_scope)
    alone = [delivery(f"{record.id}0", alerts_of(record)) for record in log]
    alone = [msgspec.structs.replace(own, received_at=each.received_at) for own, each in zip(alone, log, strict=True)]
    assert sorted(shape(each) for each in replayed(alone).incidents) == by_scope[0]


def alerts_of(record: Delivery) -> list[AlertEvent]:
    """The alerts of a delivery."""
    return [event for event in record.events if isinstance(event, AlertEvent)]


def shape(incident: Incident) -> str:
    """An incident without its ids."""
    alerts = [
        (each.dedup_key, each.notifications, [(str(own.started_at), str(own.ended_at)) for own in each.episodes])
        for each in incident.alerts
    ]
    rows = [(row.at.isoformat(), row.kind, row.text.replace(incident.scope, "…")) for row in incident.timeline]
    stamps = {name: each and (each.at.isoformat(), each.basis) for name, each in incident.milestones.items()}
    return repr((incident.status, incident.flags, incident.reopen_count, sorted(alerts), sorted(rows), stamps))


@given(alert_logs(), st.booleans())
def test_what_is_expected_opens_no_incident_before_its_time(log: list[Delivery], run_on: bool) -> None:
    """While a maintenance window and its grace last, only alerts that began outside of it open incidents."""
    policy = Policy(maintenance=(WINDOW,))
    state = read(log, policy)
    if run_on:
        advance(state, len(log), state.log_time + timedelta(days=1))
    over = WINDOW.end + policy.maintenance_grace
    for row in state.incidents.values():
        if row.created_at >= over or row.merged_into is not None:
            continue
        # a late record may have moved the start of an alert into the window after it had opened its incident
        starts = [span.start for each in state.members[row.id].episodes.values() for span in each.spans]
        assert not starts or any(not WINDOW.start <= start < WINDOW.end for start in starts)
    firing = [each for each in state.episodes.values() if each.absorbed_by is None and each.ended_at is None]
    if state.log_time >= over:
        assert all(each.incident is not None for each in firing)


@given(logs())
def test_every_notification_counts_once(log: list[Delivery]) -> None:
    """Nothing that was accepted is lost or counted twice: each alert event is in the count of one episode."""
    state, events = StreamState("default", Policy()), 0
    for offset, record in enumerate(log):
        # a record of a page may be a row instead
        alerts = tuple(event for event in alerts_of(record) if not event.paging)
        copy = step(state, offset, msgspec.structs.replace(record, events=alerts)).duplicate_of
        events += len(alerts) if copy is None else 0

    assert sum(each.notifications for each in state.episodes.values() if each.absorbed_by is None) == events


@given(logs())
def test_orders_that_name_nothing_change_no_member(log: list[Delivery]) -> None:
    """Merging, splitting, attaching without saying what is kept as a note and moves nothing."""
    state = read(log)
    before = {each.id: each.incident for each in state.episodes.values()}
    for n, name in enumerate((CommandName.MERGE, CommandName.SPLIT, CommandName.ATTACH, CommandName.DETACH)):
        order = msgspec.structs.replace(
            delivery(f"order {n}", []), received_at=state.log_time, events=(Command(command=name, actor="ana"),)
        )
        step(state, len(log) + n, order)

    assert {each.id: each.incident for each in state.episodes.values()} == before


@given(
    order=st.permutations(list(product(range(3), (AlertStatus.FIRING, AlertStatus.RESOLVED)))), changes=st.booleans()
)
def test_resolves_without_a_start_are_read_in_any_order(order: list[tuple[int, AlertStatus]], *, changes: bool) -> None:
    """A source that tells each change of its state once, and only when that was: an alert that fires thrice, retried.

    Each firing ends with the resolve that came next, whichever of them was heard first.
    """
    told = []
    for n, (number, status) in enumerate(order):
        at = DAY + timedelta(hours=10, minutes=20 * number + (5 if status is AlertStatus.RESOLVED else 0))
        start, end = (None, at) if status is AlertStatus.RESOLVED else (at, None)
        event = msgspec.structs.replace(
            alert("A", status, None, None), starts_at=start, ends_at=end, changed_at=at if changes else None
        )
        read_at = DAY + timedelta(hours=11, minutes=30, seconds=n)
        told.append(msgspec.structs.replace(delivery(f"{n}", [event]), received_at=read_at))
    episodes = sorted(read(told).episodes.values(), key=lambda each: each.started_at)

    hours = [DAY + timedelta(hours=10, minutes=20 * number) for number in range(3)]
    assert [(each.started_at, each.ended_at) for each in episodes] == [(at, at + timedelta(minutes=5)) for at in hours]
