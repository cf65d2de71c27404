"""Certificates of SNS: fetched once, remembered for a day, and never waited for longer than a sender may wait."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from alertline.eventlog.port import LogUnavailable
from ingest.proof.shown import Wrong

__all__ = ["LARGEST", "Fetch", "FetchFailed", "KeptCertificates"]

_Value = TypeVar("_Value")

LARGEST: Final = 16 * 1024
_KEPT: Final = timedelta(hours=24)
_MOST: Final = 32
_PATIENCE_S: Final = 0.7  # of the second in which a sender is answered
_AGAIN: Final = timedelta(seconds=5)


class FetchFailed(Exception):
    """Nothing usable came: no connection, another status than 200, too much."""


Fetch = Callable[[str], Awaitable[bytes]]
"""Fetches an address: bounded in time and size, without following redirects. Raises FetchFailed."""


class _Kept(msgspec.Struct, frozen=True):
    certificate: x509.Certificate
    since: datetime


class KeptCertificates:
    """Implements `ingest.proof.sns.Certificates`.

    A fetch that takes too long goes on: the sender is told to come again, and finds it done. One that failed is not
    made again for a few seconds, however many messages ask for it.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._kept: dict[str, _Kept] = {}
        self._failed: dict[str, datetime] = {}
        self._under_way: dict[str, asyncio.Task[bytes]] = {}

    async def key(self, address: str, now: datetime) -> rsa.RSAPublicKey:
        """The key of a certificate that holds now.

        Raises:
            Wrong: it is no such certificate; LogUnavailable: it cannot be had now.
        """
        kept = self._kept.get(address)
        if kept is None or now - kept.since > _KEPT:
            kept = _Kept(_read(await self._fetched(address, now)), now)
            _remember(self._kept, address, kept)
        certificate = kept.certificate
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Wrong("the certificate of the signature does not hold now")
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise Wrong("the certificate of the signature has no RSA key")
        return key

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fetched(self, address: str, now: datetime) -> bytes:
        failed = self._failed.get(address)
        if failed is not None and now - failed < _AGAIN:
            raise LogUnavailable("the certificate of the signature could not be fetched")
        task = self._under_way.get(address)
        if task is None:
            if len(self._under_way) >= _MOST:
                raise LogUnavailable("too many certificates are being fetched")
            task = asyncio.ensure_future(self._fetch(address))
            self._under_way[address] = task
        try:
            body = await asyncio.wait_for(asyncio.shield(task), _PATIENCE_S)
        except TimeoutError as error:
            raise LogUnavailable("the certificate of the signature is being fetched") from error
        except FetchFailed as error:
            self._under_way.pop(address, None)
            _remember(self._failed, address, now)
            raise LogUnavailable(f"the certificate of the signature could not be fetched: {error}") from error
        self._under_way.pop(address, None)
        return body


def _remember(kept: dict[str, _Value], address: str, value: _Value) -> None:
    """Keep it, in place of the oldest where there are too many."""
    kept.pop(address, None)
    while len(kept) >= _MOST:
        del kept[next(iter(kept))]
    kept[address] = value


def _read(pem: bytes) -> x509.Certificate:
    if len(pem) > LARGEST:
        raise Wrong("the certificate of the signature is too large")
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise Wrong("what stands at SigningCertURL is no certificate") from error
