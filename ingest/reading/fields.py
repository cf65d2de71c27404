"""Reading the fields of one JSON object, with errors that say where (JSON pointer) and why."""

import math
from collections.abc import Collection, Iterable
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import msgspec

from ingest.reading.durations import BadDuration, read_duration
from ingest.reading.json_body import printable
from ingest.reading.labels import string_labels, text_of
from ingest.reading.times import read_epoch, read_time
from schemas.events import Rejected

__all__ = ["BadField", "Fields", "items_of", "pointer_of"]

W = TypeVar("W", bound=StrEnum)


class BadField(ValueError):
    """A field that cannot be read: where, and why."""

    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(f"{pointer}: {reason}" if pointer else reason)
        self.pointer, self.reason = pointer, reason

    def rejected(self, index: int) -> Rejected:
        """The same as an item of a reply."""
        return Rejected(index, self.pointer, self.reason)


def pointer_of(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) of its parts."""
    return "".join("/" + printable(str(part)).replace("~", "~0").replace("/", "~1") for part in parts)


def items_of(document: object, key: str = "alerts") -> list[tuple[str, object]]:
    """The items of a body that is one object, a list, or an object with a list under `key`, each with its pointer."""
    if isinstance(document, dict) and isinstance(document.get(key), list):
        return [(pointer_of(key, index), item) for index, item in enumerate(document[key])]
    if isinstance(document, list):
        return [(pointer_of(index), item) for index, item in enumerate(document)]
    return [("", document)]


class Fields(msgspec.Struct, frozen=True):
    """One object of a body. Every reader takes synonyms, of which the first that is there and not null counts.

    Attributes:
        values: the object; pointer: where it stands in the body.
    """

    values: dict[str, object]
    pointer: str = ""

    @classmethod
    def of(cls, value: object, pointer: str) -> "Fields":
        """Take a JSON value as an object.

        Raises:
            BadField: it is not one.
        """
        if not isinstance(value, dict):
            raise BadField(pointer, "an object is expected here")
        return cls(value, pointer)

    def at(self, name: str) -> str:
        """The pointer to a field."""
        return self.pointer + pointer_of(name)

    def name_of(self, names: Iterable[str]) -> str | None:
        """The first of the names under which there is something; empty texts count as nothing."""
        values = self.values
        for name in names:
            value = values.get(name)
            if value is not None and value != "":
                return name
        return None

    def text(self, *names: str) -> str | None:
        """A text; numbers and truth values are written out.

        Raises:
            BadField: an object or a list.
        """
        name = self.name_of(names)
        if name is None:
            return None
        value = self.values[name]
        if isinstance(value, str):
            return printable(value).strip()
        if isinstance(value, (dict, list)):
            raise BadField(self.at(name), "a text is expected here")
        return text_of(value)

    def time(self, *names: str) -> datetime | None:
        """A time: RFC 3339 with a zone, or a number since 1970 (seconds to nanoseconds, by magnitude).

        Raises:
            BadField: anything else.
        """
        name = self.name_of(names)
        if name is None:
            return None
        value = self.values[name]
        try:
            if isinstance(value, str):
                return read_time(value) if not value.strip().isdecimal() else read_epoch(int(value))
            if isinstance(value, int | float) and not isinstance(value, bool):
                return read_epoch(value)
        except ValueError as error:  # BadTime, or thousands of digits
            raise BadField(self.at(name), str(error)) from error
        raise BadField(self.at(name), "a time is expected here (RFC 3339 with a zone)")

    def seconds(self, *names: str) -> float | None:
        """A duration in seconds: a number, or such as 5m.

        Raises:
            BadField: anything else.
        """
        text = self.text(*names)
        if text is None:
            return None
        try:
            return read_duration(text)
        except BadDuration as error:
            raise BadField(self.at(self.name_of(names) or ""), str(error)) from error

    def number(self, *names: str) -> float | None:
        """A finite number; None for anything else: a value is told, never needed."""
        try:
            value = float(self.text(*names) or "nan")
        except (BadField, ValueError):
            return None
        return value if math.isfinite(value) else None

    def word(self, words: type[W], name: str) -> W:
        """A word of a closed vocabulary.

        Raises:
            BadField: missing or another word; the reason lists the allowed ones.
        """
        text = self.text(name)
        allowed = ", ".join(words)
        if text is None:
            raise BadField(self.at(name), f"missing; one of: {allowed}")
        try:
            return words(text.lower())
        except ValueError:
            raise BadField(self.at(name), f"unknown word {text[:60]!r}; one of: {allowed}") from None

    def needed(self, name: str) -> str:
        """A text that must be there.

        Raises:
            BadField: missing, empty or not a text.
        """
        text = self.text(name)
        if not text:
            raise BadField(self.at(name), "missing")
        return text

    def labels(self, *names: str) -> dict[str, str]:
        """An object of labels, all values as strings; empty where there is none.

        Raises:
            BadField: not an object.
        """
        name = self.name_of(names)
        if name is None:
            return {}
        value = self.values[name]
        if not isinstance(value, dict):
            raise BadField(self.at(name), "an object of labels is expected here")
        return string_labels(value)

    def unknown(self, known: Collection[str]) -> tuple[str, ...]:
        """A warning for every field that nobody reads: mostly a slip of the pen."""
        return tuple(f"{self.at(name)}: unknown field, not read" for name in self.values if name not in known)
