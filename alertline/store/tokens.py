"""The tokens of the store: what is kept of each, never the token itself.

They are the one thing in the store that does not follow from the log. On SQLite their transactions are synced: a token
that was revoked stays revoked, whatever happens to the machine.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.clock import from_micros, micros
from alertline.store.engine import reading, writing
from alertline.store.tables import tokens

__all__ = ["SECRET", "SESSION", "TOKEN", "TokenRow", "TokenStore"]

TOKEN: Final = "token"  # noqa: S105 - a kind of row
SESSION: Final = "session"
SECRET: Final = "secret"  # noqa: S105 - a kind of row


class TokenRow(msgspec.Struct, frozen=True, kw_only=True):
    """One token.

    Attributes:
        id: stands in the token in the clear, and is shown.
        kind: `token`; `session` for what a browser holds after signing in; `secret` for the secret of an integration,
            of which only a slow hash and the time when it was first seen are known.
        hash: SHA-256 of the token, in hexadecimal digits.
        parent: the token that a session was opened with: it ends with it.
        used_at: about when it was last used.
    """

    id: str
    kind: str
    name: str
    hash: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None
    parent: str | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


_TIMES: Final = ("created_at", "expires_at", "revoked_at", "used_at")


class TokenStore:
    """Reads and writes the tokens of a store; also beside a running server.

    Each method may raise StoreUnavailable: not now.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def all(self) -> list[TokenRow]:
        """Every token, oldest first."""
        async with reading(self._engine) as connection:
            rows = await connection.execute(select(tokens).order_by(tokens.c.created_at, tokens.c.id))
            return [_row(each._asdict()) for each in rows]

    async def add(self, row: TokenRow) -> None:
        """Keep a new one; sessions that are over go."""
        values = {name: getattr(row, name) for name in TokenRow.__struct_fields__}
        values |= {name: None if values[name] is None else micros(values[name]) for name in _TIMES}
        over = and_(
            tokens.c.kind == SESSION,
            or_(tokens.c.expires_at < micros(row.created_at), tokens.c.revoked_at.is_not(None)),
        )
        async with writing(self._engine, synced=True) as connection:
            await connection.execute(delete(tokens).where(over))
            await connection.execute(tokens.insert().values(**values | {"scopes": " ".join(row.scopes)}))

    async def revoke(self, token_id: str, at: datetime) -> bool:
        """Let a token, and the sessions that were opened with it, hold no longer; False if it did not anyway."""
        mine = or_(tokens.c.id == token_id, tokens.c.parent == token_id)
        query = update(tokens).where(mine, tokens.c.revoked_at.is_(None)).values(revoked_at=micros(at))
        async with writing(self._engine, synced=True) as connection:
            return (await connection.execute(query)).rowcount > 0

    async def forget(self, token_ids: Sequence[str]) -> None:
        """Keep some no longer."""
        if token_ids:
            async with writing(self._engine) as connection:
                await connection.execute(delete(tokens).where(tokens.c.id.in_(token_ids)))

    async def used(self, times: Mapping[str, datetime]) -> None:
        """Note when tokens were last used."""
        async with writing(self._engine) as connection:
            for token_id, at in sorted(times.items()):
                later = or_(tokens.c.used_at.is_(None), tokens.c.used_at < micros(at))
                await connection.execute(
                    update(tokens).where(tokens.c.id == token_id, later).values(used_at=micros(at))
                )


def _row(found: Mapping[str, object]) -> TokenRow:
    # a column's name is a text of SQLAlchemy's own kind
    values = {str(name): value for name, value in found.items()} | {"scopes": tuple(str(found["scopes"]).split())}
    for name in _TIMES:
        at = values[name]
        values[name] = from_micros(at) if isinstance(at, int) else None
    return msgspec.convert(values, TokenRow)
