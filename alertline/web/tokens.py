"""Tokens: what one looks like, and which are known to this process.

A token is 256 random bits, so its hash needs no salt and no slow function: nobody can try them all, or any part of
them. What was found is remembered, and the store is asked again after a second: a token that was revoked, or made, is
known as such within seconds. While the store is away, this process goes on with what it knows.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from hmac import compare_digest
from typing import Final, Protocol

import msgspec
import structlog

from alertline.clock import Clock, monotonic
from alertline.store.tokens import SECRET, SESSION, TOKEN, TokenRow
from alertline.web.access import Permission, Principal, principal_of

__all__ = ["PREFIX", "Keeper", "KnownTokens", "Unsure", "looks_like_ours", "new_token"]

log = structlog.get_logger(__name__)

PREFIX: Final = "alertline_"
_ID_BYTES: Final = 5
_SECRET_BYTES: Final = 32
_LONGEST: Final = 200
_FRESH_S: Final = 1.0
_NEW_S: Final = 0.1
_PATIENCE_S: Final = 0.3  # of the second in which a sender is answered
_LAZY_S: Final = 5.0  # between a use and its being written down
_AGAIN_S: Final = 60.0  # between two writings of the use of one token


class Unsure(Exception):
    """The token is not known here, and the store cannot be asked now."""


class Keeper(Protocol):
    """Keeps the tokens (`alertline.store.tokens.TokenStore`)."""

    async def all(self) -> Sequence[TokenRow]:
        """Every token."""
        ...

    async def used(self, times: Mapping[str, datetime]) -> None:
        """Note when tokens were last used."""
        ...


class _Known(msgspec.Struct, frozen=True):
    row: TokenRow
    principal: Principal
    parent: TokenRow | None


def looks_like_ours(text: str) -> bool:
    """Whether a text is written like a token of ours."""
    return text.startswith(PREFIX) and len(text) <= _LONGEST


def new_token(
    name: str,
    scopes: tuple[str, ...],
    now: datetime,
    expires_at: datetime | None,
    *,
    kind: str = TOKEN,
    parent: str | None = None,
) -> tuple[str, TokenRow]:
    """Make a token: its text, which is never kept, and what is kept of it.

    Raises:
        ValueError: one of the scopes is none.
    """
    principal_of(name, scopes)
    identifier = secrets.token_hex(_ID_BYTES)
    text = f"{PREFIX}{identifier}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    row = TokenRow(
        id=identifier,
        kind=kind,
        name=name,
        hash=_hash(text),
        scopes=scopes,
        created_at=now,
        expires_at=expires_at,
        parent=parent,
    )
    return text, row


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


class KnownTokens:
    """The tokens that this process knows, asked anew now and then, only when somebody shows one."""

    def __init__(self, keeper: Keeper, clock: Clock) -> None:
        self._keeper, self._clock = keeper, clock
        self._by_id: dict[str, _Known] = {}
        self._by_text: dict[str, str] = {}  # of valid tokens only, so it is no larger than what is known
        self._asked, self._away, self._hangs = float("-inf"), True, False
        self._asking: asyncio.Task[None] | None = None
        self._uses: dict[str, datetime] = {}
        self._written: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    async def find(self, text: str, kind: str = TOKEN) -> tuple[TokenRow, Principal] | None:
        """The token and its principal; None for one that does not hold (any more).

        Raises:
            Unsure: it is not known here, and the store cannot be asked.
        """
        if monotonic() - self._asked > _FRESH_S:
            await self._ask()
        known = self._known(text)
        if known is None and monotonic() - self._asked > _NEW_S:
            await self._ask()  # it may have been made just now
            known = self._known(text)
        if known is None and (self._away or self._hangs):
            raise Unsure("the store of tokens cannot be asked now")
        now = self._clock()
        if known is None or known.row.kind != kind or not known.row.holds(now):
            return None
        if known.parent is not None and not known.parent.holds(now):
            return None
        self._note(known.row.id, now)
        return known.row, known.principal

    async def renew(self) -> None:
        """Ask the store now: something was changed by ourselves, perhaps behind a look that is under way."""
        if self._asking is not None:
            await asyncio.wait((self._asking,), timeout=_PATIENCE_S)
        self._asked = float("-inf")
        await self._ask()

    async def close(self) -> None:
        """Write down what is not yet."""
        if self._timer is not None:
            self._timer.cancel()
        for task in (self._asking, self._writing):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._write()

    def _known(self, text: str) -> _Known | None:
        identifier = self._by_text.get(text)
        if identifier is not None:
            return self._by_id.get(identifier)
        identifier = text.removeprefix(PREFIX).partition("_")[0]
        known = self._by_id.get(identifier)
        if known is None or not compare_digest(known.row.hash, _hash(text)):
            return None
        self._by_text[text] = identifier
        return known

    async def _ask(self) -> None:
        """Have the store asked; waits a moment, not for a store that hangs."""
        if self._asking is None or self._asking.done():
            self._asking, self._hangs = asyncio.get_running_loop().create_task(self._read()), False
        if not self._hangs:
            done, _ = await asyncio.wait((self._asking,), timeout=_PATIENCE_S)
            self._hangs = not done

    async def _read(self) -> None:
        try:
            rows = {row.id: row for row in await self._keeper.all() if row.kind != SECRET}
        except Exception as error:  # noqa: BLE001 - whatever keeps the store from answering, what is known holds on
            if not self._away or self._asked == float("-inf"):
                log.warning("tokens.away", reason=str(error))
            self._away, self._asked = True, monotonic()
            return
        self._by_id = {each.id: _as_known(each, rows) for each in rows.values()}
        self._by_text = {text: one for text, one in self._by_text.items() if one in rows}
        self._away, self._asked = False, monotonic()

    def _note(self, identifier: str, now: datetime) -> None:
        last = self._written.get(identifier)
        if last is not None and monotonic() - last < _AGAIN_S:
            return
        self._uses[identifier] = now
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LAZY_S, self._begin_writing)

    def _begin_writing(self) -> None:
        self._timer = None
        self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            await self._keeper.used(uses)
        except Exception as error:  # noqa: BLE001 - nobody is refused because a note could not be made
            log.warning("tokens.use_not_written", reason=str(error))
        self._written |= dict.fromkeys(uses, monotonic())
        self._written = {each: at for each, at in self._written.items() if each in self._by_id}


def _as_known(row: TokenRow, rows: Mapping[str, TokenRow]) -> _Known:
    parent = rows.get(row.parent) if row.parent is not None else None
    if row.parent is not None and parent is None:
        parent = msgspec.structs.replace(row, revoked_at=row.created_at)  # it is gone, and so is what it opened
    return _Known(row, _principal(row), parent)


def _principal(row: TokenRow) -> Principal:
    try:
        principal = principal_of(row.name, row.scopes)
    except ValueError as error:
        log.warning("tokens.unknown_scope", token=row.id, reason=str(error))
        return Principal(row.name, frozenset())
    if row.kind != SESSION:
        return principal
    # a browser delivers nothing; whoever signed in by the link is the operator, whoever that is
    permissions = principal.permissions - {Permission.INGEST}
    return Principal(row.name, permissions, shared=row.parent is None)
