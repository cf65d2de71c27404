"""The only requests that this server makes by itself: to SNS, for certificates and to confirm subscriptions.

The addresses are put together in `ingest/proof/sns.py`. Here a request is kept small: no redirect is followed, no proxy
of the environment is used, and what comes is bounded in time and size.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

import aiohttp
import structlog

from ingest.proof.certificates import LARGEST, FetchFailed, KeptCertificates
from ingest.proof.scheme import Scheme
from ingest.proof.sns import sns

__all__ = ["Confirmations", "Fetcher", "receiving_from_sns"]

log = structlog.get_logger(__name__)

_TIMEOUT_S: Final = 5.0
_PAUSES_S: Final = (2.0, 10.0)
_MOST: Final = 16


class Fetcher:
    """Fetches an address; the session is made when it is first needed."""

    def __init__(self, make: Callable[[], aiohttp.ClientSession] | None = None) -> None:
        self._make = make or _session
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, address: str) -> bytes:
        """The body of a 200.

        Raises:
            FetchFailed: anything else.
        """
        if self._session is None:
            self._session = self._make()
        try:
            async with self._session.get(address, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise FetchFailed(f"answered {answer.status}")
                body = await answer.content.read(LARGEST + 1)
                while len(body) <= LARGEST and (more := await answer.content.read(LARGEST + 1 - len(body))):
                    body += more
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise FetchFailed(type(error).__name__) from error
        if len(body) > LARGEST:
            raise FetchFailed(f"more than {LARGEST} bytes")
        return body

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S), trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
    )


class Confirmations:
    """Confirms subscriptions behind the senders' backs: whoever delivered has long been answered."""

    def __init__(self, fetch: Callable[[str], Awaitable[bytes]], pauses_s: Sequence[float] = _PAUSES_S) -> None:
        self._fetch, self._pauses = fetch, tuple(pauses_s)
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def __call__(self, address: str) -> None:
        """Have a subscription confirmed; returns at once."""
        if address in self._under_way or len(self._under_way) >= _MOST:
            return
        task = asyncio.get_running_loop().create_task(self._confirm(address))
        self._under_way[address] = task
        task.add_done_callback(lambda _task: self._under_way.pop(address, None))

    def under_way(self) -> tuple[asyncio.Task[None], ...]:
        """What is being confirmed."""
        return tuple(self._under_way.values())

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = self.under_way()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _confirm(self, address: str) -> None:
        topic = address.partition("TopicArn=")[2].partition("&")[0]
        reason = ""
        for pause in (0.0, *self._pauses):
            await asyncio.sleep(pause)
            try:
                await self._fetch(address)
            except FetchFailed as error:
                reason = str(error)
            else:
                log.info("sns.confirmed", topic=topic)
                return
        log.warning("sns.not_confirmed", topic=topic, reason=reason, hint="request the confirmation again in SNS")


def receiving_from_sns(stack: AsyncExitStack) -> Scheme:
    """The scheme of SNS, with what it needs of the outside; closed with the stack."""
    fetch = Fetcher()
    stack.push_async_callback(fetch.close)
    certificates, confirmations = KeptCertificates(fetch), Confirmations(fetch)
    stack.push_async_callback(certificates.close)
    stack.push_async_callback(confirmations.close)
    return sns(certificates, confirmations)
