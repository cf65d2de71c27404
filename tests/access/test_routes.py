"""Every route of the server with every kind of credential: exactly what docs/routes.md says."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
import pytest
from aiohttp import encode_basic_auth, web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.eventlog.memory import MemoryLog
from alertline.store.engine import open_engine
from alertline.store.tables import metadata
from alertline.store.tokens import TokenStore
from alertline.web.access import Permission
from alertline.web.credentials import COOKIE, Credentials
from alertline.web.health import health_routes
from alertline.web.hosts import Hosts
from alertline.web.routes import Route, route_table
from alertline.web.sessions import Sessions
from alertline.web.tokens import KnownTokens, new_token
from alertline.wiring.access import Access
from alertline.wiring.senders import LookedAt
from alertline.wiring.server import build_app, routes_of
from docs.generate import ROOT, answers
from ingest.integrations import Integration, Integrations
from ingest.proof.admission import Keys
from ingest.proof.scheme import Terms
from ingest.proof.schemes import checks, schemes
from ingest.receivers import Receiver
from ingest.servers.routes import PROTOCOLS
from review.pages import review_routes
from tests.support.memory_reader import MemoryOrders, MemoryReader
from tests.support.receiving import Client, Hands
from tests.support.signing import NOW, SENDERS

LINK: Final = "the-secret-of-the-link"
# a source whose senders may say all in a query: a GET is a delivery too
NAME: Final = "uptimerobot"
SECRET: Final = "shared with the sender"  # noqa: S105 - of this test


class House(msgspec.Struct):
    """A server with everything behind its permission, and who comes."""

    client: Client
    app: web.Application
    store: TokenStore
    known: KnownTokens
    clock: Hands
    log: MemoryLog

    async def token(self, *scopes: str, name: str = "somebody", expires: bool = False) -> str:
        """A new token."""
        text, row = new_token(name, scopes, self.clock(), self.clock() if expires else None)
        await self.store.add(row)
        await self.known.renew()
        return text

    async def session(self, text: str) -> str:
        """Sign in on the page."""
        answer = await self.client.post("/sign-in", data={"token": text}, allow_redirects=False)
        assert answer.status == 303
        self.client.session.cookie_jar.clear()
        return answer.cookies[COOKIE].value


@asynccontextmanager
async def house(folder: Path, *, local: bool = False, keys: Keys | None = None) -> AsyncIterator[House]:
    """The server."""

    async def nothing_missing() -> dict[str, str]:
        return {}

    engine = await opened(folder)
    clock, log, store = Hands(), MemoryLog(), TokenStore(engine)
    known = KnownTokens(store, clock)
    sessions = Sessions(store, known, clock, LINK)
    access = Access(authenticator=Credentials(known, local=local), hosts=Hosts(local=local), sessions=sessions)
    integrations = Integrations({"keyed": Integration(name="keyed", source="generic", keys=keys)})
    receiver = Receiver(log, integrations, clock)
    senders = LookedAt(log, integrations, lambda: receiver, {})
    reader = MemoryReader()
    shown = review_routes(reader, MemoryOrders(reader), senders=senders, sessions=sessions)
    every = routes_of(receiver, shown, health_routes(nothing_missing))
    app = build_app(routes=every, recorded_time=False, max_body=10_000, access=access)
    try:
        async with TestClient(TestServer(app)) as client:
            yield House(client, app, store, known, clock, log)
    finally:
        await known.close()
        await engine.dispose()


async def opened(folder: Path) -> AsyncEngine:
    """A store of its own."""
    url = f"sqlite+aiosqlite:///{folder}/store.db"
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return engine


def path_of(route: Route, token: str = "none") -> str:  # noqa: S107 - a part of a path
    """A path of a route."""
    filled = {"integration": NAME, "token": token, "name": "style.css"}
    return re.sub(r"\{(\w+)\}", lambda each: filled.get(each[1], "x"), route.address) + "?monitorID=1"


def documented() -> dict[str, dict[Permission, str]]:
    """The table of the page."""
    lines = (ROOT / "docs" / "routes.md").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| shown |"))
    names = [Permission(each.strip()) for each in lines[start].split("|")[2:-1]]
    found = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        shown, *said = [each.strip() for each in line.split("|")[1:-1]]
        found[shown] = dict(zip(names, said, strict=True))
    return found


async def credentials(house: House) -> dict[str, list[dict[str, str]]]:
    """For each kind of the table, headers that show it."""

    def bearer(text: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {text}"}

    sources = {"generic", NAME, *(each.source for each in PROTOCOLS)}
    mine = tuple(f"ingest:{each}" for each in sorted(sources))
    revoked = await house.token("admin")
    await house.store.revoke(revoked.split("_")[1], NOW)
    reading = await house.token("read")
    invalid = ["alertline_0123456789_unknown", revoked, await house.token("admin", expires=True), reading[:-1] + "é"]
    link, opened = await house.session(LINK), await house.session(reading)
    every = {
        "nothing": [{}, bearer("not-ours"), {"Cookie": f"{COOKIE}=alertline_0_0"}, {"Cookie": f"{COOKIE}={reading}"}],
        "a token that is unknown, revoked or expired": [*map(bearer, invalid), bearer(link)],
        "a token for another integration": [bearer(await house.token("ingest:github"))],
        "a token for this integration": [bearer(await house.token(*mine))],
        "a token for all integrations": [bearer(await house.token("ingest:*"))],
        "a token that may read": [bearer(reading)],
        "a token that may write": [bearer(await house.token("write"))],
        "a token that may do everything": [bearer(await house.token("admin"))],
        "the session of the sign-in link": [{"Cookie": f"{COOKIE}={link}"}],
        "a session that a token for reading opened": [{"Cookie": f"{COOKIE}={opened}"}],
    }
    await house.known.renew()
    return every


async def test_every_route_with_every_credential(tmp_path: Path) -> None:
    """The answer is 401 or 403 exactly where the page says so; a new route, or kind of credential, is walked too."""
    table, wrong = documented(), []
    async with house(tmp_path) as made:
        shown = await credentials(made)
        assert set(shown) == set(table) == set(answers())
        for route in route_table(made.app):
            for kind, ways in shown.items():
                for headers in ways:
                    url = path_of(route)
                    answer = await made.client.request(route.method, url, headers=headers, allow_redirects=False)
                    expected = table[kind][route.permission]
                    got = str(answer.status) if answer.status in (401, 403) else "yes"
                    if route.path == "/sign-in" and route.method == "POST":
                        got = "yes"  # its own 401: what was posted is no token
                    if got != expected or answer.status >= 500:
                        wrong.append((route.method, url, kind, expected, answer.status))

    assert wrong[:8] == []


async def test_tokens_in_every_place(tmp_path: Path) -> None:
    """Bearer, the password of Basic, and the path: the same token, the same answer."""
    async with house(tmp_path) as made:
        mine, other = await made.token("ingest:generic"), await made.token("ingest:github")
        statuses = []
        for token in (mine, other):
            for headers, path in (
                ({"Authorization": f"bearer {token}"}, ""),
                ({"Authorization": encode_basic_auth("any", token)}, ""),
                ({}, f"/{token}"),
            ):
                answer = await made.client.post(f"/v1/webhooks/generic{path}", json={"title": "x"}, headers=headers)
                statuses.append(answer.status)

    assert statuses == [202, 202, 202, 403, 403, 403]


async def test_a_secret_stands_beside_tokens(tmp_path: Path) -> None:
    """Of an integration with a secret: the sender's own proof, or a token for it; on loopback too."""
    terms = Terms(secrets=(SECRET,))
    keys = Keys(checks=checks(("github", "bearer"), terms, schemes()), hidden=frozenset(("x-hub-signature-256",)))
    body = b'{"title": "x"}'
    signed = dict(SENDERS["github"](SECRET, body, NOW).headers)
    for local in (True, False):
        (tmp_path / str(local)).mkdir()
        async with house(tmp_path / str(local), local=local, keys=keys) as made:
            token = await made.token("ingest:keyed")
            for headers, status in (
                (signed, 202),
                ({"Authorization": f"Bearer {SECRET}"}, 202),
                ({"Authorization": f"Bearer {token}"}, 202),
                ({"Authorization": "Bearer wrong"}, 401),
                ({}, 401),
            ):
                answer = await made.client.post("/v1/webhooks/keyed", data=body, headers=headers)
                assert (headers, answer.status) == (headers, status)
            lines = [one.payload for one in await made.log.read(0, 0, 10)]

    assert len(lines) == 3
    assert not [line for line in lines if SECRET.encode() in line or b"sha256=" in line or token.encode() in line]
    assert b'"principal":"integration:keyed"' in lines[0]


async def test_only_who_may_write_gives_commands(tmp_path: Path) -> None:
    """A token for delivering sends entries and no commands; with `write` beside it, both, and its name stands there."""
    command, entry = {"type": "command", "command": "close"}, {"type": "entry", "kind": "note", "text": "x"}
    async with house(tmp_path) as made:
        for scopes, statuses in ((("ingest:alertline",), (422, 202)), (("ingest:alertline", "write"), (202, 202))):
            headers = {"Authorization": f"Bearer {await made.token(*scopes, name='ana')}"}
            for said, status in zip((command, entry), statuses, strict=True):
                assert (await made.client.post("/v1/webhooks/alertline", json=said, headers=headers)).status == status
        assert b'"principal":"ana"' in (await made.log.read(0, 0, 10))[-1].payload


async def test_a_token_counts_where_everybody_is_the_operator(tmp_path: Path) -> None:
    """Who shows one acts for it; one that does not hold is refused; a stranger's header is not ours to judge."""
    async with house(tmp_path, local=True) as made:
        reading = await made.token("read")
        asked = [
            ({}, 404),
            ({"Authorization": "Bearer of-a-proxy"}, 404),
            ({"Authorization": f"Bearer {reading}"}, 403),
            ({"Authorization": "Bearer alertline_0_0"}, 401),
        ]
        for headers, status in asked:
            answer = await made.client.post("/v1/quarantine/x/discard", json={"reason": "r"}, headers=headers)
            assert (headers, answer.status) == (headers, status)


@pytest.mark.parametrize("headers", [{"Accept": "text/html"}, {}])
async def test_a_reader_who_is_not_signed_in_is_shown_the_way(tmp_path: Path, headers: dict[str, str]) -> None:
    """A browser gets a page with a link to sign in, a program the problem with the header that HTTP asks for."""
    async with house(tmp_path) as made:
        answer = await made.client.get("/", headers=headers)
        text = await answer.text()

    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="Alertline"')
    assert ('href="/sign-in"' in text) == bool(headers)
