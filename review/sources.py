"""The senders: what each delivered last, what was wrong with it, what to paste into it, and a test."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol
from urllib.parse import quote, urlencode

import msgspec
from aiohttp import web

from alertline.web.access import PRINCIPAL, Permission
from alertline.web.problems import Problem
from alertline.web.routes import Route
from review.answers import json_answer, page_answer
from review.watching import Seen

__all__ = ["Sender", "Senders", "public_sender", "source_routes"]

_Render = Callable[..., str]


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """One integration as it is shown.

    Attributes:
        configured: whether the configuration names it.
        paste: what to put into the sender's configuration; `{url}` stands for the address.
        ways: how it may prove who it is; none: it has no secret.
        secret_since: since when it has had its newest secret, as far as is known.
        seen: what the end of the log says of it; None: nothing.
        refused: how many of its requests this process refused for what they showed; last_refusal: why.
    """

    name: str
    source: str
    stream: str
    configured: bool
    title: str
    paste: str
    ways: tuple[str, ...] = ()
    secret_since: datetime | None = None
    seen: Seen | None = None
    refused: int = 0
    last_refusal: str | None = None


class Senders(Protocol):
    """Knows the senders."""

    async def all(self) -> Sequence[Sender]:
        """Every sender that is configured, or was seen."""
        ...

    async def test(self, name: str, principal: str) -> str | None:
        """Let the receiver take a test; gives its delivery id, None where there is no such integration.

        Raises:
            LogUnavailable: not durable in time.
        """
        ...


class _Nobody:
    """No senders: where nothing is received."""

    async def all(self) -> Sequence[Sender]:
        return ()

    async def test(self, name: str, principal: str) -> str | None:
        return None


def source_routes(known: Senders | None, render: _Render) -> list[Route]:
    """The list and the test, for programs and for people."""
    senders: Senders = known or _Nobody()

    async def listed(request: web.Request) -> web.Response:
        base = _base(request)
        return json_answer({"sources": [public_sender(each, base) for each in await senders.all()]})

    async def shown(request: web.Request) -> web.Response:
        base, tested = _base(request), request.query.get("tested")
        every = [(each, _address(base, each)) for each in await senders.all()]
        return page_answer(render("sources.html", senders=every, tested=tested, delivery=request.query.get("delivery")))

    async def tested(request: web.Request) -> web.Response:
        answer = json_answer({"delivery": await _test(senders, request), "kind": "test"})
        answer.set_status(202)
        return answer

    async def tested_on_page(request: web.Request) -> web.Response:
        delivery = await _test(senders, request)
        query = urlencode({"tested": request.match_info["name"], "delivery": delivery})
        return web.Response(status=303, headers={"Location": f"/sources?{query}"})

    return [
        Route("GET", "/v1/sources", Permission.READ, listed),
        Route("POST", "/v1/sources/{name}/test", Permission.WRITE, tested),
        Route("GET", "/sources", Permission.READ, shown),
        Route("POST", "/sources/{name}/test", Permission.WRITE, tested_on_page),
    ]


def public_sender(sender: Sender, base: str) -> dict[str, object]:
    """A sender as JSON; what is not known is null."""
    public: dict[str, object] = msgspec.to_builtins(sender)
    seen = sender.seen
    public["address"] = _address(base, sender)
    public["paste"] = sender.paste.replace("{url}", _address(base, sender))
    if seen is not None:
        public["seen"] = {**msgspec.to_builtins(seen), "per_hour": seen.per_hour}
    return public


async def _test(senders: Senders, request: web.Request) -> str:
    delivery = await senders.test(request.match_info["name"], request[PRINCIPAL].name)
    if delivery is None:
        raise Problem(404, "Unknown integration")
    return delivery


def _base(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _address(base: str, sender: Sender) -> str:
    return f"{base}/v1/webhooks/{quote(sender.name, safe='')}"
