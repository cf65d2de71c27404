"""What holds for every configuration: it comes back as it was written, and the log alone says what it does."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alertline.config import load_settings, parse_duration
from alertline.configuring import configuration_of, duration_text
from alertline.eventlog.port import LogRecord, Position
from alertline.incidents.engine import step
from alertline.incidents.memory.state import StreamState
from alertline.incidents.model import Row
from alertline.incidents.policy import Policy, policy_of
from alertline.incidents.present import present
from alertline.store.port import Claim, Loaded, StreamClock
from alertline.store.rows import encode as encode_row
from alertline.store.rows import read_row
from consumers.applying import States, apply_records, on_log_time
from ingest.catalogue import adapters
from ingest.intake import receive
from ingest.integrations import Integration
from ingest.recording import line_of, read_recordings
from schemas.configuration import Configuration, Thresholds, digest_of, mistakes
from schemas.public import to_json_bytes
from schemas.records import Record, configured, decode, encode
from tests.support.configurations import as_toml, configurations
from tests.support.generated import logs
from tests.support.story import DAY, Story


@st.composite
def _configured_logs(draw: st.DrawFn) -> list[Record]:
    """A log in which configurations are put in force here and there."""
    log: list[Record] = list(draw(logs()))
    for _ in range(draw(st.integers(1, 3))):
        at = DAY + timedelta(hours=10, minutes=draw(st.integers(0, 180)))
        log.insert(draw(st.integers(0, len(log))), configured("default", at, draw(configurations())))
    return log


def bytes_of_state(state: StreamState) -> bytes:
    """Every incident of a state, merged ones too, as it is shown, and when its timers fall due."""
    shown = [to_json_bytes(present(facts, facts.policy)) for facts in map(state.facts, sorted(state.incidents))]
    return b"\n".join([*shown, str(state.next_deadline()).encode()])


@given(_configured_logs(), st.randoms(use_true_random=False))
def test_memory_that_is_loaded_again_goes_by_the_same_configuration(log: list[Record], rnd: random.Random) -> None:
    """At any record the memory may be thrown away and built again from its rows, given in any order."""
    kept, lived = StreamState("default", Policy()), StreamState("default", Policy())
    rows: dict[str, Row] = {}
    for offset, record in enumerate(log):
        step(kept, offset, record)
        for decision in step(lived, offset, record).decisions:
            rows[decision.row.id] = decision.row
        if rnd.random() < 0.5:
            lived = _reloaded(rows, lived, rnd)

    assert bytes_of_state(lived) == bytes_of_state(kept)
    assert lived.policy == kept.policy


def _reloaded(rows: dict[str, Row], old: StreamState, rnd: random.Random) -> StreamState:
    """The memory as the store would give it back, whatever policy the process was started with."""
    stored = [read_row(encode_row(row)) for row in rows.values()]
    rnd.shuffle(stored)
    started_with = Policy() if old.configuration is None else Policy(quiet=timedelta(days=3))
    states = States(started_with)
    states.restore(Loaded(stored, [StreamClock("default", old.log_time)], []))
    state = states.of("default")
    state.deliveries = old.deliveries
    return state


@given(
    configurations(),
    st.timedeltas(timedelta(0), timedelta(days=2_500_000)).map(lambda after: DAY + after),
)
def test_a_configuration_comes_back_from_everywhere(configuration: Configuration, at: datetime) -> None:
    """From the file into the log, into a recording and back, into the state, the store and the policy."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "alertline.toml"
        file.write_text(as_toml(configuration), encoding="utf-8")
        assert configuration_of(load_settings(file, {})) == configuration
        record = configured("default", at, configuration)
        recording = Path(folder) / "recording.ndjson"
        recording.write_bytes(line_of(record))
        (line,) = read_recordings([recording])

    assert list(mistakes(configuration)) == []
    assert decode(encode(record)) == record
    ours = Integration(name="alertline", source="alertline")
    assert receive(line.posted, ours, adapters()["alertline"], ticks=True) == record
    state = StreamState("default", Policy())
    (decision,) = step(state, 1, record).decisions
    assert read_row(encode_row(decision.row)) == state.configuration
    assert state.policy == policy_of(configuration)


@given(configurations(), configurations())
def test_the_digest_tells_configurations_apart(one: Configuration, other: Configuration) -> None:
    """Equal digests where, and only where, the values are equal, in whatever order tables were written."""
    reordered = msgspec.structs.replace(one, depends_on=dict(reversed(one.depends_on.items())))

    assert (digest_of(one) == digest_of(other)) == (one == other)
    assert digest_of(reordered) == digest_of(one)


def test_the_list_goes_by_the_configuration_that_holds() -> None:
    """Lines that an earlier batch wrote are made again: else the list and the page would tell two things."""
    story = Story()
    for minute in range(0, 6, 2):
        story.at(f"10:0{minute}:10").fires(start=f"10:0{minute}")
        story.at(f"10:0{minute + 1}:10").resolves(start=f"10:0{minute}", end=f"10:0{minute + 1}")
    never, soon = Thresholds(flaps=99), Thresholds(flaps=4)
    story.configure("10:10", Configuration(thresholds=never))
    story.configure("10:11", Configuration(thresholds=soon))
    states, flags = States(Policy()), []
    for offset, record in enumerate(story.records):
        at = LogRecord(Position(0, offset), "default", DAY + timedelta(days=1), encode(record))
        batch = apply_records(states, [at], Claim("log", 0, 1, offset))
        flags.append(["flapping" in line.flags for line in batch.summaries])

    assert flags[-3:] == [[True], [False], [True]]


def test_a_clock_that_is_ahead_does_not_move_log_time_beyond_the_append() -> None:
    """Whoever appends a configuration may be wrong about the time; the log's own bounds it."""
    record = configured("default", DAY + timedelta(hours=5), Configuration())

    assert on_log_time(record, DAY) == configured("default", DAY, Configuration())
    assert on_log_time(record, DAY + timedelta(days=1)) == record


def test_the_defaults_are_the_same_everywhere() -> None:
    """Of the settings, of the log and of the rules: each says them for its own readers."""
    assert configuration_of(load_settings(Path("/dev/null"), {})) == Configuration()
    assert policy_of(Configuration()) == Policy()


@given(st.integers(1, 400 * 86_400_000).map(lambda count: timedelta(milliseconds=count)))
def test_durations_read_as_they_are_written(span: timedelta) -> None:
    """`4h30m` is written, and read again, to the millisecond."""
    assert parse_duration(duration_text(span), "x") == span
