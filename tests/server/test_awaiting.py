"""Who waits for a record to be read shares one look with all others who do."""

import asyncio

import pytest

from alertline.eventlog.port import Position
from alertline.store.failures import StoreUnavailable
from alertline.wiring.awaiting import Awaiting

BOUND_S = 30.0


class Store:
    """How far it was read, as a test says; it counts the looks."""

    def __init__(self) -> None:
        self.at = {0: 0}
        self.looks, self.away = 0, False
        self.seen = asyncio.Event()

    async def reached(self) -> dict[int, int]:
        """How far."""
        self.looks += 1
        self.seen.set()
        if self.away:
            raise StoreUnavailable("away")
        return dict(self.at)


async def looked(store: Store) -> None:
    """Wait for another look to begin."""
    store.seen.clear()
    async with asyncio.timeout(BOUND_S):
        await store.seen.wait()


async def test_each_is_told_when_his_own_was_read() -> None:
    """A hundred who wait cost as many looks as one; nobody looks when nobody waits."""
    store = Store()
    awaiting = Awaiting(store)
    waiting = [asyncio.create_task(awaiting.read(Position(n % 2, n), BOUND_S)) for n in range(100)]
    for _ in range(3):
        await looked(store)
    assert not any(each.done() for each in waiting)
    store.at = {0: 51, 1: 0}
    await asyncio.wait([waiting[0], waiting[50]], timeout=BOUND_S)
    before = [n for n, each in enumerate(waiting) if each.done()]
    store.at = {0: 100, 1: 100}
    assert all(await asyncio.gather(*waiting))
    assert before == list(range(0, 51, 2))

    looks = store.looks
    assert looks < 50
    assert await awaiting.read(Position(1, 99), BOUND_S)
    assert store.looks - looks <= 2


async def test_time_runs_out() -> None:
    """Then it is not known yet, which is no error; the others go on waiting."""
    awaiting = Awaiting(store := Store())
    other = asyncio.create_task(awaiting.read(Position(0, 0), BOUND_S))
    assert await awaiting.read(Position(0, 5), 0.05) is False
    store.at[0] = 1
    assert await other


async def test_a_store_that_is_away_is_told_to_everybody() -> None:
    """And whoever comes later finds it again."""
    awaiting = Awaiting(store := Store())
    store.away = True
    waiting = [awaiting.read(Position(0, n), BOUND_S) for n in range(3)]
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in found] == [StoreUnavailable] * 3
    with pytest.raises(StoreUnavailable, match="away"):
        await awaiting.read(Position(0, 0), BOUND_S)
    store.away, store.at = False, {0: 9}
    assert await awaiting.read(Position(0, 0), BOUND_S)
