"""What configured rules say of an alert: whether a pattern matches it, its scope and service, its pending window.

Pure, and total: a rule that cannot be applied does not apply. Patterns cost no more than the length of what they read.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, Protocol

import msgspec

from alertline.incidents.policy import Policy
from alertline.incidents.scopes import scope_of
from schemas.configuration import Extraction, PendingRule
from schemas.events import AlertEvent
from schemas.vocabulary import Severity

__all__ = ["FIELDS", "Matchable", "Told", "matches", "pending_rule", "ruled"]

FIELDS: Final = ("source", "service", "host", "scope", "title", "severity")
"""What a rule may name besides labels."""


class Matchable(Protocol):
    """What a rule can look at; an `AlertRow` is such a thing."""

    @property
    def source(self) -> str: ...  # noqa: D102 - as in AlertRow
    @property
    def scope(self) -> str: ...  # noqa: D102
    @property
    def service(self) -> str | None: ...  # noqa: D102
    @property
    def host(self) -> str | None: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def severity(self) -> Severity: ...  # noqa: D102
    @property
    def labels(self) -> dict[str, str]: ...  # noqa: D102


class Told(msgspec.Struct, frozen=True):
    """An alert as one notification describes it; the scope as it is shown."""

    source: str
    scope: str
    service: str | None
    host: str | None
    title: str
    severity: Severity
    labels: dict[str, str]


def matches(match: Mapping[str, str], alert: Matchable) -> bool:
    """Whether every pattern matches; `*` stands for any text, and what an alert lacks matches only the empty one."""
    return all(_fits(pattern, _value(alert, name)) for name, pattern in match.items())


def _value(alert: Matchable, name: str) -> str | None:
    if name in FIELDS:
        value: str | None = getattr(alert, name)
        return value
    return alert.labels.get(name)


def _fits(pattern: str, value: str | None) -> bool:
    if value is None:
        return pattern == ""
    first, *others = pattern.split("*")
    if not others:
        return value == pattern
    *inner, last = others
    if len(first) + len(last) > len(value) or not (value.startswith(first) and value.endswith(last)):
        return False
    place, end = len(first), len(value) - len(last)
    for part in inner:
        found = value.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


def ruled(event: AlertEvent, source: str, stream: str, policy: Policy) -> AlertEvent:
    """The notification with the scope and the service that the rules give it."""
    if not policy.scope_rules and not policy.service_rules:
        return event
    told = _told(event, source, stream)
    environment = _extracted(policy.scope_rules, told)
    if environment is not None:
        event = msgspec.structs.replace(event, environment=environment)
        told = _told(event, source, stream)
    service = _extracted(policy.service_rules, told)
    return event if service is None else msgspec.structs.replace(event, service=service)


def _told(event: AlertEvent, source: str, stream: str) -> Told:
    scope = scope_of(stream, event.environment)
    return Told(source, scope, event.service, event.host, event.title, event.severity, event.labels)


def _extracted(rules: Iterable[Extraction], alert: Told) -> str | None:
    """The name that the first rule that applies gives; None where none does."""
    for rule in rules:
        if matches(rule.match, alert):
            found = rule.set if rule.label is None else _taken(_value(alert, rule.label), rule.regex)
            if found:
                return found
    return None


def _taken(value: str | None, regex: str | None) -> str | None:
    if value is None or regex is None:
        return value
    pattern = _compiled(regex)
    found = pattern.search(value) if pattern is not None else None
    return found[1] if found is not None else None


@lru_cache(maxsize=256)
def _compiled(regex: str) -> "re.Pattern[str] | None":
    """The pattern; None for one that is none, or that has no group (a record that nobody checked)."""
    try:
        pattern = re.compile(regex)
    except (re.error, OverflowError, RecursionError):
        return None
    return pattern if pattern.groups == 1 else None


def pending_rule(policy: Policy, alert: Matchable) -> PendingRule | None:
    """The first configured pending window that matches an alert."""
    return next((rule for rule in policy.pending if matches(rule.match, alert)), None)
