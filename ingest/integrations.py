"""Integrations: named senders. Without configuration every source type is one of its own name, in stream `default`."""

from collections.abc import Mapping
from functools import partial

import msgspec

from ingest.adapter import Adapter
from ingest.catalogue import adapters
from ingest.proof.admission import Keys
from ingest.reading.mapping import Mapped, read_mapped

__all__ = ["DEFAULT_STREAM", "Integration", "Integrations", "UnknownSource"]

DEFAULT_STREAM = "default"


class UnknownSource(ValueError):
    """An integration is configured with a source type that is not installed; the message lists those that are."""


class Integration(msgspec.Struct, frozen=True, kw_only=True):
    """One sender.

    Its name in paths, its source type, the stream that its deliveries go to, how its bodies are read, and what proves
    that a delivery comes from it.
    """

    name: str
    source: str
    stream: str = DEFAULT_STREAM
    mapping: Mapped | None = None
    keys: Keys | None = None


class Integrations:
    """The senders that this server knows. A configured one takes precedence over a source type of the same name."""

    def __init__(
        self, configured: Mapping[str, Integration] | None = None, known: Mapping[str, Adapter] | None = None
    ) -> None:
        """Take what is configured, and the adapters (all that are installed, unless others are given).

        Raises:
            UnknownSource: an integration names a source that is not installed.
        """
        self._adapters = adapters() if known is None else known
        everything = {name: Integration(name=name, source=name) for name in self._adapters} | dict(configured or {})
        for integration in everything.values():
            if integration.source not in self._adapters:
                raise UnknownSource(
                    f"integration {integration.name}: unknown source {integration.source!r}; "
                    f"one of: {', '.join(self._adapters)}"
                )
        self.configured = frozenset(configured or ())
        self._pairs = {name: (one, _adapter_of(one, self._adapters[one.source])) for name, one in everything.items()}

    def find(self, name: str) -> tuple[Integration, Adapter] | None:
        """The integration of this name with its adapter; None if there is none."""
        return self._pairs.get(name)

    def nearest(self, name: str, source: str, stream: str | None) -> tuple[Integration, Adapter | None]:
        """The integration of a delivery that was received before: as it is configured now, else by its source alone.

        It keeps its name and, if one is given, its stream; without an adapter its source is no longer installed.
        """
        found: tuple[Integration, Adapter | None] | None = self.find(name) or self.find(source)
        integration, adapter = found or (Integration(name=name, source=source), None)
        return msgspec.structs.replace(integration, name=name, stream=stream or integration.stream), adapter

    def pairs(self) -> tuple[tuple[Integration, Adapter], ...]:
        """Every integration with its adapter."""
        return tuple(self._pairs.values())

    def of_source(self, source: str) -> tuple[Integration, ...]:
        """The configured integrations of a source, in order of names; without any, that of the source's own name."""
        found = tuple(one for one in self.all() if one.source == source and one.name in self.configured)
        return found or tuple(one for one in self.all() if one.source == source)

    def all(self) -> tuple[Integration, ...]:
        """Every integration, in order of names."""
        return tuple(self._pairs[name][0] for name in sorted(self._pairs))


def _adapter_of(integration: Integration, adapter: Adapter) -> Adapter:
    """The adapter of an integration: with a mapping it is asked only where that finds nothing."""
    if integration.mapping is None:
        return adapter
    adapt = partial(read_mapped, mapping=integration.mapping, otherwise=adapter.adapt)
    # a vendor's body, not our own format: what cannot be read waits in quarantine, and its sender hears nothing of it
    return msgspec.structs.replace(adapter, adapt=adapt, own=False)
