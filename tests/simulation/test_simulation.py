"""The simulation itself: schedules that hold, bugs that it must find, and that a seed is all it takes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.simulation.bugs import BUGS
from tests.simulation.campaign import first_failure, here, verdicts
from tests.simulation.schedule import Place, Verdict, run_schedule

SHORT, LONG = 100, 10_000
FOUND_WITHIN = 400


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """Where the schedules of these tests run."""
    with here(None) as made:
        yield made


def shown(verdict: Verdict | None) -> str:
    """Everything that helps to see it again."""
    if verdict is None:
        return ""
    again = f"again: python -m tests.simulation --seed {verdict.seed} --trace"
    return "\n".join((f"seed {verdict.seed}: {verdict.failure}", *verdict.told, again))


def test_nothing_is_lost_and_nothing_is_twice(place: Place) -> None:
    """Whatever the seed does to the service: seeds that nobody has tried before, but in CI the same ones every time."""
    first = 0 if os.environ.get("CI") == "true" else uuid4().int % 1_000_000_000

    failed = first_failure(range(first, first + SHORT), place)

    assert failed is None, shown(failed)


@pytest.mark.long
def test_nothing_is_lost_and_nothing_is_twice_in_ten_thousand_schedules() -> None:
    """The same, for long."""
    first = uuid4().int % 1_000_000_000
    failed, deliveries = list[Verdict](), 0
    for verdict in verdicts(range(first, first + LONG), jobs=min(4, os.cpu_count() or 1)):
        deliveries += verdict.deliveries
        failed += [verdict] if verdict.failure is not None else []

    assert not failed, shown(failed[0])
    assert deliveries > LONG


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(place: Place, bug: str) -> None:
    """The alarm comes within some hundred schedules, which are seconds."""
    assert first_failure(range(FOUND_WITHIN), place, bug) is not None


def test_a_seed_says_it_all(place: Place) -> None:
    """The same seed comes to the same records, times and decisions, in another process and with other hashes too."""
    seed = 23
    one, other = run_schedule(seed, place), run_schedule(seed, place)
    words = [sys.executable, "-m", "tests.simulation", "--seed", str(seed)]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).parents[2])}
    said = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    assert one == other
    assert said.stdout.splitlines()[-2].endswith(f"digest {one.digest}"), said.stderr


def test_looking_closer_changes_nothing(place: Place) -> None:
    """A schedule that is traced is the same schedule."""
    plain, traced = run_schedule(5, place), run_schedule(5, place, tracing=True)

    assert (plain.digest, plain.steps) == (traced.digest, traced.steps)
    assert len(traced.told) > 10 * len(plain.told)
