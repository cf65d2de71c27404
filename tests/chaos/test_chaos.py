"""The service is broken while senders send and people edit: nothing is lost, nothing doubled, a replay is the same.

The short forms draw another seed each time; ALERTLINE_TEST_SEED repeats one. `python -m tests.chaos --help` does the
same from a terminal, and says more.
"""

import os
import random
import sys
from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.disk import possible
from tests.chaos.parts import lacking
from tests.chaos.plan import FORMS, KINDS, make_plan
from tests.chaos.running import planned, run

on_kafka = pytest.mark.skipif(
    bool(lacking()), reason=f"NOT BROKEN ON KAFKA AND POSTGRESQL: {', '.join(lacking())} is not installed here"
)
LONG_EVENTS, LONG_DELIVERIES = 210, 101_000


async def chaos(folder: Path, form: str, events: int, deliveries: int, *, long: bool = False, brokers: int = 1) -> None:
    """Carry a plan out; what came of it is printed, and kept where ALERTLINE_TEST_CHAOS names a folder."""
    seed = int(os.environ.get("ALERTLINE_TEST_SEED") or random.SystemRandom().randrange(10**6))
    plan = planned(seed, form, events, deliveries, long=long, brokers=brokers)
    sys.stdout.write(f"to repeat: {plan.again}\n")
    outcome = await run(plan, folder)
    outcome.show(Console(file=sys.stdout, width=120))
    if kept := os.environ.get("ALERTLINE_TEST_CHAOS"):
        _keep(Path(kept, f"{form}{'-long' if long else ''}.json"), outcome.json())
    assert outcome.wrong == []
    assert (outcome.lost, outcome.doubled, outcome.replay_equal) == (0, 0, True)
    assert outcome.events.total() >= events
    assert outcome.deliveries >= deliveries


def _keep(file: Path, text: str) -> None:
    file.write_text(text + "\n")


async def test_the_embedded_default(tmp_path: Path) -> None:
    """Every kind of event once, in any order."""
    await chaos(tmp_path, "embedded", 11 if possible() else 9, 800)


@on_kafka
async def test_on_kafka_and_postgresql(tmp_path: Path) -> None:
    """Every kind of event once, in any order, on one broker."""
    await chaos(tmp_path, "kafka", 18 if possible() else 16, 800)


@pytest.mark.long
async def test_the_embedded_default_for_long(tmp_path: Path) -> None:
    """Hundreds of events over a hundred thousand deliveries."""
    await chaos(tmp_path, "embedded", LONG_EVENTS, LONG_DELIVERIES, long=True)


@pytest.mark.long
@on_kafka
async def test_on_kafka_and_postgresql_for_long(tmp_path: Path) -> None:
    """The same on three brokers, of which two have every record before it is answered."""
    await chaos(tmp_path, "kafka", LONG_EVENTS, LONG_DELIVERIES, long=True, brokers=3)


@pytest.mark.parametrize("form", FORMS)
def test_a_seed_draws_one_plan(form: str) -> None:
    """The same seed, the same schedule; another one, another; in a round of all kinds each happens once."""
    own = [name for name, kind in KINDS.items() if form in kind.forms]
    one, same, other = (make_plan(seed, form, len(own), 100) for seed in (1, 1, 2))

    assert one == same
    assert one.events != other.events
    assert sorted(event.kind for event in one.events) == sorted(own)
    assert {event.kind for event in make_plan(1, form, 40, 100, disk=False).events}.isdisjoint(
        make_plan(1, form, 40, 100, disk=False).skipped
    )
