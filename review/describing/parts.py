"""What an operation of the OpenAPI document is made of: parameters and answers, in a few words each."""

from enum import StrEnum
from typing import Any, Final

import msgspec

__all__ = ["ID", "JSON", "PROBLEMS", "REF", "Operation", "answer", "listed", "named", "query", "text", "words"]

Schema = dict[str, Any]

REF: Final = "#/components/schemas/"
JSON: Final = "application/json"
_TOLD: Final = {
    400: "A parameter, a header or the body is wrong; it is named.",
    401: "Credentials are missing or wrong.",
    403: "Not allowed.",
    404: "There is no such thing.",
    405: "Another method is needed.",
    409: "It was decided otherwise; the reason is told.",
    412: "Somebody else changed the thing first; nothing of this was done.",
    413: "The body is too large.",
    422: "A field is missing or wrong; it is named.",
    503: "Not now; `Retry-After` says when to ask again.",
}


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One route as a client sees it.

    Attributes:
        told: what it does; parameters, answers, body: in OpenAPI's own words.
        refused: statuses with which it may refuse, besides those that any may.
    """

    method: str
    path: str
    told: str
    parameters: tuple[Schema, ...] = ()
    answers: dict[int, Schema]
    refused: tuple[int, ...] = ()
    body: type[msgspec.Struct] | None = None


def named(name: str, told: str, schema: Schema | None = None) -> Schema:
    """A part of the path."""
    text_: Schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": told, "schema": schema or text_}


def query(name: str, told: str, schema: Schema | None = None) -> Schema:
    """A parameter of the query string."""
    return {"name": name, "in": "query", "description": told, "schema": schema or {"type": "string"}}


def words(*enums: type[StrEnum], more: tuple[str, ...] = ()) -> Schema:
    """One of some words."""
    return {"type": "string", "enum": [*(word.value for enum in enums for word in enum), *more]}


def answer(told: str, schema: Schema | str | None = None, media: str = JSON) -> Schema:
    """An answer: a schema, or the name of a component."""
    if isinstance(schema, str):
        schema = {"$ref": f"{REF}{schema}"}
    return {"description": told} | ({"content": {media: {"schema": schema}}} if schema is not None else {})


def text(told: str, media: str) -> Schema:
    """An answer that is text."""
    return answer(told, {"type": "string"}, media)


def listed(name: str, items: Schema) -> Schema:
    """A page of a list, and where the next one begins."""
    return {
        "type": "object",
        "properties": {name: {"type": "array", "items": items}, "next_cursor": {"type": ["string", "null"]}},
        "required": [name, "next_cursor"],
    }


def problem(status: int) -> Schema:
    """A refusal."""
    return answer(_TOLD[status], "Problem", "application/problem+json")


PROBLEMS: Final = {status: problem(status) for status in _TOLD}
ID: Final = named("id", "The id of the incident, or one that leads to it.")
