"""What is kept at hand of an incident is what all its rows come to, after every record."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.derived.gist import Gist, sums_of
from alertline.incidents.derived.milestones import stamp
from alertline.incidents.engine import step
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import AlertRow, EpisodeRow, IncidentFacts, IncidentRow, ItemRow, Order, Span
from alertline.incidents.policy import Policy
from alertline.incidents.present import overview, present
from schemas.events import AlertEvent
from schemas.records import Delivery
from schemas.vocabulary import AlertStatus, Basis, EndBasis, IncidentStatus, Outcome, RowKind, Severity
from tests.support.generated import logs
from tests.support.story import DAY


@given(logs(most=20), st.randoms(use_true_random=False))
def test_the_list_line_says_what_the_whole_incident_says(log: list[Delivery], rnd: random.Random) -> None:
    """Milestones and overview are those of all rows, whenever they are asked for, and however many there are."""
    state = StreamState("default", Policy())
    many = [_among_many(number, rnd) for number in range(45)]
    for offset, record in enumerate(sorted([*log, *many], key=lambda each: each.received_at)):
        step(state, offset, record)
        if rnd.random() < 0.9:
            continue
        for incident, row in state.incidents.items():
            facts, members = state.facts(incident), state.members[incident]
            stamps, sums = stamp(row, facts.episodes, facts.items, state.policy), sums_of(facts.episodes, state.policy)
            assert state.stamps(incident) == stamps
            assert members.sums(state.policy) == sums
            services = [alert.service for alert in facts.alerts if alert.service]
            plain = overview(facts, stamps, sums, services)
            assert overview(state.outline(incident), stamps, members.sums(state.policy), members.services) == plain
            whole = present(facts, state.policy)
            for name in ("title", "severity", "services", "metrics", "flags", "first_received_at"):
                assert getattr(whole, name) == getattr(plain, name)


def _among_many(number: int, rnd: random.Random) -> Delivery:
    """A notification of one of thirty-eight alerts of one service, so that they make one big incident."""
    start = DAY + timedelta(hours=11, minutes=rnd.randrange(30))
    ended = rnd.random() < 0.3
    event = AlertEvent(
        status=AlertStatus.RESOLVED if ended else AlertStatus.FIRING,
        identity=f"many-{number % 38}",
        dedup_key=f"many-{number % 38}",
        title="one of many",
        severity=rnd.choice([Severity.WARNING, Severity.CRITICAL]),
        starts_at=start,
        ends_at=start + timedelta(minutes=rnd.randrange(40)) if ended else None,
        pending_for=rnd.choice([None, 120.0]),
        service="api",
    )
    return Delivery(
        id=f"d_many_{number}",
        stream="default",
        integration="generic",
        source="generic",
        received_at=DAY + timedelta(hours=11, minutes=number),
        outcome=Outcome.ACCEPTED,
        events=(event,),
    )


_minutes = st.integers(0, 90).map(lambda n: DAY + timedelta(minutes=n))


@st.composite
def _rows(draw: st.DrawFn) -> EpisodeRow:
    """An episode of one of three alerts: of few kinds, so that few of many are telling."""
    start, number = draw(_minutes), draw(st.integers(0, 19))
    lasted = draw(st.integers(0, 40)) if number else None
    span = Span(
        start=start,
        end=None if lasted is None else start + timedelta(minutes=lasted),
        end_basis=None if lasted is None else EndBasis.REPORTED,
        fired_event=f"ev_{number}",
        resolved_event=None if lasted is None else f"ev_{number}_end",
    )
    return EpisodeRow(
        id=f"ep_{number}",
        stream="default",
        scope="default",
        alert=f"al_{number % 3}",
        incident="inc",
        spans=(span,),
        severity=draw(st.sampled_from([Severity.WARNING, Severity.INFO])),
        pending_for=draw(st.sampled_from([None, 600.0])),
        first_received=start + draw(st.integers(0, 30).map(lambda n: timedelta(minutes=n))),
        last_received=start,
        paging=draw(st.integers(0, 9)) == 0,
    )


_OTHERWISE: dict[str, Callable[[EpisodeRow], Any]] = {
    "severity": lambda row: Severity.INFO if row.severity is Severity.WARNING else Severity.WARNING,
    "pending_for": lambda row: 600.0 if row.pending_for is None else None,
    "first_received": lambda row: row.first_received - timedelta(minutes=40),
    "stale": lambda row: not row.stale,
    "point": lambda row: not row.point,
    "paging": lambda row: not row.paging,
    "notifications": lambda row: row.notifications + 1,
}
_one_thing = st.tuples(st.integers(0, 19), st.sampled_from(sorted(_OTHERWISE)))


@given(
    st.lists(_rows(), min_size=8, max_size=24),
    st.lists(_rows() | st.integers(0, 19) | st.none(), max_size=12),
    st.lists(_one_thing, max_size=12),
)
def test_a_gist_is_that_of_the_rows_it_holds_now(
    first: list[EpisodeRow], then: list[EpisodeRow | int | None], at_last: list[tuple[int, str]]
) -> None:
    """However episodes came, changed and left: milestones and sums are as if the rest had come just now."""
    gist, held = Gist(), dict[str, EpisodeRow]()
    for change in (*first, *then):
        if isinstance(change, EpisodeRow):
            held[change.id] = change
            gist.put(change)
        elif change is not None:
            held.pop(f"ep_{change}", None)
            gist.remove(f"ep_{change}")
        else:
            gist.sums(Policy(flaps=1))
    for number, field in at_last:
        episode = held.get(f"ep_{number}")
        if episode is not None:
            gist.telling()
            held[episode.id] = msgspec.structs.replace(episode, **{field: _OTHERWISE[field](episode)})
            gist.put(held[episode.id])
    some, every = gist.telling(), tuple(held.values())

    for policy in (Policy(), Policy(flaps=2)):
        assert gist.sums(policy) == sums_of(every, policy)
    for status in (IncidentStatus.OPEN, IncidentStatus.RESOLVED):
        row = _incident(status)
        assert stamp(row, some, (), Policy()) == stamp(row, every, (), Policy())
        statement = _statement()
        assert stamp(row, some, (statement,), Policy()) == stamp(row, every, (statement,), Policy())
        facts = [IncidentFacts(row=row, alerts=_ALERTS, episodes=own, items=(), changes=()) for own in (some, every)]
        stamps, sums = stamp(row, every, (), Policy()), sums_of(every, Policy())
        assert overview(facts[0], stamps, sums, ()) == overview(facts[1], stamps, sums, ())


_ALERTS = tuple(
    AlertRow(
        id=f"al_{n}", stream="default", scope="default", source="s", identity=f"i{n}", dedup_key=f"k{n}", title=f"t{n}"
    )
    for n in range(3)
)


def _incident(status: IncidentStatus) -> IncidentRow:
    return IncidentRow(
        id="inc",
        stream="default",
        scope="default",
        status=status,
        opened_by="ev",
        opened_at=DAY,
        opened=Order(0),
        created_at=DAY,
        updated_at=DAY,
    )


def _statement() -> ItemRow:
    """A resolve that somebody said: it stands if no member starts later."""
    return ItemRow(
        id="it",
        stream="default",
        scope="default",
        incident="inc",
        kind=RowKind.RESOLVED,
        at=DAY + timedelta(minutes=80),
        text="over",
        basis=Basis.MANUAL,
        order=Order(1),
        read_at=DAY,
        evidence=("ev_said",),
    )
