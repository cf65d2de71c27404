"""Reading fields that an alert can do without: what cannot be read is left out, and a person is told."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from ingest.reading.fields import BadField, Fields
from ingest.reading.json_body import printable

__all__ = ["Lenient"]

T = TypeVar("T")


class Lenient:
    """One object of a body, read so that nothing in it can fail.

    Attributes:
        warnings: one for everything that was left out; shared with others who read the same body.
    """

    def __init__(self, fields: Fields, warnings: list[str]) -> None:
        self._fields, self.warnings = fields, warnings

    @property
    def values(self) -> dict[str, object]:
        """The object itself."""
        return self._fields.values

    def _attempt(self, read: Callable[..., T | None], names: tuple[str, ...]) -> T | None:
        try:
            return read(*names)
        except BadField as error:
            warning = f"{error}; left out"
            if warning not in self.warnings:
                self.warnings.append(warning)
            return None

    def text(self, *names: str) -> str | None:
        """A text, as `Fields.text` reads it."""
        values = self._fields.values
        for name in names:
            value = values.get(name)
            if value is None or value == "":
                continue
            if type(value) is str and value.isprintable():
                return value.strip()  # what mostly comes needs nothing more
            return self._attempt(self._fields.text, names)
        return None

    def time(self, *names: str) -> datetime | None:
        """A time, as `Fields.time` reads it; of synonyms the first that can be read."""
        return next((moment for name in names if (moment := self._attempt(self._fields.time, (name,)))), None)

    def seconds(self, *names: str) -> float | None:
        """A duration, as `Fields.seconds` reads it."""
        return self._attempt(self._fields.seconds, names)

    def number(self, *names: str) -> float | None:
        """A finite number, as `Fields.number` reads it: what is none is passed over."""
        return self._fields.number(*names)

    def numbers(self, name: str) -> list[float]:
        """The numbers of a list inside; everything else in it is passed over."""
        value = self._fields.values.get(name)
        read = [Fields({name: each}).number(name) for each in (value if isinstance(value, list) else [])]
        return [each for each in read if each is not None]

    def labels(self, *names: str) -> dict[str, str]:
        """An object of labels, as `Fields.labels` reads it."""
        return self._attempt(self._fields.labels, names) or {}

    def texts(self, name: str) -> list[str]:
        """The texts of a list inside, or the one text that stands for it; everything else in it is passed over."""
        value = self._fields.values.get(name)
        given = value if isinstance(value, list) else [value]
        read = [printable(each).strip() for each in given if isinstance(each, str)]
        return [each for each in read if each]

    def inner(self, name: str) -> "Lenient":
        """An object inside; an empty one where there is none or something else."""
        value = self._fields.values.get(name)
        return Lenient(Fields(value if isinstance(value, dict) else {}, self._fields.at(name)), self.warnings)

    def list_of(self, name: str) -> list["Lenient"]:
        """The objects of a list inside; everything else in it is passed over."""
        value = self._fields.values.get(name)
        given = value if isinstance(value, list) else []
        return [Lenient(Fields(each, self._fields.at(name)), self.warnings) for each in given if isinstance(each, dict)]
