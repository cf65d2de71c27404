"""What a Kafka client that has just lost its cluster may do to whoever uses it: nothing but be unavailable."""

import asyncio

import pytest

from alertline.clock import monotonic
from alertline.eventlog.kafka_client import ended, kafka_errors
from alertline.eventlog.port import LogUnavailable


async def cancelled_inside() -> None:
    """Wait for something of one's own that is cancelled."""
    own = asyncio.ensure_future(asyncio.sleep(60))
    own.cancel()
    await own


async def test_what_the_client_cancelled_is_no_cancellation_of_ours() -> None:
    """Who reads hears that the log is away, and tries again; it is not ended by that."""
    with pytest.raises(LogUnavailable, match="its client gave up"), kafka_errors("cannot read"):
        await cancelled_inside()


async def test_who_is_cancelled_ends() -> None:
    """A cancellation that is meant for the one who waits goes through, and so does its own time limit."""

    async def reading() -> None:
        with kafka_errors("cannot read"):
            await asyncio.sleep(60)

    task = asyncio.create_task(reading())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await reading()


async def test_the_end_of_a_client_concerns_nobody() -> None:
    """Whatever it raises, and however long it would take."""

    async def failing() -> None:
        raise OSError("broken")

    began = monotonic()
    await ended(cancelled_inside())
    await ended(failing())
    await ended(asyncio.sleep(60), within_s=0.01)
    assert monotonic() - began < 30
