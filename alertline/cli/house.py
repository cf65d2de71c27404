"""Are we in our own house? Some of our top-level packages have names that others use too.

`ingest`, `consumers`, `review` and `schemas` must be those that lie beside `alertline`. A package of one of these names
earlier on the import path (a working directory, PYTHONPATH) would be taken instead, and fail in ways that nobody reads
as what they are. Called before anything is imported from them.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Final

__all__ = ["NEIGHBOURS", "check_house", "stranger"]

NEIGHBOURS: Final = ("ingest", "consumers", "review", "schemas")
_HOME: Final = Path(__file__).resolve().parents[2]


def check_house() -> None:
    """End with one line and status 2 if a neighbour would be loaded from elsewhere."""
    problem = stranger()
    if problem is not None:
        sys.stderr.write(f"alertline: {problem}\n")
        sys.exit(2)


def stranger(home: Path = _HOME, names: Sequence[str] = NEIGHBOURS) -> str | None:
    """What is wrong with the first neighbour that does not lie at home, in one line; None where all is well."""
    for name in names:
        place = _place(find_spec(name))
        if place is None:
            return f"the package '{name}' is missing beside {home / 'alertline'}: install Alertline again"
        if place != home / name:
            return (
                f"the package '{name}' would be loaded from {place} instead of {home / name}: start in another folder, "
                "or take it off PYTHONPATH, or install Alertline into an environment of its own"
            )
    return None


def _place(spec: ModuleSpec | None) -> Path | None:
    """Where a package lies, or the file of a module; None where there is none."""
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or ())
    if folders:
        return Path(folders[0]).resolve()
    return Path(spec.origin).resolve() if spec.origin else None
