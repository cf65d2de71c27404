"""Settings: `alertline.toml`, overridden by `ALERTLINE_*` in the environment, overridden by flags.

Checked once, here; a wrong one is one clear line (`SettingError`). Every setting is described in its class, and
docs/settings.md is generated from these descriptions.
"""

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from datetime import date, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import msgspec

from alertline.cluster import MOST_BODY, Kafka, check_kafka
from alertline.durations import parse_duration
from alertline.errors import SettingError
from alertline.senders import BodyMapping, Integration

__all__ = [
    "BodyMapping",
    "Integration",
    "Maintenance",
    "Pending",
    "Rule",
    "Rules",
    "Settings",
    "Thresholds",
    "Topology",
    "Windows",
    "check_address",
    "load_settings",
    "parse_duration",
]

_SHORT: Final = {"kafka": "kafka.servers"}
DEFAULT_FILE: Final = Path("alertline.toml")


class Windows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the correlator waits, and how far it reaches (contract §8.6).

    Attributes:
        quiet: log time without a firing alert after which an incident is resolved.
        point_quiet: the same for alerts of sources that never resolve.
        reopen: the same alert firing again within this of the resolve reopens the incident.
        span: how long after its start an incident still takes in alerts by evidence alone.
        seal: how long after its resolve, beyond `reopen`, an incident still changes by itself.
        lease: how long an alert of a source that repeats itself is believed without a repeat, before repeats are known.
        lease_least, lease_most: bounds of that once they are known: three times the longest gap between them.
        flap_window: so many transitions (`thresholds.flaps`) within this are flapping.
        flap_hold: a flapping alert is held open until it did not fire for this long.
        maintenance_grace: an alert that still fires so long after a maintenance window is a normal one.
    """

    quiet: str = "5m"
    point_quiet: str = "60m"
    reopen: str = "10m"
    span: str = "6h"
    seal: str = "24h"
    lease: str = "4h30m"
    lease_least: str = "15m"
    lease_most: str = "24h"
    flap_window: str = "30m"
    flap_hold: str = "10m"
    maintenance_grace: str = "5m"


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much evidence is enough, in points, and how many transitions are flapping.

    Attributes:
        attach: points from which an alert joins an incident.
        merge: points from which two incidents become one.
        suggest: points from which an incident is shown as related.
        flaps: transitions within `windows.flap_window` from which an alert flaps.
    """

    attach: int = 12
    merge: int = 16
    suggest: int = 6
    flaps: int = 4


class Topology(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What calls what. The three are put together; files are read when the settings are, relative to their file.

    Attributes:
        depends_on: service = list of the services it calls.
        backstage: Backstage catalog files (`catalog-info.yaml`): `dependsOn`, `consumesApis` with `providesApis`.
        csv: files with the columns caller and callee, with or without a header.
    """

    depends_on: dict[str, tuple[str, ...]] = {}
    backstage: tuple[str, ...] = ()
    csv: tuple[str, ...] = ()


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Where the scope or the service of an alert comes from; the first rule that applies counts.

    Attributes:
        match: field or label = pattern, `*` for any text; all must match, none matches every alert.
        set: the name itself.
        from_: or the field or label whose value it is.
        regex: what to take of that value: its one group.
    """

    match: dict[str, str] = {}
    set: str | None = None
    from_: str | None = None
    regex: str | None = None


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What alerts say about each other and about where they belong.

    Attributes:
        correlate_by: labels whose equal value ties alerts together, such as a trace or a deployment.
        scope, service: see their tables.
    """

    correlate_by: tuple[str, ...] = ()
    scope: tuple[Rule, ...] = ()
    service: tuple[Rule, ...] = ()


class Maintenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A time in which alerts are expected.

    Attributes:
        from_, to: event time with its zone (RFC 3339); `to` is exclusive.
        match: field or label = pattern, `*` for any text; all must match, none matches every alert.
        reason: why, for people.
    """

    from_: str
    to: str
    match: dict[str, str] = {}
    reason: str = ""


class Pending(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"for_": "for"}):
    """How long a condition held before its alert fired, for alerts that do not say so themselves; the first applies.

    Attributes:
        for_: that time.
        match: field or label = pattern, `*` for any text; all must match, none matches every alert.
    """

    for_: str
    match: dict[str, str] = {}


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set.

    Attributes:
        host: address to listen on; any other than loopback needs `auth = "required"`.
        port: TCP port to listen on; 0 takes a free one.
        data: folder of the embedded log and store; of what waits for Kafka, where that is used.
        database: URL of the store; empty: a file in the data folder. `sqlite+aiosqlite:///…`, `postgresql://…`.
        max_body: largest body of a webhook, in bytes.
        log_format: `console` or `json`, for the server's own log.
        auth: `local`: whoever reaches the loopback address is its operator; `required`: everybody signs in or shows a
            token.
        hosts: names by which browsers and senders reach this server, besides those of loopback and `host`.
        drain: how long `ingest` and `review` go on after they have said, in /readyz, that they stop.
        kafka, windows, thresholds, integrations, topology, rules, maintenance, pending: see their tables.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    data: str = "alertline-data"
    database: str = ""
    max_body: int = 1024 * 1024
    log_format: str = "console"
    auth: str = "local"
    hosts: tuple[str, ...] = ()
    drain: str = "3s"
    kafka: Kafka = Kafka()
    windows: Windows = Windows()
    thresholds: Thresholds = Thresholds()
    integrations: dict[str, Integration] = {}
    topology: Topology = Topology()
    rules: Rules = Rules()
    maintenance: tuple[Maintenance, ...] = ()
    pending: tuple[Pending, ...] = ()

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine reaches the address."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def load_settings(
    file: Path | None, environment: Mapping[str, str], flags: Mapping[str, object] | None = None
) -> Settings:
    """Read the settings from all three places and check them. A list is written with commas in the environment.

    Args:
        file: the configuration file; None reads `alertline.toml` where there is one.
        environment: `ALERTLINE_PORT=9000` sets `port`, `ALERTLINE_WINDOWS_QUIET=10m` sets `windows.quiet`;
            `ALERTLINE_KAFKA` stands for `kafka.servers`, as the flag does.
        flags: values from the command line; None values are not set.

    Raises:
        SettingError: naming the setting, where it was read, and what would be right.
    """
    raw = _read_file(file)
    for name, value in _from_environment(environment).items():
        _set(raw, name, value)
    for flag, value in (flags or {}).items():
        if value is not None:
            _set(raw, _SHORT.get(flag, flag), value)
    path = file or DEFAULT_FILE
    settings = _convert(raw, str(path))
    _check(settings)
    return _beside(settings, path.parent)


def _beside(settings: Settings, folder: Path) -> Settings:
    """The settings with the files that they name found from where the configuration file lies."""
    topology = settings.topology
    backstage, csv = (tuple(str(folder / each) for each in names) for names in (topology.backstage, topology.csv))
    return msgspec.structs.replace(
        settings,
        topology=msgspec.structs.replace(topology, backstage=backstage, csv=csv),
        integrations={name: each.beside(folder) for name, each in settings.integrations.items()},
    )


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
    tables: tuple[tuple[str, type[msgspec.Struct]], ...] = (
        ("", Settings), ("kafka.", Kafka), ("windows.", Windows), ("thresholds.", Thresholds)
    )  # fmt: skip
    if servers := environment.get("ALERTLINE_KAFKA"):
        found["kafka.servers"] = servers
    for table, shape in tables:
        for field in msgspec.structs.fields(shape):
            path = table + field.name
            name = "ALERTLINE_" + path.replace(".", "_").upper()
            if field.type not in (str, int, tuple[str, ...]) or name not in environment:
                continue
            value = environment[name]
            if field.type not in (str, int):
                found[path] = [each.strip() for each in value.split(",") if each.strip()]
                continue
            if field.type is int and not value.isdigit():
                raise SettingError(f"{name} must be a whole number, not {value!r}")
            found[path] = int(value) if field.type is int else value
    return found


def _set(raw: dict[str, Any], path: str, value: object) -> None:
    *tables, name = path.split(".")
    for table in tables:
        raw = raw.setdefault(table, {})
    raw[name] = value


def _convert(raw: dict[str, Any], where: str) -> Settings:
    try:
        return msgspec.convert(_with_times_as_text(raw), Settings)
    except msgspec.ValidationError as error:
        raise SettingError(f"{where}: {_explain(str(error))}") from error


def _with_times_as_text(value: Any) -> Any:
    """TOML has times of its own; written with or without quotes they are read, and refused, alike."""
    if isinstance(value, dict):
        return {name: _with_times_as_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_times_as_text(each) for each in value]
    return value.isoformat() if isinstance(value, date | time) else value


def _explain(message: str) -> str:
    """msgspec's message with the place as the file writes it, and the nearest known name beside an unknown one."""
    said, _, place = message.partition(" - at `$")
    path = place.rstrip("`").removeprefix(".").replace("[...]", ".NAME")
    unknown = re.search(r"unknown field `([^`]+)`", said)
    if unknown is None:
        missing = re.search(r"missing required field `([^`]+)`", said)
        said = f"{missing[1]!r} is needed" if missing else said[:1].lower() + said[1:].replace("`", "")
        return f"{said}{_place(path)}"
    near = get_close_matches(unknown[1], _known(path), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(_known(path))}"
    return f"unknown setting {unknown[1]!r}{_place(path)}{hint}"


def _place(path: str) -> str:
    """`rules.scope[1]` is the second table `[[rules.scope]]`."""
    numbered = re.fullmatch(r"(.+?)\[(\d+)\](.*)", path)
    if numbered is not None:
        return f" in [[{numbered[1]}]] no. {int(numbered[2]) + 1}{numbered[3]}"
    return f" in [{path}]" if path else ""


def _known(path: str) -> list[str]:
    """The names that a table may have."""
    shapes: dict[str, type[msgspec.Struct]] = {
        "kafka": Kafka,
        "windows": Windows,
        "thresholds": Thresholds,
        "integrations": Integration,
        "integrations.mapping": BodyMapping,
        "topology": Topology,
        "rules": Rules,
        "rules.scope": Rule,
        "rules.service": Rule,
        "maintenance": Maintenance,
        "pending": Pending,
    }
    table = re.sub(r"\[.*|\.NAME", "", path)
    shape = shapes.get(table, shapes.get(table.partition(".")[0], Settings)) if path else Settings
    return [field.encode_name for field in msgspec.structs.fields(shape)]


def _check(settings: Settings) -> None:
    if not 0 <= settings.port <= 65535:
        raise SettingError(f"port must lie between 0 and 65535, not {settings.port}")
    if settings.auth not in ("local", "required"):
        raise SettingError(f"auth must be 'local' or 'required', not {settings.auth!r}")
    if settings.max_body < 1024:
        raise SettingError(f"max_body must be at least 1024 bytes, not {settings.max_body}")
    check_kafka(settings.kafka)
    parse_duration(settings.drain, "drain")
    if settings.kafka.servers and settings.max_body > MOST_BODY:
        raise SettingError(f"max_body must be at most {MOST_BODY} bytes with Kafka, not {settings.max_body}")
    if settings.log_format not in ("console", "json"):
        raise SettingError(f"log_format must be 'console' or 'json', not {settings.log_format!r}")


def check_address(settings: Settings, *, recorded_time: bool = False) -> None:
    """Refuse to listen where others can reach us, unless everybody is asked who they are; on recorded time in any case.

    Raises:
        SettingError: naming the address, and the ways out.
    """
    if recorded_time and not settings.on_loopback:
        raise SettingError(f"--recorded-time believes every sender: it goes with loopback, not with {settings.host!r}")
    if not settings.on_loopback and settings.auth != "required":
        raise SettingError(
            f"host {settings.host!r} is no loopback address: with auth = 'required' (or --auth required) everybody "
            "needs a token or the sign-in link there; without it Alertline listens on 127.0.0.1 or ::1 only"
        )
