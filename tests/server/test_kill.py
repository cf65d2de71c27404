"""kill -9 at random moments, under concurrent posting: nothing that was answered 2xx is lost, nothing is doubled."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import orjson
import pytest

from alertline.clock import monotonic, now
from tests.support.server import Server, until

LIVES = 13  # of each of the four tests
SENDERS = 6
CONFIG = '[windows]\nquiet = "1s"\n'  # so that timers fall due, and ticks are written, while it is being killed


class Post(msgspec.Struct, frozen=True):
    """One thing to tell the server, unlike any other."""

    path: str
    name: str
    body: bytes
    key: str | None


class Senders:
    """Several senders at once on keep-alive connections, each posting one thing after the other until it is answered.

    Attributes:
        told: what was answered 2xx: delivery id by post.
    """

    def __init__(self, server: Server, chance: random.Random) -> None:
        self._server, self._chance = server, chance
        self._running = asyncio.Event()
        self._ending = False
        self.scope = "none"
        self.told: dict[Post, str] = {}

    async def run(self) -> None:
        """Post until `end`."""
        timeout = aiohttp.ClientTimeout(total=5)
        connector = aiohttp.TCPConnector(limit=SENDERS)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session, asyncio.TaskGroup() as tasks:
            for number in range(SENDERS):
                tasks.create_task(self._one(session, number))

    def go(self) -> None:
        """Let new posts begin."""
        self._running.set()

    def pause(self) -> None:
        """Begin nothing new; what is not answered yet is tried on."""
        self._running.clear()

    def end(self) -> None:
        """Let every sender finish what it is at."""
        self._ending = True
        self._running.set()

    async def _one(self, session: aiohttp.ClientSession, number: int) -> None:
        count = 0
        while True:
            await self._running.wait()
            if self._ending:
                return
            count += 1
            post = self._made(f"{self.scope}-{number}-{count}")
            self.told[post] = await self._until_answered(session, post)
            await asyncio.sleep(self._chance.uniform(0, 0.04))

    async def _until_answered(self, session: aiohttp.ClientSession, post: Post) -> str:
        """What a real sender does: the same body and key again until it hears that it arrived."""
        end = monotonic() + 50  # without a key, a copy is known for 60 s
        while monotonic() < end:
            headers = {"Idempotency-Key": post.key} if post.key else {}
            with suppress(aiohttp.ClientError, TimeoutError):
                url = self._server.address + post.path
                async with session.post(url, data=post.body, headers=headers) as answer:
                    if answer.status < 300:
                        return str((await answer.json())["delivery"])
                    assert answer.status == 503, await answer.text()
            await asyncio.sleep(0.02)
        raise TimeoutError(f"{post.name} was never answered")

    def _made(self, name: str) -> Post:
        at = now().isoformat()
        if self._chance.random() < 0.5:
            body = {"type": "entry", "kind": "note", "text": f"note {name}", "at": at, "scope": self.scope}
            path, name = "alertline", f"note {name}"
        else:
            body = {"title": name, "dedup_key": name, "starts_at": at, "severity": "error", "environment": self.scope}
            body |= {"status": "resolved", "ends_at": at} if self._chance.random() < 0.3 else {"status": "firing"}
            path = "generic"
        key = f"key-{name}" if self._chance.random() < 0.5 else None
        return Post(f"/v1/webhooks/{path}", name, orjson.dumps(body), key)


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """The chances of this test; the seed is shown when it fails, and ALERTLINE_TEST_SEED repeats it."""
    seed = int(os.environ.get("ALERTLINE_TEST_SEED") or random.SystemRandom().randrange(10**9))
    sys.stdout.write(f"to repeat: ALERTLINE_TEST_SEED={seed}\n")
    return random.Random(f"{seed} {request.node.name}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that has not been started."""
    config = tmp_path / "short.toml"
    config.write_text(CONFIG)
    with Server(tmp_path / "data", "--config", str(config)) as made:
        yield made


@pytest.mark.parametrize("run", [1, 2, 3, 4])
async def test_killed_server(server: Server, chance: random.Random, run: int) -> None:
    """A server killed at any of these moments has, once it is back, all that it answered 2xx, exactly once."""
    await live_and_die(server, chance, LIVES)


@pytest.mark.long
@pytest.mark.skipif(os.environ.get("ALERTLINE_TEST_LONG") != "1", reason="the long form: make test-long")
async def test_killed_server_often(server: Server, chance: random.Random) -> None:
    """The same, killed 500 times."""
    await live_and_die(server, chance, 500)


async def live_and_die(server: Server, chance: random.Random, lives: int) -> None:
    """Kill the server that often; then see that it has everything, once."""
    senders = Senders(server, chance)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(senders.run())
        for life in range(lives):
            senders.scope = f"life{life}"
            await asyncio.to_thread(server.start)
            if chance.random() < 0.4:  # a correlator that works; otherwise it is still starting
                await asyncio.to_thread(server.ready)
            senders.go()
            await asyncio.sleep(chance.uniform(0.02, 0.15))
            if chance.random() < 0.25:
                kill_correlator(server)
                await asyncio.sleep(chance.uniform(0, 0.1))
            server.kill()
            senders.pause()
        await asyncio.to_thread(server.start)
        senders.end()
    check(server, senders.told)


async def test_killed_correlator(server: Server, chance: random.Random) -> None:
    """A correlator killed alone, at any moment, is started again by the server and goes on where it was."""
    senders = Senders(server, chance)
    server.start().ready()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(senders.run())
        for life in range(12):
            senders.scope = f"life{life}"
            senders.go()
            await asyncio.sleep(chance.uniform(0, 0.15))
            before = kill_correlator(server)
            await asyncio.sleep(chance.uniform(0, 0.1))
            senders.pause()
            await asyncio.to_thread(until, lambda old=before: server.correlator() not in (None, old), "another one")
            if chance.random() < 0.7:
                await asyncio.to_thread(server.ready)
        senders.end()
    check(server, senders.told)


def kill_correlator(server: Server) -> int | None:
    """Kill it, if it runs; gives its process id."""
    pid = server.correlator()
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return pid


def check(server: Server, told: dict[Post, str]) -> None:
    """Everything was applied exactly once; the log replays to the same; and the store has no gap and no double."""
    server.ready()
    for delivery in told.values():
        first, *more = sorted(server.applied(delivery)["occurrences"], key=lambda each: int(each["offset"]))
        assert first["duplicate_of"] is None
        assert all(each["duplicate_of"] == first["offset"] for each in more)
    until(lambda: all_quiet(server), "the resolves that are due")
    incidents = server.incidents()
    check_effects(incidents, server.get("/v1/unattached")[1]["unattached"], told)
    replayed = replay_of_export(server)
    assert server.stop() == 0
    check_store(server.folder)
    assert {each["id"]: each for each in replayed} == {each["id"]: each for each in incidents}


def all_quiet(server: Server) -> bool:
    """Whether every incident in which nothing fires is resolved."""
    return all(
        each["status"] == "resolved" or any(not alert_ended(alert) for alert in each["alerts"])
        for each in server.incidents()
    )


def alert_ended(alert: Any) -> bool:
    """Whether none of its episodes runs."""
    return all(episode["ended_at"] for episode in alert["episodes"])


def check_effects(incidents: list[Any], unattached: list[Any], told: dict[Post, str]) -> None:
    """Over HTTP: one episode and one notification of each alert, and one place for each note."""
    alerts = [alert for incident in incidents for alert in incident["alerts"]]
    shown = {alert["dedup_key"]: (len(alert["episodes"]), alert["notifications"]) for alert in alerts}
    names = {post.name for post in told if not post.name.startswith("note ")}
    assert len(alerts) == len(shown)
    assert shown == dict.fromkeys(names, (1, 1))
    rows = Counter(row["text"] for incident in incidents for row in incident["timeline"] if row["kind"] == "note")
    rows += Counter(item["text"] for item in unattached)
    assert rows == Counter(post.name for post in told if post.name.startswith("note "))


def replay_of_export(server: Server) -> list[Any]:
    """What `alertline replay` makes of `alertline export`, beside the running server."""
    command = (sys.executable, "-m", "alertline")
    file = server.folder.with_name("export.ndjson")
    with file.open("wb") as out:
        subprocess.run([*command, "export", "--data", str(server.folder)], stdout=out, check=True)
    config = str(server.folder.with_name("short.toml"))
    done = subprocess.run([*command, "replay", str(file), "--config", config], capture_output=True, check=True)
    found: list[Any] = orjson.loads(done.stdout)["incidents"]
    return found


def check_store(folder: Path) -> None:
    """The position is the end of the log; every record is there once; the current rows are the fold of decisions."""
    log, store = (sqlite3.connect(folder / name) for name in ("log.db", "store.db"))
    try:
        written = log.execute(
            'SELECT id FROM log WHERE CAST(payload AS TEXT) LIKE \'%"record":"delivery"%\' ORDER BY id'
        ).fetchall()
        last = log.execute("SELECT max(id) FROM log").fetchone()[0]
        assert store.execute('SELECT "offset" FROM deliveries ORDER BY "offset"').fetchall() == written
        assert store.execute("SELECT next_offset FROM positions").fetchall() == [(last + 1,)]
        per_record = 'SELECT stream, "offset", count(*), min(n), max(n) FROM decisions GROUP BY 1, 2'
        assert all(low == 0 and high == count - 1 for _, _, count, low, high in store.execute(per_record))
        for table in ("alerts", "episodes", "items", "changes", "incidents"):
            fold = dict[str, str]()
            query = 'SELECT row_id, body FROM decisions WHERE row_kind = ? ORDER BY "offset", n'
            fold.update(store.execute(query, (table,)).fetchall())
            assert dict(store.execute(f"SELECT id, body FROM {table}").fetchall()) == fold  # noqa: S608 - a fixed name
    finally:
        log.close()
        store.close()
