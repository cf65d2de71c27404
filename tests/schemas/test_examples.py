"""Every golden example reads as its shape, fits its JSON Schema, and is written again as it was."""

from pathlib import Path

import msgspec
import orjson
import pytest

from schemas.generate import SHAPES, schema_of
from schemas.public import as_public
from schemas.published import from_public
from schemas.recording import RecordingLine
from tests.support.golden import LOAD_BALANCER, replayed
from tests.support.json_schema import fits, refusals

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"
TYPES = {shape.name: shape.type for shape in SHAPES}
SCHEMAS = {shape.name: schema_of(shape) for shape in SHAPES}
FILES = sorted(EXAMPLES.glob("*/*.json"))
each_example = pytest.mark.parametrize("file", FILES, ids=[f"{file.parent.name}/{file.stem}" for file in FILES])


@each_example
def test_example_fits_its_schema(file: Path) -> None:
    """The JSON Schema accepts it."""
    assert refusals(orjson.loads(file.read_bytes()), SCHEMAS[file.parent.name]) == []


@each_example
def test_example_survives_reading_and_writing(file: Path) -> None:
    """Read as the typed shape and written again it is the same document."""
    document = orjson.loads(file.read_bytes())
    if file.parent.name == "incident":
        assert as_public(from_public(document)) == document
    else:
        read = msgspec.json.decode(file.read_bytes(), type=TYPES[file.parent.name])

        assert orjson.loads(msgspec.json.encode(read)) == document


@each_example
def test_unknown_fields_are_left_out(file: Path) -> None:
    """A field that a later version adds does not keep this one from reading."""
    document = orjson.loads(file.read_bytes())
    later = document | {"added_later": {"deep": [1]}}
    if file.parent.name == "incident":
        assert from_public(later) == from_public(document)
    else:
        shape = TYPES[file.parent.name]

        assert msgspec.convert(later, shape) == msgspec.convert(document, shape)
    assert refusals(later, SCHEMAS[file.parent.name]) == []


def test_every_shape_has_an_example() -> None:
    """No shape is without one, and no folder is without a shape."""
    assert {file.parent.name for file in FILES} == set(TYPES)


def test_the_whole_incident_is_what_its_recording_comes_to() -> None:
    """The example is the demo's outage. After a meant change: `python -m tests.support.golden` writes it again."""
    assert orjson.loads(LOAD_BALANCER.read_bytes()) == replayed()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("tick", {"record": "tick", "stream": "default", "at": "yesterday"}),
        ("entry", {"type": "entry", "kind": "gossip", "text": "…"}),
        ("recording_line", {"received_at": "2024-08-20T14:05:31Z", "source": "x", "body": {}, "body_text": ""}),
        ("incident", {"id": "inc_1"}),
    ],
)
def test_schemas_refuse_what_is_wrong(name: str, wrong: dict[str, object]) -> None:
    """A time that is none, a word outside its vocabulary, two bodies, missing fields."""
    assert not fits(wrong, SCHEMAS[name])


def test_an_incident_without_definition_is_refused() -> None:
    """What is not an incident's JSON is told, not guessed."""
    with pytest.raises(msgspec.ValidationError, match="definition"):
        from_public({"id": "inc_1", "metrics": {}})


def test_a_line_without_body_is_written_without_one() -> None:
    """An absent body and a body that is null are two things."""
    base = {"received_at": "2024-08-20T14:05:31Z", "source": "generic"}
    for document in (base, base | {"body": None}):
        assert orjson.loads(msgspec.json.encode(msgspec.convert(document, RecordingLine))) == document
