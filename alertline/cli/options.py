"""Options that several commands share, and the settings that they come to."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from alertline.config import Settings, load_settings

__all__ = [
    "backend_options",
    "config_option",
    "data_option",
    "installation_options",
    "logging_option",
    "network_options",
    "settings_from",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration file (default: alertline.toml, where there is one).",
)
data_option = click.option("--data", metavar="DIR", help="Folder of the embedded log and store [alertline-data].")
logging_option = click.option(
    "--log-format", type=click.Choice(["console", "json"]), help="How the server's own log looks [console]."
)


def backend_options(command: _Command) -> _Command:
    """Add --kafka and --database."""
    kafka = click.option("--kafka", metavar="HOST:PORT,…", help="Kafka cluster, in place of the embedded log.")
    database = click.option("--database", metavar="URL", help="Store, in place of the embedded one: postgresql://…")
    return kafka(database(command))


def installation_options(command: _Command) -> _Command:
    """Add all that says where an installation has its log and its store: what `settings_from` takes."""
    return data_option(config_option(backend_options(command)))


def network_options(command: _Command) -> _Command:
    """Add --host and --port."""
    host = click.option("--host", help="Address to listen on; any but loopback needs --auth required [127.0.0.1].")
    port = click.option("--port", type=int, help="TCP port; 0 takes a free one [8080].")
    return host(port(command))


def settings_from(config: Path | None, **flags: object) -> Settings:
    """The settings of a command: file, environment, flags; a flag that was not given sets nothing.

    Raises:
        SettingError: one clear line on what is wrong.
    """
    return load_settings(config, os.environ, flags)
