"""Settings: `alertline.toml`, overridden by `ALERTLINE_*` in the environment, overridden by flags.

Checked once, here; a wrong one is one clear line (`SettingError`). Every setting is described in its class, and
docs/settings.md is generated from these descriptions.
"""

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import msgspec

from alertline.errors import SettingError
from alertline.incidents.callmap import CallMap
from alertline.incidents.policy import Policy

__all__ = ["Integration", "Settings", "Topology", "Windows", "load_settings", "parse_duration", "policy_of"]

DEFAULT_FILE: Final = Path("alertline.toml")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Windows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the correlator waits (contract §8.6).

    Attributes:
        quiet: log time without a firing alert after which an incident is resolved.
        reopen: the same alert firing again within this of the resolve reopens the incident.
    """

    quiet: str = "5m"
    reopen: str = "10m"


class Integration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named sender.

    Attributes:
        source: its source type: the name of a module in `ingest/sources`.
        stream: the stream that its deliveries belong to: unit of order and of one writer.
    """

    source: str
    stream: str = "default"


class Topology(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What calls what.

    Attributes:
        depends_on: service = list of the services it calls.
    """

    depends_on: dict[str, tuple[str, ...]] = {}


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set.

    Attributes:
        host: address to listen on; only loopback while there is no sign-in.
        port: TCP port to listen on; 0 takes a free one.
        data: folder of the embedded log and store.
        max_body: largest body of a webhook, in bytes.
        log_format: `console` or `json`, for the server's own log.
        windows, integrations, topology: see their tables.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    data: str = "alertline-data"
    max_body: int = 1024 * 1024
    log_format: str = "console"
    windows: Windows = Windows()
    integrations: dict[str, Integration] = {}
    topology: Topology = Topology()


def load_settings(
    file: Path | None, environment: Mapping[str, str], flags: Mapping[str, object] | None = None
) -> Settings:
    """Read the settings from all three places and check them.

    Args:
        file: the configuration file; None reads `alertline.toml` where there is one.
        environment: `ALERTLINE_PORT=9000` sets `port`, `ALERTLINE_WINDOWS_QUIET=10m` sets `windows.quiet`.
        flags: values from the command line; None values are not set.

    Raises:
        SettingError: naming the setting, where it was read, and what would be right.
    """
    raw = _read_file(file)
    for name, value in _from_environment(environment).items():
        _set(raw, name, value)
    for flag, value in (flags or {}).items():
        if value is not None:
            raw[flag] = value
    settings = _convert(raw, str(file or DEFAULT_FILE))
    _check(settings)
    return settings


def _read_file(file: Path | None) -> dict[str, Any]:
    path = file or DEFAULT_FILE
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if file is None:
            return {}
        raise SettingError(f"no such configuration file: {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"cannot read {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{path} is not valid TOML: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in ("host", "port", "data", "max_body", "log_format", "windows.quiet", "windows.reopen"):
        name = "ALERTLINE_" + path.replace(".", "_").upper()
        if name in environment:
            value = environment[name]
            if path in ("port", "max_body"):
                if not value.isdigit():
                    raise SettingError(f"{name} must be a whole number, not {value!r}")
                found[path] = int(value)
            else:
                found[path] = value
    return found


def _set(raw: dict[str, Any], path: str, value: object) -> None:
    *tables, name = path.split(".")
    for table in tables:
        raw = raw.setdefault(table, {})
    raw[name] = value


def _convert(raw: dict[str, Any], where: str) -> Settings:
    try:
        return msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        raise SettingError(f"{where}: {_explain(str(error))}") from error


def _explain(message: str) -> str:
    """msgspec's message with the nearest known name beside an unknown one."""
    unknown = re.search(r"unknown field `([^`]+)`", message)
    if unknown is None:
        return message
    known = [field for shape in (Settings, Windows, Integration, Topology) for field in shape.__struct_fields__]
    near = get_close_matches(unknown[1], known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"unknown setting {unknown[1]!r}{_place(message)}{hint}"


def _place(message: str) -> str:
    place = re.search(r"at `\$\.?([^`]*)`", message)
    return f" in [{place[1]}]" if place and place[1] else ""


def _check(settings: Settings) -> None:
    if not 0 <= settings.port <= 65535:
        raise SettingError(f"port must lie between 0 and 65535, not {settings.port}")
    if not _is_loopback(settings.host):
        raise SettingError(
            f"host {settings.host!r} is no loopback address: without sign-in Alertline listens on 127.0.0.1 or ::1 only"
        )
    if settings.max_body < 1024:
        raise SettingError(f"max_body must be at least 1024 bytes, not {settings.max_body}")
    if settings.log_format not in ("console", "json"):
        raise SettingError(f"log_format must be 'console' or 'json', not {settings.log_format!r}")
    for name in Windows.__struct_fields__:
        parse_duration(getattr(settings.windows, name), f"windows.{name}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_duration(text: str, name: str) -> timedelta:
    """A positive duration such as `90s`, `5m`, `1h30m`.

    Raises:
        SettingError: naming the setting.
    """
    parts = re.fullmatch(r"((?:\d+(?:\.\d+)?)(?:ms|s|m|h|d))+", text.strip())
    seconds = (
        sum(float(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)) if parts else 0
    )
    if seconds <= 0:
        raise SettingError(f"{name} must be a duration such as 90s, 5m or 1h30m, not {text!r}")
    return timedelta(seconds=seconds)


def policy_of(settings: Settings) -> Policy:
    """The correlator's numbers that the settings stand for."""
    return Policy(
        quiet=parse_duration(settings.windows.quiet, "windows.quiet"),
        reopen=parse_duration(settings.windows.reopen, "windows.reopen"),
        calls=CallMap(settings.topology.depends_on),
    )
