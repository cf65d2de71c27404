"""What a report is asked, as a query string or a command says it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from alertline.incidents.reporting.alerts import Rule
from alertline.incidents.reporting.figures import UNKNOWN_ZONE, Question
from alertline.incidents.reporting.hours import Calendar
from review.queries import refused, text_of, word_of
from review.reports.calendars import calendar_of
from schemas.vocabulary import Assumed, Excluded, GroupBy, MetricName, Severity

__all__ = ["HOURS", "Asked", "Fired", "Of", "asked_of", "chosen_of", "chosen_rule_of", "moment_of"]

HOURS: Final = "09:00-17:00"

Query = Mapping[str, str]


class Fired(StrEnum):
    """When an alert rule fired in an incident: when that was detected, or later."""

    FIRST = "first"
    LATER = "later"


class Of(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the incidents behind a report: those behind one of its figures. None: any.

    Attributes:
        metric: in which it was measured; excluded: that do not count for this reason; counted: that count.
        key: of the group with this key (an empty one: that have none).
        rule: in which this alert rule fired; fired: and did so first, or later.
    """

    metric: MetricName | None = None
    excluded: Excluded | None = None
    counted: bool = False
    key: str | None = None
    rule: Rule | None = None
    fired: Fired | None = None


class Asked(msgspec.Struct, frozen=True):
    """The question, and in which working hours, if in any."""

    question: Question
    calendar: Calendar | None


def asked_of(query: Query, zone: str = "UTC") -> Asked:
    """Read from, to, zone, group_by, assumed, service, severity, calendar and hours; an empty value is none.

    Raises:
        Problem: 400, naming the parameter.
    """
    zone = query.get("zone", "").strip() or zone
    if zone not in available_timezones():
        raise refused("zone", UNKNOWN_ZONE)
    since, until = (_moment(query, name, zone) for name in ("from", "to"))
    if since and until and until < since:
        raise refused("to", "it lies before from")
    question = Question(
        since=since,
        until=until,
        zone=zone,
        group_by=word_of(query, "group_by", GroupBy),
        assumed=word_of(query, "assumed", Assumed) or Assumed.ENDS,
        service=text_of(query, "service"),
        severity=word_of(query, "severity", Severity),
    )
    return Asked(question, _calendar(query, zone))


def chosen_of(query: Query) -> Of:
    """Read metric, excluded, counted, key, rule, rule_service and fired.

    Raises:
        Problem: 400, naming the parameter.
    """
    return Of(
        metric=word_of(query, "metric", MetricName),
        excluded=word_of(query, "excluded", Excluded),
        counted=query.get("counted", "") in {"1", "true", "yes"},
        key=query.get("key"),
        rule=_rule(query),
        fired=word_of(query, "fired", Fired),
    )


def chosen_rule_of(query: Query) -> Of:
    """The same, of which a rule must be.

    Raises:
        Problem: 400, naming the parameter.
    """
    of = chosen_of(query)
    if of.rule is None:
        raise refused("rule", "the name of an alert rule is needed")
    return of


def _rule(query: Query) -> Rule | None:
    """An empty service, or none: its alerts name none."""
    if "rule" not in query:
        return None
    return Rule(text_of(query, "rule") or "", text_of(query, "rule_service"))


def moment_of(raw: str, zone: str, *, ends: bool) -> datetime:
    """A day (all of it, in the zone) or a time with its zone.

    Raises:
        ValueError: neither.
    """
    try:
        if len(raw) == len("2024-08-20"):
            day = date.fromisoformat(raw) + timedelta(days=ends)
            return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
        moment = datetime.fromisoformat(raw)
    except (ValueError, OverflowError):
        moment = datetime.min  # noqa: DTZ901 - refused below, for having no zone
    if moment.tzinfo is None:
        raise ValueError(
            "a day (2024-08-20) or a time with its zone (2024-08-20T14:05:00Z; + is written %2B) is needed"
        )
    return moment.astimezone(UTC)


def _moment(query: Query, name: str, zone: str) -> datetime | None:
    raw = query.get(name, "").strip()
    if not raw:
        return None
    try:
        return moment_of(raw, zone, ends=name == "to")
    except ValueError as error:
        raise refused(name, str(error)) from None


def _calendar(query: Query, zone: str) -> Calendar | None:
    name, hours = query.get("calendar", "").strip(), query.get("hours", "").strip() or HOURS
    if not name:
        return None
    try:
        return calendar_of(name, hours, zone)
    except ValueError as error:
        raise refused("calendar" if "holidays" in str(error) else "hours", str(error)) from None
