"""What a request shows of its sender, and the places at which a shared secret may stand.

A server for another tool's protocol says with a place where that tool puts its key; everything else is the same.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final
from urllib.parse import parse_qs

import msgspec

from alertline.web.authorization import after_word, bearer_of, password_of
from ingest.reading.json_body import Unreadable, read_json

__all__ = ["Place", "Shown", "Wrong", "as_bearer", "as_password", "in_body", "in_header", "in_path"]

_LONGEST: Final = 4096


class Shown(msgspec.Struct, frozen=True, dict=True):
    """A request before anything is dropped from it.

    Attributes:
        headers: found by their names in lower case.
        body: the raw bytes.
        token: the part of the path that stands where a token may.
    """

    headers: Mapping[str, str]
    body: bytes
    token: str | None = None

    @cached_property
    def document(self) -> object:
        """The body as JSON; None where it is not JSON."""
        try:
            return read_json(self.body)
        except Unreadable:
            return None


class Wrong(Exception):
    """What was shown is not right; the reason is for the sender, and holds nothing secret."""


Place = Callable[[Shown], str | None]
"""Finds the secret that a request shows at one place; None where nothing stands there."""


def in_header(name: str, prefix: str = "") -> Place:
    """The value of a header, behind a word such as `GenieKey ` (in any case) if one is given."""
    wanted = name.lower()

    def find(shown: Shown) -> str | None:
        return after_word(shown.headers.get(wanted), prefix)

    return find


def as_bearer(shown: Shown) -> str | None:
    """A bearer token."""
    return bearer_of(shown.headers)


def as_password(shown: Shown) -> str | None:
    """The password of HTTP Basic."""
    return password_of(shown.headers)


def in_path(shown: Shown) -> str | None:
    """The token in the path, for senders that can set no header."""
    return shown.token


def in_body(member: str) -> Place:
    """A member of the body, where that is an object; of a form, a field."""

    def find(shown: Shown) -> str | None:
        document = shown.document
        value = document.get(member) if isinstance(document, dict) else _field(shown.body, member)
        return value if isinstance(value, str) and 0 < len(value) <= _LONGEST else None

    return find


def _field(body: bytes, name: str) -> str | None:
    try:
        return parse_qs(body.decode(), max_num_fields=1000).get(name, [None])[0]
    except ValueError:
        return None
