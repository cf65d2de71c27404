"""The shared deadline: it ends what takes too long, and nothing else."""

import asyncio

import pytest

from ingest.deadline import Deadline


async def held(deadline: Deadline, seconds: float) -> str:
    """Wait inside the block."""
    with deadline:
        await asyncio.sleep(seconds)
    return "done"


async def test_in_time() -> None:
    """What ends in time is left alone, also when it comes again and again."""
    deadline = Deadline(0.2)

    assert [await held(deadline, 0) for _ in range(3)] == ["done"] * 3


async def test_too_late() -> None:
    """What takes too long raises TimeoutError, each for itself; the task can go on."""
    deadline = Deadline(0.05)

    results = await asyncio.gather(held(deadline, 10), held(deadline, 0.01), held(deadline, 10), return_exceptions=True)

    assert [type(result) for result in results] == [TimeoutError, str, TimeoutError]
    with pytest.raises(TimeoutError):
        await held(deadline, 10)
    assert await held(deadline, 0) == "done"


async def test_cancelled_from_outside() -> None:
    """A cancellation that is not ours stays one."""
    task = asyncio.create_task(held(Deadline(5), 10))
    await asyncio.sleep(0.01)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_errors_pass() -> None:
    """An error inside the block comes out as it is."""
    with pytest.raises(KeyError), Deadline(5):
        raise KeyError("x")
