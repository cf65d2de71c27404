"""Signing in on the pages: by the link that is printed at the start, or with a token. What is opened is a session.

A session is kept as tokens are, hashed, and a cookie holds it; it ends by itself, by signing out, or with the token
that opened it. Real sign-in will open the same sessions.
"""

import asyncio
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final, Protocol

from aiohttp import web

from alertline.clock import Clock
from alertline.store.tokens import SESSION, TokenRow
from alertline.web.access import Permission
from alertline.web.credentials import COOKIE, session_in
from alertline.web.tokens import Keeper, KnownTokens, looks_like_ours, new_token

__all__ = ["OPERATOR", "Sessions", "Shelf", "take_cookie", "with_cookie"]

OPERATOR: Final = "operator"
_SIGNED_IN: Final = timedelta(days=7)
_LINK_HOLDS: Final = timedelta(hours=1)


class Shelf(Keeper, Protocol):
    """Where sessions are kept (`alertline.store.tokens.TokenStore`)."""

    async def add(self, row: TokenRow) -> None:
        """Keep a new one."""
        ...

    async def revoke(self, token_id: str, at: datetime) -> bool:
        """Let it hold no longer."""
        ...


class Sessions:
    """Opens and ends the sessions of browsers. `link`: the secret of the link, good once, within an hour."""

    def __init__(self, shelf: Shelf, known: KnownTokens, clock: Clock, link: str | None = None) -> None:
        self._shelf, self._known, self._clock = shelf, known, clock
        self._link, self._until = link, clock() + _LINK_HOLDS
        self._one = asyncio.Lock()

    async def open(self, text: str) -> str | None:
        """Sign in with the secret of the link, or with a token that may read; gives the session, None if it is neither.

        Raises:
            Unsure, StoreUnavailable: that cannot be told, or kept, now.
        """
        now = self._clock()
        if looks_like_ours(text):
            found = await self._known.find(text)
            if found is None or not found[1].may(Permission.READ):
                return None
            row = found[0]
            ends = min(now + _SIGNED_IN, row.expires_at or now + _SIGNED_IN)
            return await self._opened(row.name, row.scopes, now, ends, row.id)
        async with self._one:  # one link, one session
            link = self._link
            if link is None or now > self._until or not compare_digest(text.encode(), link.encode()):
                return None
            session = await self._opened(OPERATOR, ("admin",), now, now + _SIGNED_IN, None)
            self._link = None
            return session

    async def end(self, session: str) -> None:
        """Sign out."""
        found = await self._known.find(session, SESSION)
        if found is not None:
            await self._shelf.revoke(found[0].id, self._clock())
            await self._known.renew()

    async def _opened(
        self, name: str, scopes: tuple[str, ...], now: datetime, ends: datetime, parent: str | None
    ) -> str:
        text, row = new_token(name, scopes, now, ends, kind=SESSION, parent=parent)
        await self._shelf.add(row)
        await self._known.renew()
        return text


def with_cookie(request: web.Request, response: web.Response, session: str) -> web.Response:
    """Give a session to the browser: no script reads it, and no other site's form sends it."""
    secure = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
    response.set_cookie(
        COOKIE,
        session,
        max_age=int(_SIGNED_IN.total_seconds()),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=secure,
    )
    return response


def take_cookie(request: web.Request, response: web.Response) -> str | None:
    """Take the session back from the browser; gives it."""
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Lax")
    return session_in(request.headers)
