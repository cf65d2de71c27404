"""A person who edits meanwhile: every edit has a key of its own, and is asked for again until it is answered.

What is answered 2xx must be there in the end, once; what is answered 409 or 412 must not. A 202 is followed to its end.
"""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from typing import Any, Final

import aiohttp
import msgspec

from alertline.clock import now

__all__ = ["Own", "Person"]

_ANSWER_S: Final = 12.0
_FIRST_S: Final = 0.2
_LONGEST_S: Final = 3.0
_TRANSIENT: Final = frozenset({0, 429, 500, 502, 503, 504})
_OWN: Final = 6  # edits of one incident of their own, then they declare another


class Own(msgspec.Struct):
    """An incident that the person declared, and what must be true of it.

    Attributes:
        set: how often each thing was set, as far as it was answered 2xx; values: what to.
    """

    id: str
    set: Counter[str]
    values: dict[str, str]


class Person:
    """One person at work.

    Attributes:
        said: texts of notes that were answered 2xx; refused: those that were answered otherwise.
        own: the incidents they declared; statuses: how often which answer came; edits: how many were answered 2xx.
        odd: answers that nobody should get; waiting: what they are at.
    """

    def __init__(self, url: str, seed: int, name: str, pause_s: float) -> None:
        self._url, self._name, self._pause_s = url, name, pause_s
        self._chance = random.Random(f"{seed} person {name}")
        self._session: aiohttp.ClientSession | None = None
        self._count = 0
        self.said: set[str] = set()
        self.refused: set[str] = set()
        self.own: list[Own] = []
        self.statuses: Counter[str] = Counter()
        self.waiting: dict[str, str] = {}
        self.edits = self.retries = 0
        self.odd: list[str] = []
        self.ending = False

    async def run(self) -> None:
        """Edit until `ending`."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_S)) as session:
            self._session = session
            while not self.ending:
                await asyncio.sleep(self._pause_s * self._chance.uniform(0.2, 1.8))
                if not self.own or self.own[-1].set.total() >= _OWN:
                    await self._declare()
                else:
                    await self._chance.choice((self._note, self._note_to_somebody, self._title, self._mitigated))()

    async def _declare(self) -> None:
        title = self._unique("declared")
        body = {"title": title, "scope": f"own-{title}", "at": now().isoformat()}
        status, found = await self._ask("POST", "/v1/incidents", body)
        if status == 201:
            self.own.append(Own(found["id"], Counter(), {}))

    async def _note(self) -> None:
        """A note to an incident of their own, or to one that is open now; it may become part of another meanwhile."""
        target = self.own[-1].id
        if self._chance.random() < 0.6:
            status, page = await self._get("/v1/incidents?status=open&limit=20&view=summary")
            if status == 200 and page["incidents"]:
                target = self._chance.choice(page["incidents"])["id"]
        await self._say(f"/v1/incidents/{target}/entries", {})

    async def _note_to_somebody(self) -> None:
        """A note that names no incident: the rules find one, or it waits, and is shown."""
        await self._say("/v1/entries", {"scope": f"own-{self._name}"})

    async def _say(self, path: str, more: dict[str, str]) -> None:
        text = self._unique("note")
        status, _ = await self._ask("POST", path, {"kind": "note", "text": text, "at": now().isoformat(), **more})
        (self.said if status in (200, 201) else self.refused).add(text)

    async def _title(self) -> None:
        """Set a title, by the revision that they saw."""
        own = self.own[-1]
        status, found = await self._get(f"/v1/incidents/{own.id}")
        if status != 200:
            return
        seen = found["revisions"].get("title", 0)
        if seen != own.set["title"]:
            self.odd.append(f"the title of {own.id} is at revision {seen} after {own.set['title']} edits")
        text = self._unique("title")
        status, _ = await self._ask("PATCH", f"/v1/incidents/{own.id}", {"title": text}, seen)
        if status == 200:
            own.set["title"] += 1
            own.values["title"] = text
        elif status == 412:
            self.odd.append(f"a race for the title of {own.id} was lost, and nobody else edits it")

    async def _mitigated(self) -> None:
        """Override a milestone, without a revision: a second one of the same would count."""
        own = self.own[-1]
        at = (now() - timedelta(seconds=self._chance.randint(0, 3))).isoformat()
        body = {"at": at, "reason": self._unique("seen")}
        status, _ = await self._ask("PUT", f"/v1/incidents/{own.id}/milestones/mitigated", body)
        if status == 200:
            own.set["mitigated"] += 1
            own.values["mitigated"] = at

    def _unique(self, word: str) -> str:
        self._count += 1
        return f"{word} {self._name}-{self._count}"

    async def _get(self, path: str) -> tuple[int, Any]:
        status, found, _ = await self._once("GET", path, None, {})
        return status, found

    async def _ask(self, method: str, path: str, body: dict[str, Any], seen: int | None = None) -> tuple[int, Any]:
        """Ask until it is answered; gives the last answer."""
        self._count += 1
        headers = {"Idempotency-Key": f"{self._name}-{self._count}"}
        if seen is not None:
            headers["If-Match"] = f'"{seen}"'
        pause = _FIRST_S
        while True:
            status, found, location = await self._once(method, path, {"actor": self._name, **body}, headers)
            if status == 202:
                status = await self._followed(location)
                if status == 200 and path == "/v1/incidents":
                    continue  # asked again it answers with what it opened
            self.waiting = {path: f"{method} {path}: {status} {found}"}
            if status not in _TRANSIENT:
                self.waiting = {}
                self.edits += status < 300
                if status >= 400 and status not in (404, 409, 412):
                    self.odd.append(f"{method} {path}: {status} {found}")
                return status, found
            self.retries += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_S)

    async def _followed(self, location: str) -> int:
        """What a command came to that was not decided in time."""
        while True:
            status, found, _ = await self._once("GET", location, None, {})
            if status == 200:
                return 200 if all(each["accepted"] for each in found["outcomes"]) else 409
            self.waiting = {location: f"GET {location}: {status} {found}"}
            await asyncio.sleep(0.5)

    async def _once(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> tuple[int, Any, str]:
        assert self._session is not None
        try:
            async with self._session.request(method, self._url + path, json=body, headers=headers) as answer:
                ours = "json" in answer.content_type
                said = await answer.json() if ours else None
                self.statuses[str(answer.status) if ours else f"{answer.status} of the balancer"] += 1
                return answer.status, said, answer.headers.get("Location", "")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self.statuses[type(error).__name__] += 1
            return 0, None, ""
