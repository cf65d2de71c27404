"""Tokens as a process knows them: made and revoked beside it, remembered while the store is away, their use noted."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from alertline.clock import monotonic
from alertline.store.engine import open_engine, reading
from alertline.store.tables import metadata
from alertline.store.tokens import SESSION, TokenRow, TokenStore
from alertline.web.access import Permission, principal_of
from alertline.web.credentials import Credentials
from alertline.web.problems import Problem
from alertline.web.sessions import Sessions
from alertline.web.tokens import KnownTokens, Unsure, new_token
from tests.support.receiving import NOW, Hands


class Shelf:
    """Tokens in memory, of a store that can be away, or hang."""

    def __init__(self) -> None:
        self.rows: dict[str, TokenRow] = {}
        self.asked, self.away = 0, False
        self.answers = asyncio.Event()
        self.answers.set()
        self.noted: list[Mapping[str, datetime]] = []

    async def all(self) -> Sequence[TokenRow]:
        """Every token, if it answers."""
        self.asked += 1
        await self.answers.wait()
        if self.away:
            raise ConnectionError("the database is away")
        return tuple(self.rows.values())

    async def used(self, times: Mapping[str, datetime]) -> None:
        """Remember what was noted."""
        self.noted.append(times)

    def make(self, *scopes: str, expires: datetime | None = None) -> str:
        """A new token."""
        made, row = new_token("ana", scopes, NOW, expires)
        self.rows[row.id] = row
        return made


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[TokenStore]:
    """A store of tokens in a database."""
    url = f"sqlite+aiosqlite:///{tmp_path}/store.db"
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield TokenStore(engine)
    await engine.dispose()


def later(known: KnownTokens) -> None:
    """As if the last look at the store were long ago: nothing waits here."""
    known._asked = float("-inf")


async def test_what_is_kept(store: TokenStore) -> None:
    """A hash, never the token; everything else comes back as it was."""
    made, row = new_token("ana", ("ingest:*", "write"), NOW, NOW + timedelta(days=1))
    await store.add(row)

    assert await store.all() == [row]
    assert row.hash == hashlib.sha256(made.encode()).hexdigest()
    assert made.split("_", 2)[2] not in repr(row)
    assert len(made) > 50


async def test_it_is_synced(store: TokenStore) -> None:
    """What cannot be made again from the log is on the disk; and the next transaction is as fast as ever."""
    await store.add(new_token("ana", ("read",), NOW, None)[1])
    async with reading(store._engine) as connection:
        assert (await connection.execute(text("PRAGMA synchronous"))).scalar() == 1


async def test_uses_only_grow(store: TokenStore) -> None:
    """Of two processes that note a use the later one counts."""
    row = new_token("ana", ("read",), NOW, None)[1]
    await store.add(row)
    for at in (NOW + timedelta(hours=1), NOW):
        await store.used({row.id: at})

    assert [each.used_at for each in await store.all()] == [NOW + timedelta(hours=1)]


async def test_sessions_that_are_over_go(store: TokenStore) -> None:
    """The table does not grow with every sign-in; tokens stay listed."""
    rows = [
        new_token("old", ("read",), NOW, NOW + timedelta(days=1), kind=SESSION)[1],
        new_token("t", ("read",), NOW, NOW + timedelta(days=1))[1],
        new_token("new", ("read",), NOW + timedelta(days=2), None, kind=SESSION)[1],
    ]
    for row in rows:
        await store.add(row)

    assert [each.name for each in await store.all()] == ["t", "new"]


async def test_revoked_beside_a_running_process(store: TokenStore) -> None:
    """What another process revokes, or makes, this one knows at its next look, within seconds; sessions go with it."""
    known = KnownTokens(store, Hands())
    sessions = Sessions(store, known, Hands())
    made, row = new_token("ana", ("read",), NOW, None)
    await store.add(row)
    found = await known.find(made)
    session = await sessions.open(made)
    assert found is not None
    assert session is not None
    assert await known.find(session, SESSION) is not None

    assert await store.revoke(row.id, NOW)
    later(known)

    assert await known.find(made) is None
    assert await known.find(session, SESSION) is None
    assert not await store.revoke(row.id, NOW)
    await known.close()


async def test_it_ends_by_itself() -> None:
    """At the moment that was said, without any look at the store."""
    shelf, clock = Shelf(), Hands()
    known, made = KnownTokens(shelf, clock), shelf.make("read", expires=NOW + timedelta(hours=1))
    assert await known.find(made) is not None
    clock.now = NOW + timedelta(hours=1)

    assert await known.find(made) is None
    await known.close()


async def test_repeats_ask_nobody() -> None:
    """A thousand deliveries with one token are one look at the store, and one note of its use."""
    shelf = Shelf()
    known, made = KnownTokens(shelf, Hands()), shelf.make("ingest:*")
    began = monotonic()
    for _ in range(1000):
        assert await known.find(made) is not None
    looks = 1 + int(monotonic() - began)
    await known.close()

    assert shelf.asked <= looks
    assert shelf.noted == [{next(iter(shelf.rows)): NOW}]


async def test_a_store_that_is_away() -> None:
    """What is known holds on; of what is not known nobody can tell, and that is no refusal."""
    shelf = Shelf()
    known, made = KnownTokens(shelf, Hands()), shelf.make("ingest:*")
    assert await known.find(made) is not None
    shelf.away = True
    later(known)

    assert await known.find(made) is not None
    with pytest.raises(Unsure):
        await known.find(shelf.make("read"))
    with pytest.raises(Problem) as refused:
        await Credentials(known, local=True).authenticate({"authorization": f"Bearer {shelf.make('read')}"})
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "2"})
    await known.close()


async def test_a_store_that_hangs() -> None:
    """Is waited for a moment, once; then deliveries go on, and when it answers its word counts."""
    shelf = Shelf()
    known, made = KnownTokens(shelf, Hands()), shelf.make("ingest:*")
    assert await known.find(made) is not None
    shelf.answers.clear()
    later(known)
    began = monotonic()
    for _ in range(100):
        assert await known.find(made) is not None
    waited = monotonic() - began
    shelf.rows.clear()
    shelf.answers.set()
    await known.renew()

    assert waited < 0.9
    assert await known.find(made) is None
    await known.close()


async def test_a_scope_of_a_newer_version() -> None:
    """Lets its token do nothing here, and does not touch the others."""
    shelf = Shelf()
    known, made, other = KnownTokens(shelf, Hands()), shelf.make("read"), shelf.make("read")
    identifier = made.split("_")[1]
    row = shelf.rows[identifier]
    shelf.rows[identifier] = TokenRow(
        **{name: getattr(row, name) for name in row.__struct_fields__} | {"scopes": ("x",)}
    )
    found, plain = await known.find(made), await known.find(other)

    assert found is not None
    assert not found[1].permissions
    assert plain is not None
    assert plain[1].may(Permission.READ)
    await known.close()


@given(said=st.text(max_size=40))
async def test_nothing_but_a_token_is_one(said: str) -> None:
    """Whatever is shown that begins like one: no, and never an error."""
    shelf = Shelf()
    known, made = KnownTokens(shelf, Hands()), shelf.make("admin")
    prefix = made.rpartition("_")[0] if said[:1] < "m" else made[:-1]

    assert await known.find("alertline_" + said) is None
    assert (prefix + said == made) == (await known.find(prefix + said) is not None)
    await known.close()


@pytest.mark.parametrize(
    ("scopes", "permissions", "delivers"),
    [
        (("ingest:a", "ingest:b"), {"ingest"}, {"a", "b"}),
        (("ingest:*",), {"ingest"}, {"a", "b", "c"}),
        (("read",), {"read"}, set()),
        (("write",), {"read", "write"}, set()),
        (("write", "ingest:c"), {"read", "write", "ingest"}, {"c"}),
        (("admin",), {"read", "write", "admin", "ingest"}, {"a", "b", "c"}),
    ],
)
def test_scopes(scopes: tuple[str, ...], permissions: set[str], delivers: set[str]) -> None:
    """What each includes, and what not: to write is not to deliver."""
    principal = principal_of("ana", scopes)

    assert set(principal.permissions) == permissions
    assert {name for name in "abc" if principal.may_deliver(name)} == delivers


@pytest.mark.parametrize("scope", ["ingest", "ingest:", "Read", "read:x", "", "public", "*"])
def test_no_scope(scope: str) -> None:
    """A word that is none is named, before anything is made."""
    with pytest.raises(ValueError, match="unknown scope"):
        new_token("ana", (scope,), NOW, None)


async def test_the_link_is_good_once_and_for_an_hour(store: TokenStore) -> None:
    """Two browsers at once: one is in. Later nobody is; another secret never was."""
    clock = Hands()
    known = KnownTokens(store, clock)
    sessions = Sessions(store, known, clock, "link")
    assert await sessions.open("lonk") is None
    opened = [each for each in await asyncio.gather(*(sessions.open("link") for _ in range(5))) if each]
    found = await known.find(opened[0], SESSION)
    assert found is not None
    assert (len(opened), found[1].name, found[1].shared) == (1, "operator", True)
    await sessions.end(opened[0])
    assert await known.find(opened[0], SESSION) is None

    again = Sessions(store, known, clock, "link")
    clock.now = NOW + timedelta(hours=2)
    assert await again.open("link") is None
    assert await Sessions(store, known, clock).open("") is None
    await known.close()


async def test_who_may_sign_in(store: TokenStore) -> None:
    """A token that may read opens a session with its own name, no longer than itself; one for delivering none."""
    known = KnownTokens(store, Hands())
    sessions = Sessions(store, known, Hands())
    ends = NOW + timedelta(hours=1)
    reads, reading_row = new_token("ana", ("read",), NOW, ends)
    delivers, delivering_row = new_token("ben", ("ingest:*",), NOW, ends)
    for row in (reading_row, delivering_row):
        await store.add(row)
    session = await sessions.open(reads)
    assert session is not None
    found = await known.find(session, SESSION)
    assert found is not None

    assert (found[0].expires_at, found[1].name, found[1].shared) == (ends, "ana", False)
    assert await known.find(session) is None  # in a header it is no token
    assert await sessions.open(delivers) is None
    await known.close()
