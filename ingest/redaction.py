"""What must not be kept of a body: the values of the fields that an adapter names under `secrets`.

Values are replaced in the raw bytes, and nothing else of them is touched: a redacted body is read like the one that
came, and its hash is always the same. Redacting twice changes nothing, so that a recording replays to the same ids.

In JSON a value is a text, a number, or a whole object or list; null, true, false and the empty text stay, for they
tell nothing. JSON inside a text of JSON is looked into, one level deep and at texts and numbers only, and so is the
JSON in the field of a form. In bodies that are neither JSON nor forms whatever looks like JSON is treated as such.
"""

import codecs
import re
from functools import cache
from typing import Final
from urllib.parse import quote_plus, unquote_plus

import msgspec

__all__ = ["REDACTED", "redact"]

REDACTED: Final = "[redacted]"

_TEXT: Final = REDACTED.encode()
_QUOTED: Final = b'"' + _TEXT + b'"'
_ESCAPED: Final = b'\\"' + _TEXT + b'\\"'
# every letter of a name may be written as \u0065
_LETTER_ESCAPE: Final = b"\\u00"
_SPACE: Final = rb"[ \t\r\n]*+"
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z|\\\Z)', re.DOTALL)
_BRACKET: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z|\\\Z)|([\[{])|[\]}]', re.DOTALL)
_BARE: Final = re.compile(rb'[^\s,}\]"\[{]*+')
_HARMLESS: Final = (b"null", b"true", b"false", b"")
# the text of a text: its quotes are \", what it escapes has two backslashes
_INNER: Final = (
    rb'\\"(?!\\")(?:[^"\\]++|\\\\(?:\\["\\]|[^"\\])|\\[^"\\])*+(?:\\"|(?="|\Z))'
    rb"|-?[0-9][0-9.eE+-]*+"
)
_INNER_SPACE: Final = rb"(?:[ \t]|\\[nrt])*+"
_JSON_BEGINS: Final = (b"{", b"[", b'"')
_UTF_16: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class _Names(msgspec.Struct, frozen=True):
    """The names of secret fields, as they are looked for.

    Attributes:
        needles: what stands in every body that has one of them, unless it is written with escapes.
        keys: a key of JSON with its colon, plainly written; any_keys: with escapes, too.
        inner: a key, colon and value of JSON inside a text.
    """

    plain: frozenset[str]
    needles: tuple[bytes, ...]
    keys: re.Pattern[bytes]
    any_keys: re.Pattern[bytes]
    inner: re.Pattern[bytes]


@cache
def _names(secrets: tuple[str, ...]) -> _Names:
    written = b"|".join(b"".join(_letter(letter) for letter in name) for name in secrets)
    return _Names(
        frozenset(secrets),
        tuple(name.encode() for name in secrets),
        _key(b"|".join(re.escape(name.encode()) for name in secrets)),
        _key(written),
        re.compile(
            rb'(\\"(?<!\\\\")(?:' + written + rb')\\"' + _INNER_SPACE + b":" + _INNER_SPACE + b")(?:" + _INNER + b")"
        ),
    )


def _key(names: bytes) -> re.Pattern[bytes]:
    # a quote inside a text has a backslash before it: without one it begins a key
    return re.compile(rb'"(?<!\\")(?:' + names + rb')"' + _SPACE + b":" + _SPACE)


def _letter(letter: str) -> bytes:
    code = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{ord(letter):04x}")
    return b"(?:%s|\\\\u%s)" % (re.escape(letter.encode()), code.encode())


def redact(body: bytes, secrets: tuple[str, ...]) -> bytes:
    """The body without the values of these fields: the very same object where it has none of them. Never raises."""
    if not secrets or not body:
        return body
    names = _names(secrets)
    encoding = _UTF_16.get(body[:2])
    if encoding is not None:
        return _recoded(body, encoding, names)
    begins = body.lstrip()[:1]
    if begins not in _JSON_BEGINS and b"=" in body:
        body = _redact_form(body, names)
    return _redact_json(body, names)


def _recoded(body: bytes, encoding: str, names: _Names) -> bytes:
    try:
        text = body[2:].decode(encoding).encode()
    except UnicodeError:
        return body  # nobody can read it
    clean = _redact_json(text, names)
    return body if clean is text else body[:2] + clean.decode().encode(encoding)


def _redact_json(body: bytes, names: _Names) -> bytes:
    escapes = _LETTER_ESCAPE in body
    if not escapes and not any(needle in body for needle in names.needles):
        return body
    keys = names.any_keys if escapes else names.keys
    parts: list[bytes] = []
    at = 0
    while (key := keys.search(body, at)) is not None:
        end, value = _value(body, key.end())
        parts += (body[at : key.end()], value)
        at = end
    if parts:
        body = b"".join((*parts, body[at:]))
    return names.inner.sub(_inner_value, body) if b'\\"' in body else body


def _value(body: bytes, start: int) -> tuple[int, bytes]:
    """Where the value that starts here ends, and what takes its place."""
    first = body[start : start + 1]
    if first == b'"':
        end = _end_of(_STRING, body, start)
        return end, body[start:end] if body[start:end] == b'""' else _QUOTED
    if first in (b"{", b"["):
        return _end_of_nested(body, start), _QUOTED
    end = _end_of(_BARE, body, start)
    return end, body[start:end] if body[start:end] in _HARMLESS else _QUOTED


def _end_of(pattern: re.Pattern[bytes], body: bytes, start: int) -> int:
    found = pattern.match(body, start)
    return found.end() if found else len(body)


def _end_of_nested(body: bytes, start: int) -> int:
    """The end of an object or a list; of one that is cut off, the end of the body."""
    depth = 0
    for token in _BRACKET.finditer(body, start):
        if token.group(1):
            depth += 1
        elif token.group()[:1] != b'"':
            depth -= 1
            if depth == 0:
                return token.end()
    return len(body)


def _inner_value(found: re.Match[bytes]) -> bytes:
    return found.group(1) + _ESCAPED


def _redact_form(body: bytes, names: _Names) -> bytes:
    pairs = body.split(b"&")
    clean = [_redact_pair(pair, names) for pair in pairs]
    return body if clean == pairs else b"&".join(clean)


def _redact_pair(pair: bytes, names: _Names) -> bytes:
    name, separator, value = pair.partition(b"=")
    if not value.strip():
        return pair
    if _plain(name).strip() in names.plain:
        # a form has no line ends: beyond one something else begins
        _, ends, rest = value.partition(b"\n")
        return name + separator + _TEXT + ends + rest
    if b'"' in value:
        return pair  # not encoded: read as JSON, if it is any, with the rest of the body
    document = _plain(value).encode(errors="surrogateescape")
    if document.lstrip()[:1] not in _JSON_BEGINS:
        return pair
    clean = _redact_json(document, names)
    # only a field that loses something is encoded anew
    return pair if clean == document else name + separator + quote_plus(clean).encode()


def _plain(part: bytes) -> str:
    return unquote_plus(part.decode(errors="surrogateescape"), errors="surrogateescape")
