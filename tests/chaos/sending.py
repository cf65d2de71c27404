"""Senders that retry as Alertmanager and SNS do: the same bytes and the same id again, until they hear a 2xx."""

import asyncio
import random
from collections import Counter, deque
from typing import Final

import aiohttp

from alertline.clock import monotonic
from tests.chaos.alerts import Alert, Post, Teller

__all__ = ["Pace", "Senders"]

_ANSWER_S: Final = 10.0
_FIRST_S: Final = 0.2
_LONGEST_S: Final = 5.0
_RECENT: Final = 400
_FRESH_S: Final = 20.0  # without a sender's id a copy is known for 60 s


class Pace:
    """So many a second, whoever takes its turn."""

    def __init__(self, rate: float) -> None:
        self._gap, self._next = 1 / rate, monotonic()

    async def turn(self) -> None:
        """Wait for it; what was missed while nobody could send is caught up with."""
        self._next += self._gap
        await asyncio.sleep(max(0.0, self._next - monotonic()))


class Senders:
    """All senders of a run.

    Attributes:
        told: the delivery's id, by post, of everything that was answered 2xx; alerts: what must be the result of it.
        waiting: what was tried in vain so far, by post.
        statuses: how often which answer came; retries: how many attempts were not the first.
    """

    def __init__(self, url: str, seed: int, count: int, rate: float) -> None:
        self._url, self._pace = url, Pace(rate)
        self._tellers = [Teller(seed, number) for number in range(count)]
        self._chance = random.Random(f"{seed} senders")
        self._recent: deque[tuple[float, Post]] = deque(maxlen=_RECENT)
        self._session: aiohttp.ClientSession | None = None
        self.told: dict[str, str] = {}
        self.alerts: dict[str, Alert] = {}
        self.statuses: Counter[str] = Counter()
        self.waiting: dict[str, str] = {}
        self.retries = self.copies = 0
        self.ending = False

    async def run(self) -> None:
        """Send until `ending`; what was begun is then finished."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
            self._session = session
            async with asyncio.TaskGroup() as tasks:
                for teller in self._tellers:
                    tasks.create_task(self._one(teller))

    async def _one(self, teller: Teller) -> None:
        for post in teller.posts():
            await self._pace.turn()
            if self.ending:
                return
            self.told[post.name] = await self.until_told(post)
            post.count(self.alerts)
            self._recent.append((monotonic(), post))

    async def until_told(self, post: Post) -> str:
        """Send it again and again until a 2xx comes; gives the delivery's id."""
        pause = _FIRST_S
        while True:
            status, delivery = await self.once(post)
            if 200 <= status < 300:
                self.waiting.pop(post.name, None)
                return delivery
            self.waiting[post.name] = f"{post.name} to {post.path}: {status}"
            self.retries += 1
            await asyncio.sleep(pause * self._chance.uniform(0.5, 1.5))
            pause = min(1.5 * pause, _LONGEST_S)

    async def once(self, post: Post) -> tuple[int, str]:
        """Send it once: the status, 0 where none came, and the delivery's id."""
        assert self._session is not None
        try:
            async with self._session.post(self._url + post.path, data=post.body, headers=post.headers) as answer:
                said = await answer.json() if answer.status < 300 else {}
                status, delivery = answer.status, str(said.get("delivery", ""))
                ours = "json" in answer.content_type
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.statuses[type(error).__name__] += 1
            return 0, ""
        self.statuses[str(status) if ours else f"{status} of the balancer"] += 1
        return status, delivery

    async def copy(self, count: int) -> None:
        """Post again, at once and several times, what was taken a moment ago."""
        since = monotonic() - _FRESH_S
        known = [post for at, post in self._recent if post.keyed or at > since]
        chosen = self._chance.choices(known, k=count) if known else []
        self.copies += len(chosen)
        await asyncio.gather(*(self.once(post) for post in chosen))
