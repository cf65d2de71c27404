"""Reading what our docstrings say: a summary, and under `Attributes:` a sentence per field.

The JSON Schemas and the pages of docs/ that are generated take their words from here, so each thing is said once.
"""

import inspect
import re
from collections.abc import Collection, Iterator

__all__ = ["Described", "describe"]

Described = tuple[str, dict[str, str]]
"""The summary, and the sentence of each field that has one."""

_ATTRIBUTE = re.compile(r"    (\w+(?:, \w+)*): (.*)")


def describe(docstring: str, fields: Collection[str]) -> Described:
    """Split a docstring into its summary and the sentences of those fields; names that are no field are text."""
    head, _, block = inspect.cleandoc(docstring).partition("Attributes:\n")
    told: dict[str, str] = {}
    for names, sentence in _attributes(block):
        told |= _several(names, sentence, fields)
    return _unwrapped(head), told


def _unwrapped(text: str) -> str:
    """Paragraphs on one line each."""
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))


def _attributes(block: str) -> Iterator[tuple[list[str], str]]:
    names: list[str] = []
    lines: list[str] = []
    for line in block.splitlines():
        found = _ATTRIBUTE.fullmatch(line)
        if found is None:
            lines.append(line.strip())
            continue
        if names:
            yield names, " ".join(lines).strip()
        names, lines = found[1].split(", "), [found[2].strip()]
    if names:
        yield names, " ".join(lines).strip()


def _several(names: list[str], sentence: str, fields: Collection[str]) -> dict[str, str]:
    """`at: when it began; ended_at: when it was over` describes two fields in one line."""
    told: dict[str, str] = {}
    while True:
        cut = next((each for each in re.finditer(r"; (\w+(?:, \w+)*): ", sentence) if _known(each[1], fields)), None)
        here = sentence if cut is None else sentence[: cut.start()]
        told |= {name: here.rstrip(".") + "." for name in names if name in fields}
        if cut is None:
            return told
        names, sentence = cut[1].split(", "), sentence[cut.end() :]


def _known(names: str, fields: Collection[str]) -> bool:
    return all(name in fields for name in names.split(", "))
