"""What leaves the memory is never missed: with it or without it, every record leads to the same decisions."""

import random
from collections.abc import Collection, Iterator
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.engine import step
from alertline.incidents.memory import conditions
from alertline.incidents.memory.state import StreamState
from alertline.incidents.memory.whereabouts import Listing, Whereabouts
from schemas.records import Delivery
from schemas.vocabulary import AlertStatus, ChangeKind, CommandName, EntryKind
from tests.properties.test_correlator import POLICY
from tests.properties.test_evidence import weeks
from tests.support.forgetful import Forgetful
from tests.support.generated import logs
from tests.support.story import Story, alert, time

# whatever is over leaves within minutes of log time: the log goes on for hours
HASTY = msgspec.structs.replace(POLICY, seal=timedelta(minutes=1), reopen=timedelta(minutes=2))


@pytest.fixture(autouse=True, scope="module")
def few_places() -> Iterator[None]:
    """Only few episodes of an alert have their place in memory: rules look further back more often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conditions, "PLACES", 4)
        yield


@given(logs(ordered=True, most=20) | weeks(), st.randoms(use_true_random=False))
def test_a_memory_that_lets_go_decides_the_same(log: list[Delivery], rnd: random.Random) -> None:
    """Byte for byte, record for record, whenever it lets go."""
    kept, forgetful = StreamState("default", HASTY), Forgetful(HASTY)
    for offset, record in enumerate(log):
        assert forgetful.step(offset, record) == msgspec.json.encode(step(kept, offset, record).decisions)
        if rnd.random() < 0.5:
            forgetful.rest()


@given(logs(ordered=True, most=20), st.randoms(use_true_random=False))
def test_what_comes_back_is_what_left(log: list[Delivery], rnd: random.Random) -> None:
    """Recalled one by one, in any order, the incidents and their members are those of a memory that held them all."""
    kept, forgetful = StreamState("default", HASTY), Forgetful(HASTY)
    for offset, record in enumerate(log):
        forgetful.step(offset, record)
        step(kept, offset, record)
        forgetful.rest()

    state, names = forgetful.state, sorted(kept.incidents)
    rnd.shuffle(names)
    for incident in names:
        assert state.incident(incident) == kept.incidents[incident]
        assert state.members[incident].episodes == kept.members[incident].episodes
        assert state.members[incident].items == kept.members[incident].items
        assert state.stamps(incident) == kept.stamps(incident)
        assert state.aliases(incident) == kept.aliases(incident)


@pytest.mark.parametrize("start", ["10:00", "12:10", "12:30", "16:05", "09:00"])
def test_late_word_of_an_alert_that_fired_often(start: str) -> None:
    """What comes days later about one of many firings, of which few have a place in memory, finds its own."""
    story = Story()
    for hour in range(10, 20):
        story.at(f"{hour}:00").fires(start=f"{hour}:00")
        story.at(f"{hour}:20").resolves(start=f"{hour}:00", end=f"{hour}:20")
    story.at("+3 10:00").fires(start="+3 10:00")
    story.at("+3 10:01").resolves(start=start, end="19:10")
    story.at("+3 10:02").fires(start=start)
    another = msgspec.structs.replace(alert("HighLatency", AlertStatus.FIRING, start, None), dedup_key="another")
    story.at("+3 10:03").posts([another])
    story.at("+3 10:04").says(EntryKind.NOTE, at=start)
    story.at("+3 10:05").orders(CommandName.CLOSE, at=start)

    kept, forgetful = StreamState("default", story.policy), Forgetful(story.policy)
    for offset, record in enumerate(story.records):
        assert isinstance(record, Delivery)
        decisions = step(kept, offset, record).decisions
        assert forgetful.step(offset, record) == msgspec.json.encode(decisions)
        forgetful.rest()
        if record.received_at == time("+3 10:00"):
            assert len(forgetful.state.episodes) == 1


def test_what_is_over_leaves_nothing_behind() -> None:
    """A day after the last alert was resolved nothing of it is in memory, however many there were."""
    story = Story()
    for number in range(120):
        start, end = f"{10 + number // 60}:{number % 60:02}", f"{10 + number // 60}:{number % 60:02}:30"
        story.at(start).fires(f"check {number}", start=start, service=f"service {number}", environment=f"{number % 3}")
        story.at(end).resolves(f"check {number}", start=start, end=end, environment=f"{number % 3}")
        story.at(end).says(EntryKind.NOTE, at=start, scope="nowhere")
        story.at(end).changes(ChangeKind.DEPLOY, at=start)
    story.tick("+2 12:00")
    forgetful = Forgetful(story.policy)
    for offset, record in enumerate(story.records):
        forgetful.step(offset, record)
    assert len(forgetful.state.alerts) == 120

    left = forgetful.rest()
    assert len(left) >= 120 * 4
    assert {name: size for name, size in sizes(forgetful.state).items() if size} == {}


def sizes(state: StreamState) -> dict[str, int]:
    """How much each collection of a state, and of the indexes within it, holds. What habits are learned is bounded."""
    found: dict[str, int] = {}
    parts = {"": state, "conditions ": state._conditions, "subjects ": state._subjects, "timers ": state._timers}
    for name, part in parts.items():
        for attribute, value in vars(part).items():
            if isinstance(value, Collection) and attribute not in ("stream", "handled", "_backgrounds"):
                found[name + attribute] = sum(map(held, value.values() if isinstance(value, dict) else value))
    return found


def held(value: object) -> int:
    """How much a value holds: an index (one for each scope) may be empty."""
    if isinstance(value, Listing | Whereabouts):
        return sum(len(each) for each in vars(value).values() if isinstance(each, Collection))
    return len(value) if isinstance(value, Collection) else 1
