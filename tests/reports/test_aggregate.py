"""The aggregation by itself: what counts, what is left out, how figures are made of values."""

from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean, quantiles

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertline.clock import micros
from alertline.incidents.reporting.aggregate import quantile, report
from alertline.incidents.reporting.alerts import Firing, Heard, first_and_late, noise
from alertline.incidents.reporting.cohort import cohorts, excluded
from alertline.incidents.reporting.figures import METRICS, NOT_MEASURED, Measured, Question
from alertline.incidents.reporting.hours import WorkingTime
from review.reports.calendars import calendar_of
from schemas.vocabulary import Assumed, Excluded, GroupBy, MetricName, MilestoneName, Severity

DETECT, RESOLVE = MetricName.DETECT_FROM_IMPACT, MetricName.RESOLVE_FROM_DETECT
NOON = datetime(2024, 8, 20, 12, tzinfo=UTC)
seconds = st.floats(min_value=-1e6, max_value=1e9, allow_nan=False)


def incident(
    name: str = "i",
    values: dict[MetricName, tuple[float, str]] | None = None,
    at: datetime = NOON,
    reason: Excluded | None = None,
    services: tuple[str, ...] = (),
) -> Measured:
    """An incident with some measured values, each with the letter of its basis."""
    known = values or {}
    return Measured(
        name,
        micros(at),
        reason,
        Severity.ERROR,
        "default",
        [known[metric][0] if metric in known else None for metric in METRICS],
        "".join(known[metric][1] if metric in known else NOT_MEASURED for metric in METRICS),
        services,
    )


@given(st.lists(seconds, min_size=2, max_size=40))
def test_figures_are_those_of_the_standard_library(values: list[float]) -> None:
    """Median, p90 and mean are what `statistics` says (its inclusive method), to a microsecond."""
    measured = [incident(str(n), {RESOLVE: (value, "r")}) for n, value in enumerate(values)]
    metric = report(measured, Question()).total.metrics[RESOLVE]
    tenths = quantiles(values, n=10, method="inclusive")

    assert metric.median == pytest.approx(tenths[4], rel=1e-9, abs=1e-6)
    assert metric.p90 == pytest.approx(tenths[8], rel=1e-9, abs=1e-6)
    assert metric.mean == pytest.approx(fmean(values), rel=1e-9, abs=1e-6)
    assert (metric.n, metric.of, metric.min, metric.max) == (len(values), len(values), min(values), max(values))


def test_nothing_measured_is_null_never_zero() -> None:
    """Of no incident, and of one without a value."""
    for measured in ([], [incident()]):
        metric = report(measured, Question()).total.metrics[RESOLVE]
        assert (metric.n, metric.of, metric.basis) == (0, len(measured), {})
        assert {metric.mean, metric.median, metric.p90, metric.min, metric.max} == {None}
    assert quantile([], 0.5) is None
    assert quantile([0.0], 0.9) == 0.0


@pytest.mark.parametrize(
    ("assumed", "detect", "resolve", "left_out"),
    [(Assumed.ENDS, (1, 300), (2, 150), (1, 0)), (Assumed.INCLUDE, (2, 150), (2, 150), (0, 0)),
     (Assumed.EXCLUDE, (1, 300), (1, 200), (1, 1))],
)  # fmt: skip
def test_assumed_values(
    assumed: Assumed, detect: tuple[int, float], resolve: tuple[int, float], left_out: tuple[int, int]
) -> None:
    """Left out or in as asked, and how many were left out is said."""
    measured = [
        incident("a", {DETECT: (0, "a"), RESOLVE: (100, "a")}),
        incident("b", {DETECT: (300, "d"), RESOLVE: (200, "r")}),
    ]
    metrics = report(measured, Question(assumed=assumed)).total.metrics

    assert (metrics[DETECT].n, metrics[DETECT].median) == detect
    assert (metrics[RESOLVE].n, metrics[RESOLVE].median) == resolve
    assert (metrics[DETECT].assumed_left_out, metrics[RESOLVE].assumed_left_out) == left_out
    assert metrics[DETECT].of == 2


def test_what_does_not_count_is_counted_by_name() -> None:
    """The first reason that holds; its values are in no figure."""
    measured = [incident(str(n), {RESOLVE: (60, "r")}, reason=reason) for n, reason in enumerate([None, *Excluded])]
    total = report([*measured, incident("open too", reason=Excluded.OPEN)], Question()).total

    assert total.incidents == total.metrics[RESOLVE].n == total.metrics[RESOLVE].of == 1
    assert total.excluded == {reason.value: 1 for reason in Excluded} | {"open": 2}
    assert excluded(merged=True, classification="drill", detected=False, status="open") is Excluded.MERGED
    assert excluded(merged=False, classification="drill", detected=True, status="open") is Excluded.DRILL
    assert excluded(merged=False, classification="incident", detected=False, status="open") is Excluded.NOT_DETECTED
    assert excluded(merged=False, classification="incident", detected=True, status="closed") is None


def test_groups_by_service() -> None:
    """An incident of two services counts in both, once in the total; those of none stand last under null."""
    measured = [incident("a", services=("api", "db")), incident("b", services=("api",)), incident("c")]
    made = report(measured, Question(group_by=GroupBy.SERVICE))

    assert [(group.key, group.incidents) for group in made.groups] == [("api", 2), ("db", 1), (None, 1)]
    assert made.total.incidents == 3


def test_days_begin_in_the_zone_of_the_report() -> None:
    """Half past eleven in the evening of a New Year's Eve in London is next year's first week in Berlin."""
    at = micros(datetime(2024, 12, 31, 23, 30, tzinfo=UTC))

    assert cohorts(GroupBy.DAY, "UTC")(at) == "2024-12-31"
    assert cohorts(GroupBy.DAY, "Europe/Berlin")(at) == "2025-01-01"
    assert cohorts(GroupBy.MONTH, "Europe/Berlin")(at) == "2025-01"
    assert cohorts(GroupBy.WEEK, "UTC")(at) == "2025-W01"
    assert cohorts(GroupBy.DAY, "Asia/Kathmandu")(at - 5 * 3_600_000_000 - 900_000_001) == "2024-12-31"


def test_working_hours() -> None:
    """From Thursday afternoon to Tuesday noon: an hour and a half, and three; Easter and a change of clocks within."""
    berlin = calendar_of("DE", "09:00-17:00", "Europe/Berlin")

    def between(start: str, end: str) -> float:
        first, last = (micros(datetime.fromisoformat(each)) for each in (start, end))
        return WorkingTime(berlin, min(first, last), max(first, last)).between(first, last) / 3600

    # the last Sunday of March 2024 is the 31st: at 9 in Berlin it is 8 UTC before, 7 after; the 29th and 1st are Easter
    assert between("2024-03-28T14:30:00+00:00", "2024-04-02T10:00:00+00:00") == 1.5 + 3
    assert between("2024-04-06T00:00:00+00:00", "2024-04-07T23:00:00+00:00") == 0
    assert between("2024-04-02T10:00:00+00:00", "2024-03-28T14:30:00+00:00") == -4.5
    weekdays = calendar_of("weekdays", "00:00-12:30", "UTC")
    assert (weekdays.opens, weekdays.closes) == (time(0), time(12, 30))
    assert [weekdays.works(date(2024, 4, day)) for day in (1, 6)] == [True, False]


@pytest.mark.parametrize(
    ("name", "hours"), [("XX", "09:00-17:00"), ("DE-ZZ", "09:00-17:00"), ("DE", "17:00-09:00"), ("DE", "9-17")]
)
def test_a_calendar_that_is_none_is_refused(name: str, hours: str) -> None:
    """With what would be right."""
    with pytest.raises(ValueError, match="needed"):
        calendar_of(name, hours, "UTC")


def test_metrics_in_working_hours_stand_beside_the_plain_ones() -> None:
    """A Saturday night took three hours, none of them working time: both are said, under their own names."""
    night = datetime(2024, 4, 6, 22, tzinfo=UTC)
    each = incident("a", {RESOLVE: (10_800, "r")}, night)
    stamps = {MilestoneName.DETECTED: micros(night), MilestoneName.RESOLVED: micros(night + timedelta(hours=3))}
    each = msgspec.structs.replace(each, stamps=stamps)
    made = report([each], Question(), calendar=calendar_of("DE", "09:00-17:00", "UTC"))

    assert made.calendar == "DE, 09:00-17:00, UTC"
    assert (made.total.metrics[RESOLVE].median, made.total.metrics[f"{RESOLVE}_bh"].median) == (10_800, 0)
    assert made.total.metrics[f"{DETECT}_bh"].n == 0
    assert f"{MetricName.IMPACT_ACTIVE}_bh" not in made.total.metrics


def test_which_alert_came_first() -> None:
    """What fired at detection detected it, what fired later came too late; so do all where a person was first."""
    at = micros(NOON)
    measured = [
        incident("a", {DETECT: (300, "d")}),
        incident("b", {DETECT: (100, "d")}),
        incident("said", at=NOON - timedelta(minutes=1)),
        incident("drill", reason=Excluded.DRILL),
    ]
    firings = [
        Firing("a", "Slow", "api", at),
        Firing("a", "Errors", "api", at + 60_000_000),
        Firing("b", "Slow", "api", at),
        Firing("said", "Slow", "api", at),
        Firing("drill", "Errors", "api", at),
    ]
    slow, errors = first_and_late(measured, firings)

    assert (slow.rule, slow.first, slow.detect_median, slow.later, slow.after_median) == ("Slow", 2, 200, 1, 60)
    assert (errors.rule, errors.first, errors.detect_median, errors.later, errors.after_median) == (
        "Errors", 0, None, 1, 60,
    )  # fmt: skip


def test_noise() -> None:
    """Episodes in no incident, or in one that does not count, against those that do; the noisiest first."""
    heard = [Heard("Disk", "web", None, 5), Heard("Slow", "api", "a", 2), Heard("Slow", "api", "drill", 1)]

    assert [(each.rule, each.episodes, each.in_incident) for each in noise(heard, {"a"}.__contains__)] == [
        ("Disk", 5, 0),
        ("Slow", 3, 2),
    ]
