"""One run: a plan is carried out on the service in one of its forms, and what came of it is judged."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import orjson

from alertline.clock import monotonic, now
from tests.chaos.alerts import Post
from tests.chaos.disk import possible
from tests.chaos.embedded import Embedded
from tests.chaos.house import POISON, House
from tests.chaos.judging import Judge
from tests.chaos.outcome import Outcome
from tests.chaos.parts import Parts
from tests.chaos.people import Person
from tests.chaos.plan import Event, Plan, held_by, make_plan
from tests.chaos.proxy import Proxy
from tests.chaos.sending import Senders
from tests.chaos.watching import Watcher

__all__ = ["Show", "planned", "run"]

_AT_ONCE: Final = 4
_SEVERAL: Final = 6  # copies of one event
_CUT: Final = 0.15
_CUT_MOST_S: Final = 20.0
_FINISH_S: Final = 30.0

Show = Callable[[str, int, int], None]
"""Is told of progress: of what, how many are done, of how many."""


def planned(seed: int, form: str, events: int, deliveries: int, *, long: bool = False, brokers: int = 3) -> Plan:
    """The plan of a run on this machine."""
    return make_plan(seed, form, events, deliveries, long=long, brokers=brokers, disk=possible())


class _Run:
    def __init__(self, plan: Plan, house: House, proxies: tuple[Proxy, Proxy], show: Show) -> None:
        self._plan, self.house, self._proxies, self._show = plan, house, proxies, show
        self.senders = Senders(proxies[0].url, plan.seed, plan.senders, plan.rate)
        pause_s = 1.0 if plan.long else 0.3
        self.people = [Person(proxies[1].url, plan.seed, name, pause_s) for name in ("ana", "ben")]
        self.watcher = Watcher(house, f"http://127.0.0.1:{house.shows}")
        self.outcome, self.poisoned = Outcome(plan), set[str]()
        self._held: dict[str, asyncio.Lock] = {}
        self._began = monotonic()

    async def go(self) -> None:
        """Carry the plan out, then let everybody finish what they are at."""
        watching = asyncio.create_task(self.watcher.run())
        workers: list[Senders | Person] = [self.senders, *self.people]
        working = [asyncio.create_task(each.run()) for each in workers]
        try:
            await self._events()
            while len(self.senders.told) < self._plan.deliveries:
                await asyncio.sleep(0.1)
                self._show("deliveries", len(self.senders.told), self._plan.deliveries)
            await self.house.mended()
            for each in workers:
                each.ending = True
            finish_s = _FINISH_S + self._plan.deliveries / 500  # a backlog may be before what they are at
            _, left = await asyncio.wait(working, timeout=finish_s)
            if left:
                at = [said for each in workers for said in each.waiting.values()]
                self.outcome.wrong.append(f"unanswered {finish_s:g} s after all was mended: {'; '.join(at[:5])}")
        finally:
            for task in (watching, *working):
                task.cancel()
            ended = await asyncio.gather(watching, *working, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _events(self) -> None:
        room = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for number, event in enumerate(self._plan.events):
                await asyncio.sleep(max(0.0, self._began + event.at - monotonic()))
                await room.acquire()
                tasks.create_task(self._one(event)).add_done_callback(lambda _: room.release())
                self._show("events", number + 1, len(self._plan.events))

    async def _one(self, event: Event) -> None:
        async with self._held.setdefault(held_by(event, self._plan.form), asyncio.Lock()):
            if event.kind == "copies":
                await self.senders.copy(1 + event.number % _SEVERAL)
            elif event.kind == "poison":
                await self._poison(event)
            elif event.kind.startswith("cut_"):
                await self._cut(event)
            else:
                await self.house.happens[event.kind](event)
            self.outcome.events[event.kind] += 1

    async def _cut(self, event: Event) -> None:
        way = "up" if event.kind == "cut_bodies" else "down"
        before, end = self._proxies[0].cuts[way], monotonic() + _CUT_MOST_S
        for proxy in self._proxies:
            proxy.cutting[way] = _CUT
        await asyncio.sleep(event.seconds)
        while self._proxies[0].cuts[way] == before and monotonic() < end:  # noqa: ASYNC110 - nobody answers just now
            await asyncio.sleep(0.1)
        for proxy in self._proxies:
            proxy.cutting[way] = 0.0

    async def _poison(self, event: Event) -> None:
        name = f"poison-{len(self.poisoned)}-{event.number}"
        body = {"title": f"{POISON} {name}", "status": "firing", "dedup_key": name, "starts_at": now().isoformat()}
        headers = {"Content-Type": "application/json", "Idempotency-Key": name}
        post = Post(name, "/v1/webhooks/generic-default", orjson.dumps(body), headers, keyed=True, about=())
        self.poisoned.add(name)
        self.senders.told[name] = await self.senders.until_told(post)

    async def judge(self, folder: Path) -> Outcome:
        """Look at all of it."""
        outcome, told = self.outcome, self.senders.told
        outcome.deliveries, outcome.copies = len(told), self.senders.copies
        outcome.retries, outcome.poisoned = self.senders.retries, len(self.poisoned)
        outcome.cuts = sum(proxy.cuts.total() for proxy in self._proxies)
        outcome.edits = sum(person.edits for person in self.people)
        outcome.edit_retries = sum(person.retries for person in self.people)
        outcome.statuses = self.senders.statuses + self.people[0].statuses + self.people[1].statuses
        outcome.samples = self.watcher.samples
        async with Judge(f"http://127.0.0.1:{self.house.shows}", self.house, folder, outcome) as judge:
            done = 0

            def advance() -> None:
                nonlocal done
                done += 1
                if done % 100 == 0:
                    self._show("looked at", done, len(told))

            await judge.applied(told, self.poisoned, advance)
            await judge.quiet()
            shown, waiting = await judge.replayed()
            judge.counted(shown, self.senders.alerts)
            for person in self.people:
                await judge.edits(shown, waiting, person)
            judge.positions(self.watcher.backwards)
            judge.spools()
            judge.answers(outcome.statuses)
        return outcome


@asynccontextmanager
async def _house(plan: Plan, folder: Path) -> AsyncIterator[House]:
    if plan.form == "embedded":
        async with Embedded(folder) as alone:
            yield alone
    else:
        async with Parts(folder, plan.brokers) as several:
            yield several


async def run(plan: Plan, folder: Path, show: Show = lambda *_: None) -> Outcome:
    """Carry a plan out; gives what came of it. What was left of the service is in the folder."""
    began = monotonic()
    chance = random.Random(f"{plan.seed} proxy")
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(_house(plan, folder))
        first = await stack.enter_async_context(Proxy(chance, house.takes))
        second = await stack.enter_async_context(Proxy(chance, house.shows))
        running = _Run(plan, house, (first, second), show)
        started = monotonic()
        await running.go()
        broken = monotonic()
        outcome = await running.judge(folder)
        judged = monotonic()
    outcome.seconds = {
        "starting": round(started - began, 1), "breaking": round(broken - started, 1),
        "judging": round(judged - broken, 1), "ending": round(monotonic() - judged, 1),
    }  # fmt: skip
    return outcome
