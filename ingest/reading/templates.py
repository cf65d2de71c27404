"""Bodies that users write themselves out of a sender's variables: names in any spelling, nested or flat."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from ingest.reading.fields import Fields, pointer_of

__all__ = ["Template", "spelled_alike"]

_SEPARATORS: Final = re.compile(r"[^a-z0-9]")
_UNSET: Final = frozenset(("null", "none", "undefined", "n/a"))
_LONGEST_UNSET: Final = max(map(len, _UNSET))
# says nothing without the name of what it belongs to
_NEEDS_OWNER: Final = frozenset(("id", "name"))


@lru_cache(maxsize=8192)  # a template has the same names every time
def spelled_alike(name: str) -> str:
    """One spelling for alert_id, alertId, ALERT-ID and Alert ID."""
    return _SEPARATORS.sub("", name.lower())


class Template(Fields, frozen=True):
    """The fields of such a body by their common spelling; what is nested is found under both names joined, too.

    Attributes:
        pointers: where each field really stands.
        unexpanded: names of fields whose variable was left as it is: the sender did not know it.
    """

    pointers: dict[str, str] = msgspec.field(default_factory=dict)
    unexpanded: tuple[str, ...] = ()

    def at(self, name: str) -> str:
        """The pointer to a field, as its sender spells it."""
        return self.pointers.get(name) or self.pointer + pointer_of(name)

    @classmethod
    def read(cls, document: Mapping[str, object], variable: re.Pattern[str], within: str = "") -> "Template":
        """Take an object; `variable` is what a variable of the sender looks like when nobody expanded it.

        `within` is the pointer to the object, for a body that holds several.
        """
        values: dict[str, object] = {}
        pointers: dict[str, str] = {}
        unexpanded: list[str] = []
        for name, pointer, value in _fields(document):
            if isinstance(value, str):
                tidy = value.strip()
                if variable.fullmatch(tidy):
                    unexpanded.append(name)
                    continue
                if len(tidy) <= _LONGEST_UNSET and tidy.lower() in _UNSET:
                    continue
            if name not in values:
                values[name], pointers[name] = value, within + pointer
        return cls(values, within, pointers, tuple(unexpanded))

    def plain(self) -> "Template":
        """The same without what is nested: `host` may be an object in one body and a name in the next."""
        texts = {name: value for name, value in self.values.items() if not isinstance(value, (dict, list))}
        return Template(texts, self.pointer, self.pointers, self.unexpanded)


@lru_cache(maxsize=8192)
def _spelled(name: str) -> tuple[str, str]:
    """A field's common spelling and its pointer."""
    return spelled_alike(name), pointer_of(name)


def _fields(document: Mapping[str, object]) -> list[tuple[str, str, object]]:
    """Every field with its pointer; the plain ones first, then nested ones by both names, then by their own."""
    plain, joined, own = [], [], []
    for name, value in document.items():
        outer, at = _spelled(name)
        plain.append((outer, at, value))
        if not isinstance(value, dict):
            continue
        for inner, said in value.items():
            short, below = _spelled(inner)
            joined.append((outer + short, at + below, said))
            if short not in _NEEDS_OWNER:
                own.append((short, at + below, said))
    return plain + joined + own
