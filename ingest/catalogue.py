"""All source types that are installed: every module of `ingest.sources`, found by name."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

import ingest.sources
from ingest.adapter import Adapter, Request

__all__ = ["adapters", "detect"]


@cache
def adapters() -> Mapping[str, Adapter]:
    """Every adapter by its name, in order of names.

    Raises:
        TypeError: a module of `ingest.sources` has no `ADAPTER`, or one of another name.
    """
    found: dict[str, Adapter] = {}
    for module in sorted(pkgutil.iter_modules(ingest.sources.__path__), key=lambda module: module.name):
        adapter = getattr(import_module(f"ingest.sources.{module.name}"), "ADAPTER", None)
        if not isinstance(adapter, Adapter) or adapter.name != module.name:
            raise TypeError(f"ingest/sources/{module.name}.py needs ADAPTER = Adapter(name={module.name!r}, …)")
        found[adapter.name] = adapter
    return MappingProxyType(found)


@cache
def _by_rank() -> tuple[Adapter, ...]:
    return tuple(sorted(adapters().values(), key=lambda adapter: adapter.rank))


def detect(request: Request) -> Adapter | None:
    """The adapter whose sender this looks like; None if it looks like none."""
    return next((adapter for adapter in _by_rank() if adapter.detect(request)), None)
