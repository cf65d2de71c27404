"""Whose name stands under what is written on a page: the principal's; without sign-in, the one that was given."""

from urllib.parse import quote, unquote

import msgspec
from aiohttp import web

from alertline.web.access import LOCAL_OPERATOR, PRINCIPAL
from review.commanding import By, asked_by

__all__ = ["Who", "remember_name", "signed", "who"]

_COOKIE = "alertline_name"
_MOST = 200


class Who(msgspec.Struct, frozen=True):
    """The name, and whether it can be changed here."""

    name: str
    free: bool


def who(request: web.Request) -> Who:
    """Who reads a page."""
    principal = request[PRINCIPAL]
    if principal != LOCAL_OPERATOR:
        return Who(principal.name, free=False)
    return Who(unquote(request.cookies.get(_COOKIE, ""))[:_MOST].strip(), free=True)


async def signed(request: web.Request) -> By:
    """Who sends a form: by the form itself, else by the name that was given once."""
    by, known = await asked_by(request), who(request)
    if known.free and known.name and by.actor == LOCAL_OPERATOR.name:
        return msgspec.structs.replace(by, actor=known.name)
    return by


def remember_name(response: web.StreamResponse, name: str) -> None:
    """Let later forms be signed with a name; an empty one forgets it."""
    response.set_cookie(_COOKIE, quote(name.strip()[:_MOST], safe=""), max_age=31_536_000, samesite="Lax")
