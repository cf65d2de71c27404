"""What must be true after a run, looked at from outside: the HTTP API, `export`, `replay`, and files."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson

from alertline.clock import monotonic
from tests.chaos.alerts import Alert
from tests.chaos.house import House, planted
from tests.chaos.outcome import Outcome, first_difference
from tests.chaos.people import Person

__all__ = ["Judge"]

_SETTLE_S: Final = 60.0
_AT_ONCE: Final = 16
_PAGE: Final = 200
_DOCUMENTED: Final = frozenset({"503"})

Advance = Callable[[], None]


class Judge:
    """Looks at the result of a run, and writes what it finds into its outcome.

    `url`: where the service shows what it has; nothing cuts connections there.
    """

    def __init__(self, url: str, house: House, folder: Path, outcome: Outcome) -> None:
        self._url, self._house, self._folder, self.outcome = url, house, folder, outcome
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Judge":
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_AT_ONCE))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def _get(self, path: str) -> tuple[int, Any]:
        """What is answered; the balancer, which may think for a moment that nobody is there, does so in HTML."""
        assert self._session is not None
        async with self._session.get(self._url + path) as answer:
            if answer.content_type == "text/html":
                return answer.status, None
            return answer.status, await answer.json(content_type=None)

    async def _found(self, path: str) -> Any:
        """The same, of what must be there as soon as somebody answers."""
        end = monotonic() + _SETTLE_S
        while (got := await self._get(path))[0] != 200:
            if got[0] != 503 or monotonic() > end:
                raise RuntimeError(f"{path}: {got}")
            await asyncio.sleep(0.1)
        return got[1]

    async def applied(self, told: dict[str, str], poisoned: set[str], advance: Advance) -> None:
        """Every delivery that was answered 2xx has been read, and has one first copy; the others are copies of it."""
        waiting = asyncio.Queue[tuple[str, str]]()
        for each in told.items():
            waiting.put_nowait(each)
        end = monotonic() + _SETTLE_S + len(told) / 100
        wrong = list[str]()

        async def look() -> None:
            while not waiting.empty():
                name, delivery = waiting.get_nowait()
                status, found = await self._get(f"/v1/deliveries/{delivery}")
                while status != 200 and monotonic() < end:
                    await asyncio.sleep(0.1)
                    status, found = await self._get(f"/v1/deliveries/{delivery}")
                advance()
                if status != 200:
                    self.outcome.lost += 1
                    wrong.append(f"{name} ({delivery}) was answered 2xx and is not there: {status}")
                elif said := _not_once(found, "quarantined" if name in poisoned else "accepted"):
                    self.outcome.doubled += said.startswith("it is there")
                    wrong.append(f"{name} ({delivery}): {said}")

        await asyncio.gather(*(look() for _ in range(_AT_ONCE)))
        self._first("deliveries", wrong)

    async def quiet(self) -> None:
        """Wait until everything is resolved that nothing fires in: then no timer is due any more."""
        end = monotonic() + _SETTLE_S
        while monotonic() < end:
            running = await self._pages("/v1/incidents?status=open&")
            if all(_fires(each) for each in running):
                return
            await asyncio.sleep(0.5)
        self.outcome.wrong.append("there are incidents in which nothing fires, and which do not resolve")

    async def _pages(self, path: str) -> list[Any]:
        found, cursor = list[Any](), ""
        while True:
            page = await self._found(f"{path}limit={_PAGE}{cursor}")
            found += page["incidents"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    async def replayed(self) -> tuple[list[Any], list[Any]]:
        """The incidents and what waits, as the API has them: the very bytes of a replay of the export."""
        shown = await self._pages("/v1/incidents?")
        waiting = await self._found("/v1/unattached")
        file = self._folder / "export.ndjson"
        file.write_bytes(await self._run("export", *self._house.flags))
        result = orjson.loads(await self._run("replay", str(file), "--format", "json"))
        self.outcome.incidents = len(shown)
        wrong = _differences(shown, result["incidents"])
        own, other = (sorted(map(orjson.dumps, each)) for each in (waiting["unattached"], result["unattached"]))
        if own != other:
            wrong.append(f"unattached: {len(own)} shown, {len(other)} replayed")
        self.outcome.replay_equal = not wrong
        self._first("the replay of the export", wrong)
        return shown, waiting["unattached"]

    async def _run(self, *arguments: str) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "alertline", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | planted(),
        )
        out, errors = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"{arguments[0]} ended with {process.returncode}: {errors.decode()[-2000:]}")
        return out

    def counted(self, shown: list[Any], expected: dict[str, Alert]) -> None:
        """Each alert has as many notifications as were answered 2xx, and the episodes that they told of."""
        found: dict[str, Alert] = {}
        for alert in (alert for incident in shown for alert in incident["alerts"]):
            own = found.setdefault(alert["dedup_key"], Alert())
            own.notifications += alert["notifications"]
            own.episodes = own.episodes + [
                (_time(each["started_at"]), each["ended_at"] and _time(each["ended_at"])) for each in alert["episodes"]
            ]
        wrong = []
        for key in dict.fromkeys((*expected, *found)):
            want, have = expected.get(key, Alert()), found.get(key, Alert())
            self.outcome.lost += max(0, want.notifications - have.notifications)
            self.outcome.doubled += max(0, have.notifications - want.notifications)
            if want.notifications != have.notifications:
                wrong.append(f"{key}: {want.notifications} notifications were answered 2xx, {have.notifications} count")
            elif sorted(map(str, want.episodes)) != sorted(map(str, have.episodes)):
                wrong.append(f"{key}: episodes {_words(want)} were told, {_words(have)} are shown")
        self._first("alerts", wrong)

    async def edits(self, shown: list[Any], waiting: list[Any], person: Person) -> None:
        """Every note that was answered 2xx is there once, no other is; every value is the last one, set so often."""
        rows = Counter(row["text"] for incident in shown for row in incident["timeline"] if row["kind"] == "note")
        rows += Counter(item["text"] for item in waiting)
        wrong = [
            f"{text!r} was answered 2xx and is there {rows[text]} times" for text in person.said if rows[text] != 1
        ]
        wrong += [f"{text!r} was refused and is there" for text in person.refused if rows[text]]
        self.outcome.lost += sum(not rows[text] for text in person.said)
        self.outcome.doubled += sum(rows[text] > 1 for text in person.said)
        by_id = {incident["id"]: incident for incident in shown}
        for own in person.own:
            incident = by_id.get(own.id)
            if incident is None:
                self.outcome.lost += 1
                wrong.append(f"{own.id} was declared and is not there")
                continue
            for thing, times in own.set.items():
                have = incident["revisions"].get(thing, 0)
                self.outcome.lost += max(0, times - have)
                self.outcome.doubled += max(0, have - times)
                if have != times:
                    wrong.append(f"{own.id}: {thing} was set {times} times, its revision is {have}")
            wrong += [said for said in _values(own.values, incident) if said]
        self._first("edits", [*person.odd, *wrong])

    def positions(self, backwards: list[str]) -> None:
        """Nothing went back."""
        self._first("positions", backwards)

    def spools(self) -> None:
        """Nothing is left in a spool."""
        self._first(
            "spools", [f"{count} deliveries wait in {name}" for name, count in self._house.waiting().items() if count]
        )

    def answers(self, *statuses: Counter[str]) -> None:
        """No 5xx but the documented 503; the balancer's own are marked as such."""
        seen = {name for each in statuses for name in each if name[:1] == "5"}
        self._first("answers", sorted(name for name in seen - _DOCUMENTED if "balancer" not in name))

    def _first(self, what: str, wrong: list[str]) -> None:
        if wrong:
            self.outcome.wrong.append(f"{what}: {len(wrong)} wrong; the first: {'; '.join(wrong[:3])}")


def _not_once(found: Any, outcome: str) -> str | None:
    """What is wrong with what became of a delivery."""
    first = [each for each in found["occurrences"] if each["duplicate_of"] is None]
    if len(first) != 1:
        return f"it is there {len(first)} times: {orjson.dumps(found['occurrences']).decode()[:800]}"
    return None if found["outcome"] == outcome else f"it is {found['outcome']}, not {outcome}: {found['reason']}"


def _differences(shown: list[Any], replayed: list[Any]) -> list[str]:
    """By id: what a replay has otherwise, to the byte."""
    one, other = ({each["id"]: each for each in incidents} for incidents in (shown, replayed))
    wrong = [f"{name} is only {'shown' if name in one else 'replayed'}" for name in one.keys() ^ other.keys()]
    both = [(name, one[name], other[name]) for name in one.keys() & other.keys()]
    return wrong + [
        f"{name}, shown and replayed: {first_difference(mine, theirs) or 'the order of fields'}"
        for name, mine, theirs in both
        if orjson.dumps(mine) != orjson.dumps(theirs)
    ]


def _once(rows: Counter[str]) -> set[str]:
    return {text for text, times in rows.items() if times == 1}


def _fires(incident: Any) -> bool:
    """Whether something fires in it, or a person keeps it."""
    return not incident["alerts"] or any(
        episode["ended_at"] is None for alert in incident["alerts"] for episode in alert["episodes"]
    )


def _values(values: dict[str, str], incident: Any) -> list[str | None]:
    title, mitigated = values.get("title"), values.get("mitigated")
    have = incident["milestones"]["mitigated"]
    return [
        f"{incident['id']}: the title {title!r} was set last, it is {incident['title']!r}"
        if title is not None and incident["title"] != title else None,
        f"{incident['id']}: mitigated was set to {mitigated} last, it is {have and have['at']}"
        if mitigated is not None and (have is None or _time(have["at"]) != _time(mitigated)) else None,
    ]  # fmt: skip


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _words(alert: Alert) -> str:
    return ", ".join(f"{start.isoformat()} to {end and end.isoformat()}" for start, end in alert.episodes)
