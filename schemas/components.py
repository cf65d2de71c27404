"""JSON Schema of structs, with the descriptions of their docstrings: for schemas/json and for OpenAPI alike."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, get_args

import msgspec

from schemas.docstrings import describe
from schemas.published import Incident
from schemas.vocabulary import MetricName, MilestoneName

__all__ = ["components_of", "structs_of"]

_Schema = dict[str, Any]


def components_of(types: Sequence[type[msgspec.Struct]], ref: str) -> dict[str, _Schema]:
    """The schemas of some structs and of all that they hold, by name; `ref` stands before a name."""
    _, defs = msgspec.json.schema_components(types, ref_template=ref + "{name}")
    for struct in dict.fromkeys(struct for each in types for struct in structs_of(each)):
        _tell(defs[struct.__name__], struct)
    if Incident in types:
        _as_published(defs[Incident.__name__], ref)
    return defs


def structs_of(of: object) -> Iterator[type[msgspec.Struct]]:
    """Every struct that a type holds, itself included; one may come more than once."""
    if isinstance(of, type) and issubclass(of, msgspec.Struct):
        yield of
        for field in msgspec.structs.fields(of):
            yield from structs_of(field.type)
    for part in get_args(of):
        yield from structs_of(part)


def _tell(schema: _Schema, struct: type[msgspec.Struct]) -> None:
    """Take the descriptions from the docstrings, and say which texts are times."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    names = [field.name for field in fields.values()]
    schema["description"], told = describe(struct.__doc__ or "", names)
    for base in struct.__mro__[1:]:
        if base is not msgspec.Struct and issubclass(base, msgspec.Struct):
            told = describe(base.__doc__ or "", names)[1] | told
    for name, field in fields.items():
        property_ = schema["properties"][name]
        if _holds_times(field.type):
            _mark_times(property_)
        if field.name in told:
            schema["properties"][name] = {"description": told[field.name], **property_}


def _holds_times(type_: object) -> bool:
    return type_ is datetime or any(_holds_times(part) for part in get_args(type_))


def _mark_times(schema: _Schema) -> None:
    if schema.get("type") == "string":
        schema["format"] = "date-time"
    for part in [*schema.get("anyOf", ()), *(schema[name] for name in ("items",) if name in schema)]:
        _mark_times(part)


def _as_published(root: _Schema, ref: str) -> None:
    """Milestones and metrics by their names, and `definition` inside `metrics` (schemas/public.py)."""
    properties = root["properties"]
    milestone = {"anyOf": [{"$ref": f"{ref}Milestone"}, {"type": "null"}]}
    properties["milestones"] = {
        "description": properties["milestones"]["description"],
        "type": "object",
        "properties": {name.value: milestone for name in MilestoneName},
        "required": [name.value for name in MilestoneName],
    }
    metrics = {name.value: {"$ref": f"{ref}Metric"} for name in MetricName}
    properties["metrics"] = {
        "description": properties["metrics"]["description"],
        "type": "object",
        "properties": metrics | {"definition": properties.pop("definition")},
        "required": ["definition"],
    }
    root["required"].remove("definition")
