"""The senders that a configuration names."""

from alertline.config import Settings
from alertline.errors import SettingError
from ingest.integrations import Integration, Integrations, UnknownSource

__all__ = ["integrations_of"]


def integrations_of(settings: Settings) -> Integrations:
    """The configured senders.

    Raises:
        SettingError: one names a source that there is not.
    """
    named = {
        name: Integration(name=name, source=each.source, stream=each.stream)
        for name, each in settings.integrations.items()
    }
    try:
        return Integrations(named)
    except UnknownSource as error:
        raise SettingError(str(error)) from error
