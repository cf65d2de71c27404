"""Many schedules, on several processors: each seed by itself, so whoever runs it comes to the same."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.util import Finalize

from tests.simulation.bugs import planted
from tests.simulation.schedule import Place, Verdict, run_schedule

__all__ = ["first_failure", "here", "verdicts"]

_AT_ONCE = 8
_place: list[Place] = []


def verdicts(seeds: Iterable[int], *, jobs: int, bug: str | None = None) -> Iterator[Verdict]:
    """Run the schedules of these seeds; their verdicts, in their order."""
    if jobs == 1:
        with here(bug) as place:
            yield from (run_schedule(seed, place) for seed in seeds)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), _prepare, (bug,)) as pool:
        yield from pool.map(_run, seeds, chunksize=_AT_ONCE)


def first_failure(seeds: Iterable[int], place: Place, bug: str | None = None) -> Verdict | None:
    """The first schedule that fails, if one does."""
    with ExitStack() as stack:
        if bug is not None:
            stack.enter_context(planted(bug))
        return next((found for seed in seeds if (found := run_schedule(seed, place)).failure is not None), None)


@contextmanager
def here(bug: str | None) -> Iterator[Place]:
    """A place in this process, perhaps with a bug."""
    place = Place()
    try:
        with ExitStack() as stack:
            if bug is not None:
                stack.enter_context(planted(bug))
            yield place
    finally:
        place.close()


def _prepare(bug: str | None) -> None:
    stack = ExitStack()
    _place.append(stack.enter_context(here(bug)))
    Finalize(None, stack.close, exitpriority=1)


def _run(seed: int) -> Verdict:
    return run_schedule(seed, _place[0])
