"""The generated schemas and vocabularies are those of the shapes; the schemas are schemas."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas import vocabulary
from schemas.docstrings import describe
from schemas.generate import SHAPES, Shape, differing, files, schema_of, write
from tests.support.json_schema import check_schema

ROOT = Path(__file__).resolve().parents[2]
by_name = pytest.mark.parametrize("shape", SHAPES, ids=[shape.name for shape in SHAPES])


def test_what_is_committed_is_what_the_shapes_say() -> None:
    """`make schemas` would change nothing."""
    assert differing(files(ROOT), ROOT) == []


def test_differences_are_named(tmp_path: Path) -> None:
    """A missing, an edited and a stray file are told by name."""
    generated = files(tmp_path)
    write(generated)
    folder = tmp_path / "schemas" / "json"
    (folder / "tick.schema.json").unlink()
    (folder / "entry.schema.json").write_text("{}")
    (folder / "left_over.schema.json").write_text("{}")

    names = [f"schemas/json/{name}.schema.json" for name in ("entry", "left_over", "tick")]
    assert differing(generated, tmp_path) == names


@by_name
def test_schemas_are_valid(shape: Shape) -> None:
    """Each is a JSON Schema of the 2020-12 draft, with a title and a description."""
    schema = schema_of(shape)
    check_schema(schema)

    assert schema["title"]
    assert schema["description"]


@by_name
def test_schemas_forbid_no_unknown_field(shape: Shape) -> None:
    """A field that a later version adds does not make its documents invalid for readers of this one."""
    assert not list(_closed(schema_of(shape)))


def _closed(schema: Any) -> Any:
    if isinstance(schema, dict):
        if schema.get("additionalProperties") is False:
            yield schema
        for value in schema.values():
            yield from _closed(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _closed(value)


def test_the_index_names_every_schema() -> None:
    """index.json lists exactly the files beside it."""
    folder = ROOT / "schemas" / "json"
    index = json.loads((folder / "index.json").read_text())

    assert {each["file"] for each in index["schemas"]} == {path.name for path in folder.glob("*.schema.json")}


def test_times_are_marked() -> None:
    """A time is a date-time, also one that may be missing; a text is not."""
    properties = schema_of(next(shape for shape in SHAPES if shape.name == "entry"))["properties"]

    assert properties["at"]["anyOf"][0] == {"type": "string", "format": "date-time"}
    assert properties["text"] == {"type": "string"}


def test_every_vocabulary_is_documented() -> None:
    """docs/vocabulary.md has a heading for every enum and a line for every word."""
    page = (ROOT / "docs" / "vocabulary.md").read_text(encoding="utf-8")
    for name in vocabulary.__all__:
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]

        assert [f"- `{word}`" for word in getattr(vocabulary, name)] == [
            line for line in section.splitlines() if line.startswith("- ")
        ]


def test_docstrings_are_split_into_fields() -> None:
    """Names before a colon describe fields, several at once and one after another; other colons are text."""
    docstring = """One thing.

    More about it,
    in two lines.

    Attributes:
        at: when it began (None: never); ended_at: when it was
            over.
        host, service: where; note: this is text.
    """

    assert describe(docstring, ["at", "ended_at", "host", "service"]) == (
        "One thing.\n\nMore about it, in two lines.",
        {
            "at": "when it began (None: never).",
            "ended_at": "when it was over.",
            "host": "where; note: this is text.",
            "service": "where; note: this is text.",
        },
    )
