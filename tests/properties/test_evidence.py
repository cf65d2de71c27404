"""What holds of every decision about membership: reasons, walls, and the same after any reload with weeks of habits."""

import random
from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.callmap import CallMap
from alertline.incidents.correlating.evidence import weigh
from alertline.incidents.engine import step
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import Row
from alertline.incidents.policy import Policy
from alertline.incidents.present import present
from alertline.store.port import Loaded, StreamClock
from consumers.applying import States
from schemas.events import AlertEvent
from schemas.public import to_json_bytes
from schemas.records import Delivery
from schemas.vocabulary import AlertStatus, Outcome, Severity
from tests.support.story import DAY

MAP = {"web": ("cart", "search"), "cart": ("db",), "mail": ("queue",)}
POLICY = Policy(calls=CallMap(MAP), correlate_by=("deploy",))
_SERVICES = ("web", "cart", "db", "mail", "other", None)


@st.composite
def weeks(draw: st.DrawFn) -> list[Delivery]:
    """Short alerts over some weeks, many of them minutes apart; each is told when it fires and when it is over."""
    told: list[tuple[timedelta, AlertEvent]] = []
    at = timedelta()
    for _ in range(draw(st.integers(1, 25))):
        at += draw(
            st.sampled_from([timedelta(seconds=20), timedelta(minutes=4), timedelta(hours=7), timedelta(days=2)])
        )
        service = draw(st.sampled_from(_SERVICES))
        name = f"{draw(st.sampled_from(['Latency', 'Errors']))} {service}"
        labels = draw(st.sampled_from([{}, {"deploy": "1"}, {"namespace": "shop"}, {"namespace": "bank"}]))
        fired = AlertEvent(
            status=AlertStatus.FIRING,
            identity=name,
            dedup_key=name,
            title=name,
            service=service,
            severity=Severity.ERROR,
            starts_at=DAY + at - timedelta(seconds=draw(st.sampled_from([0, 30, 400]))),
            labels=labels,
            environment=draw(st.sampled_from([None, None, None, "staging"])),
        )
        told.append((at, fired))
        lasts = timedelta(minutes=draw(st.integers(1, 30)))
        over = msgspec.structs.replace(fired, status=AlertStatus.RESOLVED, ends_at=DAY + at + lasts)
        told.append((at + lasts, over))
    told.sort(key=lambda each: each[0])
    return [_delivery(n, DAY + each, event) for n, (each, event) in enumerate(told)]


def _delivery(n: int, received_at: object, event: AlertEvent) -> Delivery:
    made = {"id": f"d_{n}", "stream": "default", "integration": "alertmanager", "source": "alertmanager"}
    return msgspec.convert(
        made | {"received_at": received_at, "outcome": Outcome.ACCEPTED, "events": (event,)}, Delivery
    )


def in_bytes(state: StreamState) -> bytes:
    """Every incident of a state as it is shown."""
    return b"\n".join(to_json_bytes(present(state.facts(each), state.policy)) for each in sorted(state.incidents))


@given(weeks(), st.randoms(use_true_random=False))
def test_habits_are_the_same_after_a_reload(log: list[Delivery], rnd: random.Random) -> None:
    """At any record the memory may be built again from its rows: rates, company and indexes decide the same."""
    kept, lived = StreamState("default", POLICY), StreamState("default", POLICY)
    rows: dict[str, Row] = {}
    for offset, record in enumerate(log):
        step(kept, offset, record)
        rows |= {decision.row.id: decision.row for decision in step(lived, offset, record).decisions}
        if rnd.random() < 0.4:
            states = States(POLICY)
            shuffled = list(rows.values())
            rnd.shuffle(shuffled)
            states.restore(Loaded(shuffled, [StreamClock("default", lived.log_time)], []))
            deliveries, lived = lived.deliveries, states.of("default")
            lived.deliveries = deliveries

    assert in_bytes(lived) == in_bytes(kept)


@given(weeks())
def test_every_membership_has_its_reasons(log: list[Delivery]) -> None:
    """Who joined did so by a hard rule or by enough points, within one scope; one opened the incident."""
    state = StreamState("default", POLICY)
    for offset, record in enumerate(log):
        step(state, offset, record)

    for incident, row in state.incidents.items():
        members = state.members[incident].episodes.values()
        assert row.merged_into is not None or any(each.why[0].rule == "first" for each in members)
        for episode in members:
            assert episode.scope == row.scope
            points = sum(reason.points for reason in episode.why)
            assert episode.why[0].rule == "first" or points >= POLICY.attach
            assert all(related.points >= POLICY.suggest and related.why for related in episode.related)


@given(weeks())
def test_a_merged_incident_leads_to_a_living_one(log: list[Delivery]) -> None:
    """Aliases are a forest: every old id resolves, in one scope, and holds nothing any more."""
    state = StreamState("default", POLICY)
    for offset, record in enumerate(log):
        step(state, offset, record)

    for incident, row in state.incidents.items():
        home = state.survivor(incident)
        assert home is not None
        assert home.merged_into is None
        assert home.scope == row.scope
        if row.merged_into is not None:
            assert not state.members[incident].episodes
            assert incident in state.aliases(home.id)


@given(weeks())
def test_the_map_touches_no_other_evidence(log: list[Delivery]) -> None:
    """Without it time, service and shared keys speak as before; company may only speak more freely."""
    state = StreamState("default", POLICY)
    for offset, record in enumerate(log):
        step(state, offset, record)

    for episode in list(state.episodes.values())[:8]:
        for incident in list(state.incidents.values())[:8]:
            alert = state.alerts[episode.alert]
            told = []
            for policy in (POLICY, msgspec.structs.replace(POLICY, calls=CallMap({}))):
                state.policy = policy
                told.append({reason.rule: reason for reason in weigh(state, incident, alert, episode)})
            mapped, unmapped = told
            assert "calls" not in unmapped
            for rule in ("time", "same_service", "same_key"):
                assert mapped.get(rule) == unmapped.get(rule)
