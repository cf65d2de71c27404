"""A body as JSON, as tolerant as it can be without guessing.

A byte order mark is skipped and UTF-16 is understood where it has one; of duplicate keys the last wins; numbers too
large to be represented become null; half an emoji (a lone surrogate) becomes U+FFFD. NaN, comments, trailing commas,
two documents in one body and depths beyond about a thousand levels are unreadable.
"""

import codecs
import json
import math
import re
from typing import Final, NoReturn

import orjson

__all__ = ["Unreadable", "has_control_escapes", "printable", "read_json"]

_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CONTROL_ESCAPE: Final = re.compile(rb"\\u00[017]")


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
    """Whether a JSON body may hold control characters (raw ones are not JSON); quick, at times true without need."""
    return _CONTROL_ESCAPE.search(body) is not None


def printable(text: str) -> str:
    """The text with control characters (but tab and line ends) and halves of surrogate pairs replaced by U+FFFD.

    NUL cannot be stored by every database, and escape sequences would be obeyed by terminals.
    """
    return text if text.isprintable() else _UNPRINTABLE.sub("\ufffd", text)


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
        return _cleaned(json.loads(body, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_exact))
    except (ValueError, RecursionError):
        raise Unreadable(f"not JSON: {reason}") from None


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {printable(name): _cleaned(item) for name, item in value.items()}
    return value


def _exact(digits: str) -> int | str:
    """A whole number, or its digits where no other reader of the record could hold it."""
    number = int(digits)
    return number if abs(number) < 1 << 63 else digits


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None
