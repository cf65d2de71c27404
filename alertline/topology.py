"""Which service calls which, read from files that people have already: Backstage catalogs and tables of calls.

What comes out is plain data (`Topology.depends_on` and this together go into the configuration's record), so a file
that changes later changes nothing that was decided.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from alertline.errors import SettingError

__all__ = ["Calls", "cycles", "joined", "read_backstage", "read_csv"]

Calls = dict[str, tuple[str, ...]]
"""Caller = the services that it calls."""

Pairs = Iterator[tuple[str, str]]
_KINDS: Final = ("component", "resource", "api")
_Ref = tuple[str, str, str]


def joined(*several: Mapping[str, tuple[str, ...]]) -> Calls:
    """All of them together: by name, each call once; a service that calls itself says nothing."""
    found: dict[str, set[str]] = {}
    for calls in several:
        for caller, callees in calls.items():
            found.setdefault(caller, set()).update(callee for callee in callees if callee != caller)
    return {caller: tuple(sorted(found[caller])) for caller in sorted(found)}


def read_csv(path: Path) -> Calls:
    """Read a table of calls: the columns caller and callee, wherever a header says, else the first two.

    Raises:
        SettingError: the file cannot be read, or a row has no two names.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _collected(_pairs(path, csv.reader(file)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingError(f"topology.csv: cannot read {path}: {_why(error)}") from error


def _pairs(path: Path, rows: Iterable[list[str]]) -> Pairs:
    columns = (0, 1)
    for number, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or cells[0].startswith("#"):
            continue
        names = [cell.casefold() for cell in cells]
        if number == 1 and "caller" in names and "callee" in names:
            columns = (names.index("caller"), names.index("callee"))
            continue
        pair = [cells[column] if column < len(cells) else "" for column in columns]
        if not all(pair):
            raise SettingError(
                f"topology.csv: {path}:{number}: a caller and a callee are needed, not {','.join(row)!r}"
            )
        yield pair[0], pair[1]


def read_backstage(paths: list[Path]) -> Calls:
    """Read Backstage catalog files together: an API that one of them provides may be consumed in another.

    A component or resource calls what it `dependsOn`, and whoever provides an API that it `consumesApis`. Names are
    those of `metadata.name`. An API that nobody provides in these files leads nowhere.

    Raises:
        SettingError: a file cannot be read, or holds what is no entity.
    """
    entities = [(path, entity) for path in paths for entity in _entities(path)]
    names: dict[_Ref, str] = {}
    providers: dict[_Ref, list[str]] = {}
    for path, entity in entities:
        own = _own(path, entity)
        names[own] = entity["metadata"]["name"]
        for ref in _refs(path, entity, "providesApis", "api"):
            providers.setdefault(ref, []).append(names[own])
    return _collected(_calls(entities, names, providers))


def _calls(
    entities: list[tuple[Path, dict[str, Any]]], names: Mapping[_Ref, str], providers: Mapping[_Ref, list[str]]
) -> Pairs:
    def services(ref: _Ref) -> list[str]:
        return providers.get(ref, []) if ref[0] == "api" else [names.get(ref, ref[2])]

    for path, entity in entities:
        if str(entity["kind"]).casefold() == "api":
            continue
        name = entity["metadata"]["name"]
        for ref in (*_refs(path, entity, "dependsOn", "component"), *_refs(path, entity, "consumesApis", "api")):
            for callee in services(ref):
                yield name, callee
        for ref in _refs(path, entity, "dependencyOf", "component"):
            for caller in services(ref):
                yield caller, name


def _entities(path: Path) -> Iterator[dict[str, Any]]:
    import yaml  # only here: who has no catalog need not wait for it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=loader))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"topology.backstage: cannot read {path}: {_why(error)}") from error
    except yaml.YAMLError as error:
        raise SettingError(f"topology.backstage: {path} is not valid YAML: {' '.join(str(error).split())}") from error
    for number, document in enumerate(documents, start=1):
        if document is None:
            continue
        if not isinstance(document, dict) or "kind" not in document:
            raise SettingError(f"topology.backstage: {path}: document {number} is no entity: it has no kind")
        if str(document["kind"]).casefold() in _KINDS:
            yield document


def _own(path: Path, entity: dict[str, Any]) -> _Ref:
    metadata = entity.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name:
        raise SettingError(f"topology.backstage: {path}: a {entity['kind']} has no metadata.name")
    return str(entity["kind"]).casefold(), _namespace(entity), name.casefold()


def _namespace(entity: dict[str, Any]) -> str:
    return str(entity["metadata"].get("namespace") or "default").casefold()


def _refs(path: Path, entity: dict[str, Any], field: str, kind: str) -> Iterator[_Ref]:
    """The entities that a field names, `[kind:][namespace/]name`; left out are the field's kind and our namespace."""
    spec = entity.get("spec")
    values = spec.get(field) if isinstance(spec, dict) else None
    for value in values or ():
        if not isinstance(value, str) or not isinstance(values, list):
            name = entity["metadata"]["name"]
            raise SettingError(f"topology.backstage: {path}: {field} of {name} must be a list of entity names")
        head, colon, rest = value.rpartition(":")
        namespace, slash, name = rest.rpartition("/")
        yield (
            (head if colon else kind).casefold(),
            namespace.casefold() if slash else _namespace(entity),
            name.casefold(),
        )


def _collected(pairs: Pairs) -> Calls:
    found: dict[str, list[str]] = {}
    for caller, callee in pairs:
        found.setdefault(caller, []).append(callee)
    return joined({caller: tuple(callees) for caller, callees in found.items()})


def _why(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def cycles(calls: Mapping[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Calls that lead back to where they began, one example of each group that can reach each other."""
    found: list[tuple[str, ...]] = []
    told: set[str] = set()
    for start in sorted(calls):
        if start in told:
            continue
        way = _way_back(calls, start)
        if way is not None:
            found.append(way)
            told.update(way)
    return found


def _way_back(calls: Mapping[str, tuple[str, ...]], start: str) -> tuple[str, ...] | None:
    """The shortest way of calls from a service to itself; None where there is none."""
    before: dict[str, str] = {}
    ring = [start]
    while ring:
        following: list[str] = []
        for caller in ring:
            for callee in calls.get(caller, ()):
                if callee == start:
                    way = [caller]
                    while way[-1] != start:
                        way.append(before[way[-1]])
                    return (*reversed(way), start)
                if callee not in before:
                    before[callee] = caller
                    following.append(callee)
        ring = following
    return None
