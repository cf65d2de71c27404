"""CloudEvents 1.0 over HTTP: attributes in headers (binary mode), in the body (structured mode), or a batch."""

import base64
import binascii
import re
from typing import Final
from urllib.parse import unquote

import msgspec

from ingest.adapter import Request
from ingest.reading.fields import BadField, Fields, items_of
from ingest.reading.json_body import Unreadable, printable, read_json

__all__ = ["CloudEvent", "events_of", "is_binary"]

_PREFIX: Final = "ce-"
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


class CloudEvent(msgspec.Struct, frozen=True):
    """One event.

    Attributes:
        attributes: by their names in lower case, extensions included; pointers lead to where they stand.
        data: what it carries: JSON where it can be read as that, else text, None for nothing.
        pointer: where the data stands in the body.
    """

    attributes: Fields
    data: object
    pointer: str


def is_binary(request: Request) -> bool:
    """Whether the attributes are in the headers."""
    return "ce-specversion" in request.headers or ("ce-type" in request.headers and "ce-id" in request.headers)


def events_of(request: Request) -> list[CloudEvent | BadField]:
    """The events of a request; in place of one that is no object, why.

    Raises:
        Unreadable: a body that must be JSON is not.
    """
    if is_binary(request):
        given = {
            name.removeprefix(_PREFIX): _unescaped(value)
            for name, value in request.headers.items()
            if name.startswith(_PREFIX)
        }
        return [CloudEvent(Fields(dict(given)), _data_of_body(request.body), "")]
    document = request.document
    items = items_of(document) if isinstance(document, list) else [("", document)]
    return [_structured(pointer, item) for pointer, item in items]


def _structured(pointer: str, item: object) -> CloudEvent | BadField:
    try:
        fields = Fields.of(item, pointer)
    except BadField as error:
        return error
    given = {name.lower(): value for name, value in fields.values.items() if name not in ("data", "data_base64")}
    packed, data = fields.values.get("data_base64"), fields.values.get("data")
    if packed is None and str(given.get("datacontentencoding", "")).lower() == "base64":
        packed = data  # version 0.3
    if isinstance(packed, str):
        return CloudEvent(Fields(given, pointer), _unpacked(packed), fields.at("data_base64"))
    return CloudEvent(Fields(given, pointer), _parsed(data) if isinstance(data, str) else data, fields.at("data"))


def _data_of_body(body: bytes) -> object:
    try:
        return read_json(body) if body.strip() else None
    except Unreadable:
        return printable(body.decode(errors="replace"))


def _unpacked(packed: str) -> object:
    try:
        return _data_of_body(base64.b64decode(packed, validate=True))
    except (binascii.Error, ValueError):
        return packed


def _parsed(text: str) -> object:
    """The JSON in a text; most senders that write it so meant to write it plain."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return read_json(text.encode(errors="replace"))
    except Unreadable:
        return text


def _unescaped(value: str) -> str:
    """A header's value: quotes taken off, then one round of percent-decoding."""
    quoted = _QUOTED.fullmatch(value.strip())
    if quoted:
        value = _ESCAPE.sub(r"\1", quoted.group(1))
    try:
        return printable(unquote(value, errors="strict"))
    except UnicodeDecodeError:
        return value
