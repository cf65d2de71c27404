"""SNS over a real wire: a local HTTPS server that stands for everybody's, and the fetcher as it is in service."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography.hazmat.primitives import serialization

from alertline.wiring.fetching import Confirmations, Fetcher
from ingest.proof.certificates import LARGEST, FetchFailed, KeptCertificates
from ingest.proof.scheme import Terms
from ingest.proof.shown import Wrong
from ingest.proof.sns import sns
from tests.access.test_sns import CONFIRM, HOST, WRONG_CONFIRMATIONS, confirmation
from tests.support.signing import ADDRESS, KEYS, NOW, TOPIC, certificate, message, shows


class Everywhere(AbstractResolver):
    """Leads every name to one local server, and remembers the names."""

    def __init__(self, port: int) -> None:
        self.port, self.names = port, list[str]()

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        """The local server."""
        self.names.append(host)
        return [ResolveResult(hostname=host, host="127.0.0.1", port=self.port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


class Amazon:
    """A local HTTPS server that stands for everybody's; `seen`: the requests that came."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.answer: dict[str, Any] = {"body": KEYS["right"].pem}

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer as it was told to."""
        self.seen.append(f"{request.scheme}://{request.host}{request.path_qs}")
        return web.Response(**self.answer)


@asynccontextmanager
async def amazon(folder: Path) -> AsyncIterator[tuple[Amazon, Fetcher, Everywhere]]:
    """The server, and a fetcher that is as the real one but for the way to it."""
    made, handler = certificate(), Amazon()
    key, cert = folder / "key.pem", folder / "cert.pem"
    no_password = serialization.NoEncryption()
    key.write_bytes(made.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password))
    cert.write_bytes(made.pem)
    secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secure.load_cert_chain(cert, key)
    async with AsyncExitStack() as stack:
        runner = web.ServerRunner(web.Server(handler))
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=secure)
        await site.start()
        assert site._server is not None
        resolver = Everywhere(site._server.sockets[0].getsockname()[1])  # type: ignore[attr-defined]

        def session() -> aiohttp.ClientSession:
            trusting = ssl.create_default_context()
            trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
            return aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver, ssl=trusting))

        fetch = Fetcher(session)
        stack.push_async_callback(fetch.close)
        yield handler, fetch, resolver


async def test_over_a_real_wire(tmp_path: Path) -> None:
    """Certificate and confirmation come from the topic's host alone, in two requests, over TLS."""
    async with amazon(tmp_path) as (server, fetch, resolver):
        confirm = Confirmations(fetch)
        check = sns(KeptCertificates(fetch), confirm).make(Terms(topics=(TOPIC,)))
        assert await check(shows({}, confirmation()), NOW)
        for url in WRONG_CONFIRMATIONS:
            with pytest.raises(Wrong):
                await check(shows({}, confirmation(SubscribeURL=url, SigningCertURL=ADDRESS)), NOW)
            with pytest.raises(Wrong):
                await check(shows({}, message(SigningCertURL=url)), NOW)
        await asyncio.gather(*confirm.under_way())

    assert server.seen == [ADDRESS, CONFIRM]
    assert set(resolver.names) == {HOST}


async def test_redirects_and_floods(tmp_path: Path) -> None:
    """A redirect is a failure, not a way on; so is any status but 200, and more than a certificate can be."""
    async with amazon(tmp_path) as (server, fetch, _):
        answers: list[tuple[dict[str, Any], str]] = [
            ({"status": 302, "headers": {"Location": "http://169.254.169.254/"}}, "answered 302"),
            ({"status": 500}, "answered 500"),
            ({"body": b"x" * (LARGEST + 1)}, "more than"),
        ]
        for server.answer, words in answers:
            with pytest.raises(FetchFailed, match=words):
                await fetch(ADDRESS)

    assert server.seen == [ADDRESS] * 3


async def test_a_real_fetcher_checks_names(tmp_path: Path) -> None:
    """As it is in service it does not believe a server that only says to be Amazon's; nor one that is not there."""
    async with amazon(tmp_path) as (server, _, resolver):

        def session() -> aiohttp.ClientSession:
            return aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver))

        fetch = Fetcher(session)
        with pytest.raises(FetchFailed, match="Certificate"):
            await fetch(ADDRESS)
        await fetch.close()

    assert server.seen == []
