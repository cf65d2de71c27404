"""Bodies that users write themselves out of a sender's variables: names in any spelling, nested or flat."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from ingest.reading.fields import Fields, pointer_of

__all__ = ["Template", "spelled_alike"]

_SEPARATORS: Final = re.compile(r"[^a-z0-9]")
_LONGEST_KNOWN: Final = 64  # so that a hostile sender cannot fill memory with names
_UNSET: Final = frozenset(("null", "none", "undefined", "n/a"))
_LONGEST_UNSET: Final = max(map(len, _UNSET))
# says nothing without the name of what it belongs to
_NEEDS_OWNER: Final = frozenset(("id", "name"))


_Placed = tuple[str, tuple[str, ...], object]  # the common spelling, where it stands, what it holds


def spelled_alike(name: str) -> str:
    """One spelling for alert_id, alertId, ALERT-ID and Alert ID."""
    return _known(name) if len(name) <= _LONGEST_KNOWN else _SEPARATORS.sub("", name.lower())


@lru_cache(maxsize=4096)  # a template has the same names in every body
def _known(name: str) -> str:
    return _SEPARATORS.sub("", name.lower())


class Template(Fields, frozen=True):
    """The fields of such a body by their common spelling; what is nested is found under both names joined, too.

    Attributes:
        places: where each field really stands: the names on the way to it.
        unexpanded: names of fields whose variable was left as it is: the sender did not know it.
    """

    places: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    unexpanded: tuple[str, ...] = ()

    def at(self, name: str) -> str:
        """The pointer to a field, as its sender spells it."""
        return self.pointer + pointer_of(*self.places.get(name, (name,)))

    @classmethod
    def read(cls, document: Mapping[str, object], variable: re.Pattern[str], within: str = "") -> "Template":
        """Take an object; `variable` is what a variable of the sender looks like when nobody expanded it.

        `within` is the pointer to the object, for a body that holds several.
        """
        values: dict[str, object] = {}
        places: dict[str, tuple[str, ...]] = {}
        unexpanded: list[str] = []
        for name, place, value in _fields(document):
            if isinstance(value, str):
                tidy = value.strip()
                if variable.fullmatch(tidy):
                    unexpanded.append(name)
                    continue
                if len(tidy) <= _LONGEST_UNSET and tidy.lower() in _UNSET:
                    continue
            if name not in values:
                values[name], places[name] = value, place
        return cls(values, within, places, tuple(unexpanded))

    def names(self) -> set[str]:
        """Every name that there is, expanded or not: what a sender is recognised by."""
        return {*self.values, *self.unexpanded}

    def plain(self) -> "Template":
        """The same without what is nested: `host` may be an object in one body and a name in the next."""
        texts = {name: value for name, value in self.values.items() if not isinstance(value, (dict, list))}
        return Template(texts, self.pointer, self.places, self.unexpanded)


def _fields(document: Mapping[str, object]) -> list[_Placed]:
    """Every field with its place; the plain ones first, then nested ones by both names, then by their own."""
    plain: list[_Placed] = []
    joined: list[_Placed] = []
    own: list[_Placed] = []
    for name, value in document.items():
        outer = spelled_alike(name)
        plain.append((outer, (name,), value))
        for inner, said in value.items() if isinstance(value, dict) else ():
            short, place = spelled_alike(inner), (name, inner)
            joined.append((outer + short, place, said))
            if short not in _NEEDS_OWNER:
                own.append((short, place, said))
    return plain + joined + own
