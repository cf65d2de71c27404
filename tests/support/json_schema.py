"""Checking documents against our JSON Schemas, times included."""

from datetime import datetime

import jsonschema  # type: ignore[import-untyped]  # it ships no types, and its stubs would be one more dependency

__all__ = ["check_schema", "fits", "refusals"]


def _is_time(value: object) -> bool:
    """RFC 3339 in UTC, as we write it."""
    return not isinstance(value, str) or (value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None)


_formats = jsonschema.FormatChecker(formats=())
_formats.checks("date-time", raises=ValueError)(_is_time)


def check_schema(schema: object) -> None:
    """Fail if it is no JSON Schema of the 2020-12 draft."""
    jsonschema.Draft202012Validator.check_schema(schema)


def refusals(document: object, schema: object) -> list[str]:
    """Why the schema refuses the document; empty where it fits."""
    validator = jsonschema.Draft202012Validator(schema, format_checker=_formats)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def fits(document: object, schema: object) -> bool:
    """Whether the document fits the schema."""
    return not refusals(document, schema)
