"""From settings to the configuration that goes into the log, and what is noteworthy about it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from itertools import combinations
from pathlib import Path
from typing import Final

import msgspec

from alertline.config import Maintenance, Pending, Rule, Settings, parse_duration
from alertline.errors import SettingError
from alertline.incidents.rules import FIELDS
from alertline.topology import cycles, joined, read_backstage, read_csv
from schemas.configuration import (
    Configuration,
    Extraction,
    MaintenanceWindow,
    PendingRule,
    Thresholds,
    Windows,
    mistakes,
)

__all__ = ["configuration_of", "duration_text", "notes", "quiet_of"]

_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def configuration_of(settings: Settings) -> Configuration:
    """The configuration that the settings stand for, the files of its topology read.

    Raises:
        SettingError: a value cannot hold, or a file cannot be read.
    """
    windows = msgspec.structs.asdict(settings.windows)
    configuration = Configuration(
        windows=Windows(**{name: parse_duration(text, f"windows.{name}") for name, text in windows.items()}),
        thresholds=Thresholds(**msgspec.structs.asdict(settings.thresholds)),
        depends_on=_depends_on(settings),
        correlate_by=settings.rules.correlate_by,
        scope_rules=tuple(map(_extraction, settings.rules.scope)),
        service_rules=tuple(map(_extraction, settings.rules.service)),
        pending=tuple(_pending(n, each) for n, each in enumerate(settings.pending, start=1)),
        maintenance=tuple(_maintenance(n, each) for n, each in enumerate(settings.maintenance, start=1)),
    )
    for mistake in mistakes(configuration):
        raise SettingError(mistake)
    return configuration


def quiet_of(settings: Settings) -> timedelta:
    """The quiet period of the settings, without reading anything else."""
    return parse_duration(settings.windows.quiet, "windows.quiet")


def _depends_on(settings: Settings) -> dict[str, tuple[str, ...]]:
    topology = settings.topology
    tables = [read_csv(Path(each)) for each in topology.csv]
    catalog = read_backstage([Path(each) for each in topology.backstage])
    return joined(topology.depends_on, *tables, catalog)


def _extraction(rule: Rule) -> Extraction:
    return Extraction(match=rule.match, set=rule.set, label=rule.from_, regex=rule.regex)


def _pending(number: int, pending: Pending) -> PendingRule:
    return PendingRule(match=pending.match, pending_for=parse_duration(pending.for_, f"pending no. {number}: for"))


def _maintenance(number: int, window: Maintenance) -> MaintenanceWindow:
    name = f"maintenance no. {number}"
    start, end = _time(window.from_, f"{name}: from"), _time(window.to, f"{name}: to")
    return MaintenanceWindow(start=start, end=end, match=window.match, reason=window.reason)


def _time(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise SettingError(f"{name} must be a time with its zone such as 2025-03-04T22:00:00Z, not {text!r}")
    return moment.astimezone(UTC)


def duration_text(span: timedelta) -> str:
    """A duration as settings write it: `5m`, `4h30m`."""
    left, parts = span // timedelta(milliseconds=1), ""
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        parts += f"{count}{unit}" if count else ""
    return parts or "0s"


def notes(configuration: Configuration, now: datetime) -> Iterator[str]:
    """What is allowed and probably not meant, a line each."""
    yield from _unknown_services(configuration)
    yield from _labels_like_fields(configuration)
    yield from _never_reached("rules.scope", configuration.scope_rules)
    yield from _never_reached("rules.service", configuration.service_rules)
    yield from _of_maintenance(configuration.maintenance, now)
    for way in cycles(configuration.depends_on):
        yield f"topology: {' calls '.join(way)}: a circle, so each counts as a dependency of the other"


def _matches(configuration: Configuration) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Every `match` of the configuration with the name of its table."""
    tables: dict[str, Sequence[Extraction | PendingRule | MaintenanceWindow]] = {
        "rules.scope": configuration.scope_rules,
        "rules.service": configuration.service_rules,
        "pending": configuration.pending,
        "maintenance": configuration.maintenance,
    }
    for table, several in tables.items():
        for number, each in enumerate(several, start=1):
            yield f"{table} no. {number}", each.match


def _unknown_services(configuration: Configuration) -> Iterator[str]:
    known = {*configuration.depends_on, *(one for calls in configuration.depends_on.values() for one in calls)}
    if not known:
        return
    named = [(f"rules.service no. {n}", rule.set) for n, rule in enumerate(configuration.service_rules, start=1)]
    # a rule for services matches what senders wrote, which need not be a service's name
    others = [(name, match) for name, match in _matches(configuration) if not name.startswith("rules.service")]
    named += [(name, match.get("service")) for name, match in others]
    for name, service in named:
        if service and "*" not in service and service not in known:
            near = get_close_matches(service, sorted(known), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield f"{name}: the topology does not know the service {service!r}{hint}"


def _labels_like_fields(configuration: Configuration) -> Iterator[str]:
    for name, match in _matches(configuration):
        for label in match:
            near = () if label in FIELDS else get_close_matches(label, FIELDS, n=1, cutoff=0.8)
            if near:
                yield f"{name}: {label!r} is taken as a label; did you mean the field {near[0]!r}?"


def _never_reached(table: str, rules: Sequence[Extraction]) -> Iterator[str]:
    always = next((n for n, rule in enumerate(rules, start=1) if not rule.match and rule.set is not None), len(rules))
    if always < len(rules):
        yield f"{table}: no. {always} applies to every alert, so those after it never do"


def _of_maintenance(windows: Sequence[MaintenanceWindow], now: datetime) -> Iterator[str]:
    for number, window in enumerate(windows, start=1):
        if window.end <= now:
            yield f"maintenance no. {number} is over since {window.end:%Y-%m-%d %H:%M} UTC"
    for (n, one), (m, other) in combinations(enumerate(windows, start=1), 2):
        together = one.start < other.end and other.start < one.end
        if together and (one.match == other.match or not one.match or not other.match):
            yield f"maintenance no. {n} and no. {m} overlap, and match the same alerts"
