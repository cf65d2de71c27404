"""What must not be kept of a request: credentials in headers and in the query string."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote_plus

from ingest.reading.json_body import printable

__all__ = ["DISPOSED", "REDACTED", "REPLAY_OF", "TEST", "kept_headers", "redacted_query"]

REDACTED: Final = "redacted"
REPLAY_OF: Final = "alertline-replay-of"
DISPOSED: Final = "alertline-disposed"
TEST: Final = "alertline-test"
_OURS: Final = frozenset(("alertline-received-at", REPLAY_OF, DISPOSED, TEST))

_SECRET_NAMES: Final = frozenset(("authorization", "proxy-authorization", "cookie", "x-auth", "x-amz-security-token"))
_SECRET_PARTS: Final = ("token", "secret", "signature", "api-key", "apikey", "api_key", "password", "credential")
# they belong to one connection or to the encoding on the way; the body is kept decoded
_OF_THE_CONNECTION: Final = frozenset(
    ("accept", "accept-encoding", "connection", "content-encoding", "content-length", "expect", "host", "keep-alive")
) | {"te", "trailer", "transfer-encoding", "upgrade"}
_SECRET_QUERY_PARTS: Final = (*_SECRET_PARTS, "auth", "pwd", "jwt", "passw")
# short words are secrets only by themselves or at the end of a name: a StatusCode is none
_SECRET_QUERY_NAMES: Final = frozenset(("code", "sig", "pass"))
_SECRET_QUERY_ENDS: Final = ("key",)
# names repeat from request to request; the bound keeps a hostile sender from filling memory
_MOST_NAMES: Final = 1024
_known_names: Final[dict[str, str | None]] = {}


def kept_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers worth keeping, names in lower case, without secrets; of a repeated one the last."""
    kept: dict[str, str] = {}
    for name, value in headers:
        try:
            ours = _known_names[name]
        except KeyError:
            ours = _learn(name)
        if ours is not None:
            # an undecodable byte arrives as half a surrogate pair, which no record can hold
            kept[ours] = value if value.isascii() else printable(value)
    return kept


def _learn(name: str) -> str | None:
    ours = _kept_name(str(name).lower())
    if len(_known_names) < _MOST_NAMES:
        _known_names[str(name)] = ours
    return ours


def _kept_name(name: str) -> str | None:
    if name in _SECRET_NAMES or name in _OF_THE_CONNECTION or any(part in name for part in _SECRET_PARTS):
        return None
    # when it was received stands in the record; the marks of `ingest/again.py` are no sender's to make
    return None if name in _OURS else name


def redacted_query(query: str) -> str:
    """The query string with the values of keys that name secrets replaced; everything else stays byte for byte."""
    return "&".join(_redacted_pair(pair) for pair in printable(query).split("&"))


def _redacted_pair(pair: str) -> str:
    name, separator, value = pair.partition("=")
    plain = unquote_plus(name).lower()
    secret = plain in _SECRET_QUERY_NAMES or plain.endswith(_SECRET_QUERY_ENDS)
    if value and (secret or any(part in plain for part in _SECRET_QUERY_PARTS)):
        return f"{name}{separator}{REDACTED}"
    return pair
