"""A body as JSON, as tolerant as it can be without guessing.

A byte order mark is skipped and UTF-16 is understood where it has one; of duplicate keys the last wins; numbers too large
to be represented become null; half an emoji (a lone surrogate) becomes U+FFFD. NaN, comments, trailing commas, two
documents in one body and depths beyond about a thousand levels are unreadable.
"""

import codecs
import json
import math
import re
from typing import Final, NoReturn

import orjson

__all__ = ["Unreadable", "has_control_escapes", "printable", "read_json"]

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CONTROL_ESCAPES: Final = (b"\\u000", b"\\u001", b"\\u007")


class Unreadable(ValueError):
    """The body cannot be read at all; the message says why."""


def read_json(body: bytes) -> object:
    """Read a body as one JSON document.

    Raises:
        Unreadable: it is none.
    """
    text = _as_utf8(body)
    try:
        document: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return _read_again(text, str(error))
    return document


def has_control_escapes(body: bytes) -> bool:
    """Whether a JSON body may hold control characters (raw ones are not JSON): a quick test, at times true without need."""
    return any(escape in body for escape in _CONTROL_ESCAPES)


def printable(text: str) -> str:
    """The text with control characters (but tab and line ends) and halves of surrogate pairs replaced by U+FFFD.

    NUL cannot be stored by every database, and escape sequences would be obeyed by terminals.
    """
    if not text.isprintable():  # most texts are; line ends are the usual exception
        text = _CONTROLS.sub("\ufffd", text)
        return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if _has_surrogate(text) else text
    return text


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _as_utf8(body: bytes) -> bytes:
    if body.startswith(codecs.BOM_UTF8):
        return body[len(codecs.BOM_UTF8) :]
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return body.decode("utf-16").encode()
        except UnicodeError as error:
            raise Unreadable(f"not UTF-16 although it begins so: {error}") from error
    return body


def _read_again(body: bytes, reason: str) -> object:
    """Read what orjson refuses only for a number out of range or a lone surrogate; the standard library takes those."""
    try:
        document: object = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise Unreadable(f"not JSON: {reason}") from None
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None
