"""Configuration as it stands in the log: everything that decides how alerts are correlated, and nothing else.

Plain data: no secrets, no addresses, no names of files. Every value is written, defaults too, so a later version with
other defaults reads the same numbers.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

import msgspec

__all__ = [
    "Configuration",
    "Extraction",
    "MaintenanceWindow",
    "PendingRule",
    "Thresholds",
    "Windows",
    "digest_of",
    "mistakes",
]

_LONGEST: Final = timedelta(days=366)


class Windows(msgspec.Struct, frozen=True, kw_only=True):
    """How long the correlator waits, and how far it reaches.

    Attributes:
        quiet: log time without a firing alert after which an incident is resolved.
        point_quiet: the same for alerts of sources that never resolve.
        reopen: the same alert firing again within this of the resolve reopens the incident.
        span: how long after its start an incident still takes in alerts by evidence alone.
        seal: how long after its resolve, beyond `reopen`, an incident still changes by itself.
        lease: how long an alert of a source that repeats itself is believed without a repeat, before repeats are known.
        lease_least, lease_most: bounds of that once they are known.
        flap_window: so many transitions (`thresholds.flaps`) within this are flapping.
        flap_hold: a flapping alert is held open until it did not fire for this long.
        maintenance_grace: an alert that still fires so long after a maintenance window is a normal one.
    """

    quiet: timedelta = timedelta(minutes=5)
    point_quiet: timedelta = timedelta(minutes=60)
    reopen: timedelta = timedelta(minutes=10)
    span: timedelta = timedelta(hours=6)
    seal: timedelta = timedelta(hours=24)
    lease: timedelta = timedelta(hours=4, minutes=30)
    lease_least: timedelta = timedelta(minutes=15)
    lease_most: timedelta = timedelta(hours=24)
    flap_window: timedelta = timedelta(minutes=30)
    flap_hold: timedelta = timedelta(minutes=10)
    maintenance_grace: timedelta = timedelta(minutes=5)


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
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


class Extraction(msgspec.Struct, frozen=True, kw_only=True):
    """Where the scope or the service of an alert comes from, instead of what its sender stated.

    Attributes:
        match: field or label = pattern, as in a maintenance window; none matches every alert.
        set: the name itself.
        label: the field or label whose value it is, where `set` is None.
        regex: what to take of that value: its one group; the rule does not apply where it is not found.
    """

    match: dict[str, str] = {}
    set: str | None = None
    label: str | None = None
    regex: str | None = None


class PendingRule(msgspec.Struct, frozen=True, kw_only=True):
    """How long a condition held before its alert fired, for alerts that do not say so themselves.

    Attributes:
        match: field or label = pattern, as in a maintenance window.
        pending_for: that time.
    """

    pending_for: timedelta
    match: dict[str, str] = {}


class MaintenanceWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which alerts are expected.

    Attributes:
        start, end: event time; end is exclusive.
        match: field or label = pattern (`*` for any text); all must match, none matches every alert. Fields are
            `source`, `service`, `host`, `scope`, `title` and `severity`; every other name is a label.
        reason: why, for people.
    """

    start: datetime
    end: datetime
    match: dict[str, str] = {}
    reason: str = ""


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides how the alerts of a stream are correlated.

    Attributes:
        depends_on: service = the services that it calls.
        correlate_by: labels whose equal value ties alerts together.
        scope_rules, service_rules: where an alert's scope and service come from; the first that applies counts.
        pending: pending windows of alerts that state none; the first that matches counts.
        maintenance: expected times.
    """

    windows: Windows = Windows()
    thresholds: Thresholds = Thresholds()
    depends_on: dict[str, tuple[str, ...]] = {}
    correlate_by: tuple[str, ...] = ()
    scope_rules: tuple[Extraction, ...] = ()
    service_rules: tuple[Extraction, ...] = ()
    pending: tuple[PendingRule, ...] = ()
    maintenance: tuple[MaintenanceWindow, ...] = ()


_encoder = msgspec.json.Encoder(order="deterministic")


def digest_of(configuration: Configuration) -> str:
    """What tells two configurations apart: the same for the same values, in whatever order they were written down."""
    return "c_" + blake2b(_encoder.encode(configuration), digest_size=10).hexdigest()


def mistakes(configuration: Configuration) -> Iterator[str]:
    """What cannot hold, each as one line that names the setting as `alertline.toml` calls it."""
    for name, value in msgspec.structs.asdict(configuration.windows).items():
        if not timedelta(0) < value <= _LONGEST:
            yield f"windows.{name} must be more than nothing and at most {_LONGEST.days} days"
    if configuration.windows.lease_least > configuration.windows.lease_most:
        yield "windows.lease_least must not be longer than windows.lease_most"
    limits = configuration.thresholds
    if not 0 < limits.suggest <= limits.attach <= limits.merge:
        yield (
            f"thresholds must be 0 < suggest <= attach <= merge, not {limits.suggest}, {limits.attach}, {limits.merge}"
        )
    if limits.flaps < 2:
        yield f"thresholds.flaps must be at least 2, not {limits.flaps}"
    yield from _of_rules("rules.scope", configuration.scope_rules)
    yield from _of_rules("rules.service", configuration.service_rules)
    for number, rule in enumerate(configuration.pending, start=1):
        if not timedelta(0) <= rule.pending_for <= _LONGEST:
            yield f"pending no. {number}: for must be at most {_LONGEST.days} days"
    for number, window in enumerate(configuration.maintenance, start=1):
        if window.start >= window.end:
            yield f"maintenance no. {number}: it ends ({window.end.isoformat()}) before it begins"


def _of_rules(table: str, rules: Sequence[Extraction]) -> Iterator[str]:
    for number, rule in enumerate(rules, start=1):
        name = f"{table} no. {number}"
        if (rule.set is None) == (rule.label is None):
            yield f"{name}: one of set (a name) and from (a field or a label) is needed"
        elif rule.set == "" or rule.label == "":
            yield f"{name}: set and from must not be empty"
        if rule.regex is not None:
            if rule.label is None:
                yield f"{name}: regex needs from, the field or label that it reads"
            if (problem := _of_regex(rule.regex)) is not None:
                yield f"{name}: {problem}"


def _of_regex(regex: str) -> str | None:
    try:
        groups = re.compile(regex).groups
    except (re.error, OverflowError, RecursionError) as error:
        return f"regex {regex!r} is no regular expression: {error}"
    return None if groups == 1 else f"regex {regex!r} must have one group (…), what to take; it has {groups}"
