"""What stands in the header `Authorization`."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

__all__ = ["after_word", "bearer_of", "last_word_of", "password_of"]

_HEADER: Final = "authorization"


def after_word(value: str | None, word: str) -> str | None:
    """What stands behind a word such as `Bearer `, in any case; None where another word stands, or nothing."""
    if value is None or value[: len(word)].lower() != word.lower():
        return None
    return value[len(word) :].strip() or None


def bearer_of(headers: Mapping[str, str]) -> str | None:
    """The bearer token; None where there is none."""
    return after_word(headers.get(_HEADER), "Bearer ")


def last_word_of(headers: Mapping[str, str]) -> str | None:
    """What stands behind whatever word a sender's protocol begins with: `Bearer`, `GenieKey`, `Token token=`."""
    value = headers.get(_HEADER)
    return None if value is None else value.rpartition(" ")[2].rpartition("=")[2] or None


def password_of(headers: Mapping[str, str]) -> str | None:
    """The password of HTTP Basic; without one, the name: some senders have only that field."""
    credentials = after_word(headers.get(_HEADER), "Basic ")
    if credentials is None:
        return None
    try:
        name, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return password or name or None
