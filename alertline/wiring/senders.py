"""What the page of sources shows: the senders of the configuration, and what the end of the log says of each."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from hmac import compare_digest
from typing import Final

from alertline.clock import Clock
from alertline.eventlog.port import EventLog
from alertline.store.tokens import SECRET, TokenRow, TokenStore
from ingest.integrations import Integration, Integrations
from ingest.proof.admission import Keys
from ingest.receivers import Receiver
from review.sources import Sender
from review.watching import Seen, seen_in
from schemas.records import Record, decode

__all__ = ["LookedAt", "senders_of", "since_when"]

_LOOKED_AT: Final = 2000  # records of each partition
_ID_BYTES: Final = 8


class LookedAt:
    """Implements `review.sources.Senders` on a running server."""

    def __init__(
        self,
        log: EventLog,
        integrations: Integrations,
        receiver: Callable[[], Receiver | None],
        since: Mapping[str, datetime],
    ) -> None:
        self._log, self._integrations, self._receiver, self._since = log, integrations, receiver, since

    async def all(self) -> list[Sender]:
        """Every sender that is configured, or was seen."""
        receiver = self._receiver()
        return await senders_of(self._log, self._integrations, receiver.refused if receiver else {}, self._since)

    async def test(self, name: str, principal: str) -> str | None:
        """Let the receiver take a test; gives its delivery id, None where there is no such integration."""
        receiver = self._receiver()
        return await receiver.test(name, principal) if receiver is not None else None


async def senders_of(
    log: EventLog,
    integrations: Integrations,
    refused: Mapping[str, tuple[int, str]],
    secrets_since: Mapping[str, datetime],
) -> list[Sender]:
    """The senders that are configured, and whoever else was seen at the end of the log."""
    names, seen = integrations.configured, await _seen(log)
    found = []
    for name in sorted({*names, *seen, *refused}):
        pair = integrations.find(name)
        integration = pair[0] if pair is not None else _of(seen[name])
        about = pair[1].about if pair is not None else None
        count, why = refused.get(name, (0, None))
        found.append(
            Sender(
                name=name,
                source=integration.source,
                stream=integration.stream,
                configured=name in names,
                title=about.title if about is not None else integration.source,
                paste=about.paste if about is not None else "",
                ways=integration.keys.ways if integration.keys is not None else (),
                secret_since=secrets_since.get(name),
                seen=seen.get(name),
                refused=count,
                last_refusal=why,
            )
        )
    return found


def _of(seen: Seen) -> Integration:
    """An integration that is configured no longer."""
    return Integration(name=seen.integration, source=seen.source, stream=seen.stream)


async def _seen(log: EventLog) -> dict[str, Seen]:
    payloads: list[bytes] = []
    for partition in await log.partitions():
        first = max(0, await log.end(partition) - _LOOKED_AT)
        payloads += [each.payload for each in await log.read(partition, first, _LOOKED_AT)]
    return await asyncio.to_thread(lambda: seen_in(_decoded(payloads)))  # receivers answer meanwhile


def _decoded(payloads: list[bytes]) -> list[Record]:
    return [decode(each) for each in payloads]


async def since_when(store: TokenStore, keys: Mapping[str, Keys], clock: Clock) -> dict[str, datetime]:
    """Since when each integration has had its newest secret, as far as this store has seen.

    Of a secret a slow, salted hash is kept: it may be a word that people chose.
    """
    known = [row for row in await store.all() if row.kind == SECRET]
    since: dict[str, datetime] = {}
    still: set[str] = set()
    for name, each in keys.items():
        for secret in each.secrets:
            row = await asyncio.to_thread(_same, secret, [row for row in known if row.name == name])
            if row is None:
                row = await asyncio.to_thread(_new, name, secret, clock())
                await store.add(row)
            still.add(row.id)
            since[name] = max(row.created_at, since.get(name, row.created_at))
    await store.forget([row.id for row in known if row.id not in still])
    return since


def _same(secret: bytes, rows: list[TokenRow]) -> TokenRow | None:
    for row in rows:
        salt, _, hashed = row.hash.partition("$")
        if compare_digest(_slow(secret, salt), hashed):
            return row
    return None


def _new(name: str, secret: bytes, now: datetime) -> TokenRow:
    salt = secrets.token_hex(16)
    hashed = f"{salt}${_slow(secret, salt)}"
    return TokenRow(id=secrets.token_hex(_ID_BYTES), kind=SECRET, name=name, hash=hashed, scopes=(), created_at=now)


def _slow(secret: bytes, salt: str) -> str:
    return hashlib.scrypt(secret, salt=bytes.fromhex(salt), n=2**14, r=8, p=1).hex()
