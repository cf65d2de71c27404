"""Who a request acts for: whoever a token of ours, or the session of a browser, was made for.

A token stands in `Authorization` (behind any word, or in Basic as the password) or, for senders that can set no
header, in the path. Somebody who shows one acts for it also where everybody is the operator. What is not written like a
token of ours is not ours to judge: it may be the secret of an integration.
"""

import re
from collections.abc import Mapping
from typing import Final

from alertline import telemetry
from alertline.store.tokens import SESSION
from alertline.web.access import LOCAL_OPERATOR, Principal
from alertline.web.authorization import last_word_of, password_of
from alertline.web.problems import RETRY_AFTER_S, Problem
from alertline.web.tokens import KnownTokens, Unsure, looks_like_ours

__all__ = ["COOKIE", "Credentials", "session_in", "token_in"]

COOKIE: Final = "alertline_session"
_IN_COOKIE: Final = re.compile(rf"(?:^|;\s*){COOKIE}=([A-Za-z0-9_-]+)")


class Credentials:
    """Implements `Authenticator`; `local`: whoever shows nothing is the operator."""

    def __init__(self, known: KnownTokens, *, local: bool) -> None:
        self._known, self._nobody = known, LOCAL_OPERATOR if local else None

    async def authenticate(self, headers: Mapping[str, str], token: str | None = None) -> Principal | None:
        """Name the principal of a request.

        Raises:
            Problem: 401 for a token of ours that does not hold; 503 where that cannot be told now.
        """
        text = token_in(headers, token)
        try:
            if text is not None:
                found = await self._known.find(text)
                if found is None:
                    raise _wrong()
                return found[1]
            if self._nobody is None and (cookie := session_in(headers)) is not None:
                opened = await self._known.find(cookie, SESSION)
                return opened[1] if opened is not None else None
        except Unsure as unsure:
            telemetry.REFUSALS.labels("unsure").inc()
            raise Problem(
                503, "Credentials cannot be checked now", str(unsure), headers={"Retry-After": str(RETRY_AFTER_S)}
            ) from unsure
        return self._nobody


def token_in(headers: Mapping[str, str], token: str | None = None) -> str | None:
    """The token of ours that a request shows; None where it shows none."""
    if "authorization" in headers:
        for each in (last_word_of(headers), password_of(headers)):
            if each is not None and looks_like_ours(each):
                return each
    return token if token is not None and looks_like_ours(token) else None


def session_in(headers: Mapping[str, str]) -> str | None:
    """The session that a browser shows."""
    found = _IN_COOKIE.search(headers.get("cookie", ""))
    return found[1] if found is not None else None


def _wrong() -> Problem:
    telemetry.REFUSALS.labels("unauthenticated").inc()
    headers = {"WWW-Authenticate": 'Bearer realm="Alertline", error="invalid_token"'}
    return Problem(401, "Credentials are missing or wrong", "the token is unknown, revoked or expired", headers=headers)
