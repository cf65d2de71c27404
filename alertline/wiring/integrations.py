"""The senders that a configuration names."""

from collections.abc import Mapping
from types import MappingProxyType

from alertline.config import Integration as Configured
from alertline.config import Settings
from alertline.errors import SettingError
from ingest.integrations import Integration, Integrations, UnknownSource
from ingest.proof.admission import Keys
from ingest.reading.mapping import LABEL, PARTS, BadMapping, Mapped, compile_mapping

__all__ = ["integrations_of"]


def integrations_of(settings: Settings, keys: Mapping[str, Keys] = MappingProxyType({})) -> Integrations:
    """The configured senders; `keys`: how they are known, where deliveries are received.

    Raises:
        SettingError: one names a source that there is not, or has a mapping that cannot be used.
    """
    named = {
        name: Integration(
            name=name, source=each.source, stream=each.stream, mapping=_mapping_of(name, each), keys=keys.get(name)
        )
        for name, each in settings.integrations.items()
    }
    try:
        return Integrations(named)
    except UnknownSource as error:
        raise SettingError(str(error)) from error


def _mapping_of(name: str, integration: Configured) -> Mapped | None:
    mapping = integration.mapping
    if mapping is None:
        return None
    if integration.source != "generic":
        raise SettingError(f"integrations.{name}: a mapping goes with source = 'generic', not {integration.source!r}")
    given = {part: getattr(mapping, part) for part in PARTS}
    labels = given.pop("labels")
    expressions = {part: text for part, text in given.items() if text is not None}
    if isinstance(labels, str):
        expressions["labels"] = labels
    else:
        expressions |= {LABEL + label: text for label, text in labels.items()}
    try:
        return compile_mapping(expressions, mapping.words, mapping.severities)
    except BadMapping as error:
        raise SettingError(f"integrations.{name}.mapping.{error}") from error
