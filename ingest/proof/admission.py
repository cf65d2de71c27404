"""Who may deliver to an integration: whoever proves to be its sender, or holds one of our own credentials for it.

    no secret is configured  ->  whom the server knows (a token; on loopback without sign-in everybody)
    a secret is configured   ->  who shows it or signs with it, or a token of ours that may deliver there

A sender that is known by its secret may deliver and nothing else: no command comes from it, whatever its source.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from alertline import telemetry
from alertline.web.access import Permission, Principal
from alertline.web.problems import Problem
from ingest.proof.scheme import Check, is_one_of
from ingest.proof.shown import Place, Shown, Wrong

__all__ = ["Keys", "admit", "owner_of", "unauthorized", "unknown"]


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """How the sender of one integration is known.

    Attributes:
        checks: one of them must find what it looks for, and none may find something wrong.
        secrets: those that are live, for servers that find an integration by its key.
        hidden: headers that hold the proof, in lower case: they are never recorded.
        ways: names of the schemes, for people.
    """

    checks: tuple[Check, ...]
    secrets: tuple[bytes, ...] = ()
    hidden: frozenset[str] = frozenset()
    ways: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Keys({', '.join(self.ways)})"

    async def fit(self, shown: Shown, now: datetime) -> bool:
        """Whether a request proves where it comes from; False where it shows nothing.

        Raises:
            Wrong: what it shows is not right; LogUnavailable: that cannot be told now.
        """
        found = False
        for check in self.checks:
            found |= await check(shown, now)
        return found


async def admit(name: str, keys: Keys | None, shown: Shown, principal: Principal | None, now: datetime) -> Principal:
    """For whom a delivery to an integration is taken.

    Args:
        name: the integration's.
        principal: whom the server knows the request to come from, if anybody.

    Raises:
        Problem: 401, it proves nothing or wrongly; 403, the token is for something else.
        LogUnavailable: it cannot be told now.
    """
    if principal is not None and (keys is None or not principal.shared):
        if not principal.may_deliver(name):
            raise _forbidden(name)
        return principal
    try:
        if keys is not None and await keys.fit(shown, now):
            return Principal(f"integration:{name}", frozenset((Permission.INGEST,)), frozenset((name,)))
    except Wrong as error:
        raise unauthorized(str(error)) from error
    raise unauthorized("nothing proves where it comes from")


def unauthorized(reason: str) -> Problem:
    """The 401."""
    telemetry.REFUSALS.labels("unauthenticated").inc()
    headers = {"WWW-Authenticate": 'Bearer realm="Alertline"'}
    return Problem(401, "Credentials are missing or wrong", reason, headers=headers)


def unknown(name: str, principal: Principal | None, detail: str = "") -> Problem:
    """The refusal where there is no such integration; only who might deliver to it learns that there is none."""
    if principal is None:
        return unauthorized("nothing proves where it comes from")
    if not principal.may_deliver(name):
        return _forbidden(name)
    telemetry.REFUSALS.labels("unknown_integration").inc()
    return Problem(404, "Unknown integration", detail)


def _forbidden(name: str) -> Problem:
    telemetry.REFUSALS.labels("forbidden").inc()
    return Problem(403, "Not allowed", f"this needs a token with the scope ingest:{name}")


def owner_of(integrations: Iterable[tuple[str, Keys | None]], place: Place, shown: Shown) -> str | None:
    """The integration whose secret a request shows at a place; for servers whose address names no integration."""
    given = place(shown)
    found = None
    for name, keys in integrations:
        if given is not None and keys is not None and is_one_of(given.encode(errors="surrogateescape"), keys.secrets):
            found = found or name
    return found
