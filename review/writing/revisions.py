"""`If-Match`: the revision of the thing that a write changes, as its author saw it."""

from aiohttp import web

from alertline.web.problems import Problem

__all__ = ["revision_in"]

_DIGITS = 9


def revision_in(request: web.Request) -> int | None:
    """The revision that the request names; None, or `*`: the present one is meant.

    Raises:
        Problem: 400, it is no whole number.
    """
    raw = request.headers.get("If-Match", "").strip()
    if raw in ("", "*"):
        return None
    bare = raw.removeprefix("W/").strip('"')
    if not (bare.isascii() and bare.isdecimal() and len(bare) <= _DIGITS):
        told = "it is the revision of the thing that is changed, a whole number, not the ETag of the incident"
        raise Problem(400, "If-Match is no revision", told)
    return int(bare)
