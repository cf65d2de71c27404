"""Write schemas/json/*.schema.json, its index and docs/vocabulary.md from the shapes: `python -m schemas.generate`.

The same shapes give the same bytes. `--check` writes nothing; it names the files that differ and exits 1. Meant for a
checkout; in an installed wheel the files lie ready.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from schemas import vocabulary
from schemas.components import components_of, structs_of
from schemas.docstrings import describe
from schemas.events import AlertEvent, Change, Command, Entry
from schemas.published import INCIDENT_VERSION, Incident
from schemas.recording import RECORDING_VERSION, RecordingLine
from schemas.records import RECORD_VERSION, Configured, Delivery, Tick

__all__ = ["SHAPES", "Shape", "differing", "files", "main", "schema_of", "write"]

_Schema = dict[str, Any]


class Shape(msgspec.Struct, frozen=True):
    """A shape that crosses a process boundary, with the version of what carries it."""

    name: str
    type: type[msgspec.Struct]
    version: int


SHAPES: Final = (
    Shape("delivery", Delivery, RECORD_VERSION),
    Shape("tick", Tick, RECORD_VERSION),
    Shape("configuration", Configured, RECORD_VERSION),
    Shape("alert_event", AlertEvent, RECORD_VERSION),
    Shape("change", Change, RECORD_VERSION),
    Shape("entry", Entry, RECORD_VERSION),
    Shape("command", Command, RECORD_VERSION),
    Shape("recording_line", RecordingLine, RECORDING_VERSION),
    Shape("incident", Incident, INCIDENT_VERSION),
)


def schema_of(shape: Shape) -> _Schema:
    """The JSON Schema of a shape. It forbids no unknown field: a later version may add one."""
    defs = components_of((shape.type,), "#/$defs/")
    root = defs.pop(shape.type.__name__)
    if shape.type is RecordingLine:
        _one_body(root)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:alertline:schema:{shape.name}:{shape.version}",
    }
    schema: _Schema = head | root | ({"$defs": dict(sorted(defs.items()))} if defs else {})
    return schema


def _one_body(root: _Schema) -> None:
    bodies = ("body", "body_text", "body_base64")
    pairs = [[one, other] for n, one in enumerate(bodies) for other in bodies[n + 1 :]]
    root["not"] = {"anyOf": [{"required": pair} for pair in pairs]}


def files(root: Path) -> dict[Path, bytes]:
    """Every generated file below a checkout, with the bytes it should hold."""
    folder = root / "schemas" / "json"
    generated = {folder / _file(shape): _json(schema_of(shape)) for shape in SHAPES}
    index = [{"name": shape.name, "version": shape.version, "file": _file(shape)} for shape in SHAPES]
    generated[folder / "index.json"] = _json({"schemas": index})
    generated[root / "docs" / "vocabulary.md"] = vocabulary_page().encode()
    return generated


def _file(shape: Shape) -> str:
    return f"{shape.name}.schema.json"


def _json(document: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def vocabulary_page() -> str:
    """docs/vocabulary.md: every closed vocabulary, its words, and the fields that speak it."""
    used: dict[str, list[str]] = {}
    for shape in SHAPES:
        for struct in dict.fromkeys(structs_of(shape.type)):
            for field in msgspec.structs.fields(struct):
                for word in _enums(field.type):
                    place = f"`{struct.__name__}.{field.encode_name}`"
                    if place not in used.setdefault(word, []):
                        used[word].append(place)
    words = [_vocabulary(getattr(vocabulary, name), used.get(name, [])) for name in vocabulary.__all__]
    return _PAGE_HEAD + "\n".join(words)


_PAGE_HEAD: Final = """\
# Vocabularies

<!-- Written by `make schemas` from schemas/vocabulary.py. Edit that. -->

A word that is not here does not cross a process boundary: a receiver refuses or quarantines it, a record with it is
not written. A new word is a new version of the records that speak it (schemas/README.md).

"""


def _enums(type_: object) -> Iterator[str]:
    if isinstance(type_, type) and issubclass(type_, StrEnum):
        yield type_.__name__
    for part in get_args(type_):
        yield from _enums(part)


def _vocabulary(enum: type[StrEnum], places: Sequence[str]) -> str:
    lines = [f"## {enum.__name__}", "", describe(enum.__doc__ or "", ())[0], ""]
    lines += [f"- `{word.value}`" for word in enum]
    if places:
        lines += ["", f"Spoken in: {', '.join(places)}."]
    return "\n".join(lines) + "\n"


def write(generated: Mapping[Path, bytes]) -> None:
    """Write the files."""
    for path, content in generated.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def differing(generated: Mapping[Path, bytes], root: Path) -> list[str]:
    """Names of files that are missing, hold something else, or lie in schemas/json without being generated."""
    wrong = [path for path, content in generated.items() if not path.exists() or path.read_bytes() != content]
    stray = [path for path in (root / "schemas" / "json").glob("*") if path not in generated]
    return [path.relative_to(root).as_posix() for path in sorted((*wrong, *stray))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write, or with --check compare."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 with the names of differing files")
    options = parser.parse_args(arguments)
    root = Path(__file__).resolve().parent.parent
    if not (root / "pyproject.toml").exists():
        parser.error("there is no checkout around this package to write to")
    generated = files(root)
    if not options.check:
        write(generated)
        return 0
    names = differing(generated, root)
    if names:
        sys.stderr.write(f"differs from the shapes, run `make schemas`: {', '.join(names)}\n")
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
