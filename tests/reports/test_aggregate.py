"""The aggregation by itself: what counts, what is left out, how figures are made of values."""

from array import array
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean, median, quantiles
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertline.clock import micros
from alertline.incidents.derived.durations import SPANS
from alertline.incidents.reporting.aggregate import quantile, report
from alertline.incidents.reporting.alerts import Firing, Heard, Rule, first_and_late, noise
from alertline.incidents.reporting.cohort import cohorts, excluded
from alertline.incidents.reporting.figures import METRICS, NOT_MEASURED, UNMEASURED, Measured, Question
from alertline.incidents.reporting.hours import WorkingTime
from review.reports.calendars import calendar_of
from schemas.vocabulary import Assumed, Excluded, GroupBy, MetricName, MilestoneName, Severity

DETECT, RESOLVE = MetricName.DETECT_FROM_IMPACT, MetricName.RESOLVE_FROM_DETECT
NOON = datetime(2024, 8, 20, 12, tzinfo=UTC)
seconds = st.floats(min_value=-1e6, max_value=1e9, allow_nan=False)


class One(NamedTuple):
    """An incident by itself."""

    name: str
    values: dict[MetricName, tuple[float, str]]
    at: datetime
    reason: Excluded | None
    services: tuple[str, ...]
    severity: Severity = Severity.ERROR


def incident(
    name: str = "i",
    values: dict[MetricName, tuple[float, str]] | None = None,
    at: datetime = NOON,
    reason: Excluded | None = None,
    services: tuple[str, ...] = (),
) -> One:
    """An incident with some measured values, each with the letter of its basis."""
    return One(name, values or {}, at, reason, services)


def together(*ones: One) -> Measured:
    """Incidents as a report takes them."""
    names = {service for each in ones for service in each.services}
    return Measured(
        incidents=[each.name for each in ones],
        cohort_us=[micros(each.at) for each in ones],
        excluded=[each.reason for each in ones],
        keys=[each.severity for each in ones],
        seconds=[array("d", [each.values.get(metric, (UNMEASURED,))[0] for each in ones]) for metric in METRICS],
        bases=["".join(each.values[m][1] if m in each.values else NOT_MEASURED for m in METRICS) for each in ones],
        members={name: [n for n, each in enumerate(ones) if name in each.services] for name in names},
    )


@given(st.lists(seconds, min_size=2, max_size=40))
def test_figures_are_those_of_the_standard_library(values: list[float]) -> None:
    """Median, p90 and mean are what `statistics` says (its inclusive method), to a microsecond."""
    measured = [incident(str(n), {RESOLVE: (value, "r")}) for n, value in enumerate(values)]
    metric = report(together(*measured), Question()).total.metrics[RESOLVE]
    tenths = quantiles(values, n=10, method="inclusive")

    assert metric.median == pytest.approx(tenths[4], rel=1e-9, abs=1e-6)
    assert metric.p90 == pytest.approx(tenths[8], rel=1e-9, abs=1e-6)
    assert metric.mean == pytest.approx(fmean(values), rel=1e-9, abs=1e-6)
    assert (metric.n, metric.of, metric.min, metric.max) == (len(values), len(values), min(values), max(values))


def test_nothing_measured_is_null_never_zero() -> None:
    """Of no incident, and of one without a value."""
    for measured in (list[One](), [incident()]):
        metric = report(together(*measured), Question()).total.metrics[RESOLVE]
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
    metrics = report(together(*measured), Question(assumed=assumed)).total.metrics

    assert (metrics[DETECT].n, metrics[DETECT].median) == detect
    assert (metrics[RESOLVE].n, metrics[RESOLVE].median) == resolve
    assert (metrics[DETECT].assumed_left_out, metrics[RESOLVE].assumed_left_out) == left_out
    assert metrics[DETECT].of == 2


def test_what_does_not_count_is_counted_by_name() -> None:
    """The first reason that holds; its values are in no figure."""
    measured = [incident(str(n), {RESOLVE: (60, "r")}, reason=reason) for n, reason in enumerate([None, *Excluded])]
    total = report(together(*measured, incident("open too", reason=Excluded.OPEN)), Question()).total

    assert total.incidents == total.metrics[RESOLVE].n == total.metrics[RESOLVE].of == 1
    assert total.excluded == {reason.value: 1 for reason in Excluded} | {"open": 2}
    assert excluded(merged=True, classification="drill", detected=False, status="open") is Excluded.MERGED
    assert excluded(merged=False, classification="drill", detected=True, status="open") is Excluded.DRILL
    assert excluded(merged=False, classification="incident", detected=False, status="open") is Excluded.NOT_DETECTED
    assert excluded(merged=False, classification="incident", detected=True, status="closed") is None


def test_groups_by_service() -> None:
    """An incident of two services counts in both, once in the total; those of none stand last under null."""
    measured = [incident("a", services=("api", "db")), incident("b", services=("api",)), incident("c")]
    made = report(together(*measured), Question(group_by=GroupBy.SERVICE))

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
        before, whole = WorkingTime(berlin, min(first, last), max(first, last)).until([first, last])
        return (whole - before) / 3_600_000_000

    # the last Sunday of March 2024 is the 31st: at 9 in Berlin it is 8 UTC before, 7 after; the 29th and 1st are Easter
    assert between("2024-03-28T14:30:00+00:00", "2024-04-02T10:00:00+00:00") == 1.5 + 3
    assert between("2024-04-06T00:00:00+00:00", "2024-04-07T23:00:00+00:00") == 0
    assert between("2024-04-02T10:00:00+00:00", "2024-03-28T14:30:00+00:00") == -4.5
    weekdays = calendar_of("weekdays", "00:00-12:30", "UTC")
    assert (weekdays.opens, weekdays.closes) == (time(0), time(12, 30))
    assert [weekdays.works(date(2024, 4, day)) for day in (1, 6)] == [True, False]


def test_a_wrong_year_makes_no_calendar_of_thousands_of_years() -> None:
    """Somebody sets an impact to the year 1: working hours begin in 1970, and the answer comes."""
    start, end = (micros(datetime(year, 1, 1, tzinfo=UTC)) for year in (1, 9999))
    before, after = WorkingTime(calendar_of("weekdays", "09:00-17:00", "UTC"), start, end).until([start, end])

    assert before == 0
    assert 229 * 365 < (after - before) / 3_600_000_000 / 8 * 7 / 5 < 231 * 366


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
    measured = together(incident("a", {RESOLVE: (10_800, "r")}, night))
    made = report(measured, Question(), calendar=calendar_of("DE", "09:00-17:00", "UTC"))

    assert made.calendar == "DE, 09:00-17:00, UTC"
    assert (made.total.metrics[RESOLVE].median, made.total.metrics[f"{RESOLVE}_bh"].median) == (10_800, 0)
    assert made.total.metrics[f"{DETECT}_bh"].n == 0
    assert f"{MetricName.IMPACT_ACTIVE}_bh" not in made.total.metrics


def test_which_alert_came_first() -> None:
    """What fired at detection detected it, what fired later came too late; so do all where a person was first."""
    at = micros(NOON)
    measured = together(
        incident("a", {DETECT: (300, "d")}),
        incident("b", {DETECT: (100, "d")}),
        incident("said", at=NOON - timedelta(minutes=1)),
        incident("drill", reason=Excluded.DRILL),
        incident("assumed", {DETECT: (0, "a")}),
    )
    slow, errors = Rule("Slow", "api"), Rule("Errors", "api")
    firings = [
        Firing("a", slow, at),
        Firing("a", errors, at + 60_000_000),
        Firing("b", slow, at),
        Firing("said", slow, at),
        Firing("drill", errors, at),
        Firing("assumed", slow, at),
    ]
    one, other = first_and_late(measured, firings)

    assert (one.rule, one.first, one.detect_median, one.later, one.after_median) == ("Slow", 3, 200, 1, 60)
    assert (other.rule, other.first, other.detect_median, other.later, other.after_median) == (
        "Errors", 0, None, 1, 60,
    )  # fmt: skip


def test_noise() -> None:
    """Episodes in no incident, or in one that does not count, against those that do; the noisiest first."""
    disk, slow = Rule("Disk", "web"), Rule("Slow", "api")

    assert [
        (each.rule, each.episodes, each.in_incident)
        for each in noise([Heard(disk, False, 5), Heard(slow, True, 2), Heard(slow, False, 1)])
    ] == [("Disk", 5, 0), ("Slow", 3, 2)]


moments = st.datetimes(datetime(2024, 3, 1), datetime(2024, 4, 15), timezones=st.just(UTC))  # noqa: DTZ001
lengths = st.timedeltas(timedelta(minutes=-90), timedelta(days=9))
# of the stamps all metrics that lie between two follow, as in one incident
stamped = st.dictionaries(st.sampled_from(list(MilestoneName)), st.tuples(lengths, st.sampled_from("mrda")))


@st.composite
def incidents(draw: st.DrawFn) -> list[tuple[One, dict[MilestoneName, datetime]]]:
    """Some incidents, each with its stamps."""
    found = []
    for n in range(draw(st.integers(0, 12))):
        at, reason = draw(moments), draw(st.sampled_from([None, None, None, *Excluded]))
        known = {name: (at + after, letter) for name, (after, letter) in draw(stamped).items()}
        known |= {MilestoneName.DETECTED: (at, "r")}
        values = {
            metric: ((known[end][0] - known[start][0]).total_seconds(), max(known[start][1], known[end][1]))
            for metric, (start, end) in SPANS.items()
            if start in known and end in known
        }
        services = draw(st.lists(st.sampled_from(["api", "db", "web"]), max_size=3, unique=True))
        one = One(str(n), values, at, reason, tuple(services), draw(st.sampled_from(Severity)))
        found.append((one, {name: moment for name, (moment, _) in known.items()}))
    return found


CALENDAR = calendar_of("DE", "09:30-17:15", "Europe/Berlin")


def worked(start: datetime, end: datetime) -> float:
    """Working time between two moments, day by day."""
    if end < start:
        return -worked(end, start)
    zone, whole = ZoneInfo(CALENDAR.zone), timedelta()
    day = start.astimezone(zone).date()
    while day <= end.astimezone(zone).date():
        if CALENDAR.works(day):
            opens, closes = (
                datetime.combine(day, at, zone).astimezone(UTC) for at in (CALENDAR.opens, CALENDAR.closes)
            )
            whole += max(timedelta(), min(closes.astimezone(UTC), end) - max(opens.astimezone(UTC), start))
        day += timedelta(days=1)
    return whole.total_seconds()


def keys_of(one: One, by: GroupBy) -> tuple[str | None, ...]:
    """The groups of one incident."""
    if by is GroupBy.SERVICE:
        return one.services or (None,)
    return (one.severity,) if by is GroupBy.SEVERITY else (cohorts(by, "Europe/Berlin")(micros(one.at)),)


@settings(max_examples=60)
@given(
    incidents(),
    st.sampled_from([GroupBy.SERVICE, GroupBy.SEVERITY, GroupBy.DAY, GroupBy.WEEK]),
    st.sampled_from(Assumed),
)
def test_columns_come_to_what_each_incident_says(
    found: list[tuple[One, dict[MilestoneName, datetime]]], by: GroupBy, assumed: Assumed
) -> None:
    """Every group and figure, working hours too, is that of incidents that are looked at one by one."""
    ones = [one for one, _ in found]
    made = report(together(*ones), Question(group_by=by, zone="Europe/Berlin", assumed=assumed), calendar=CALENDAR)
    groups: dict[str | None, list[tuple[One, dict[MilestoneName, datetime]]]] = {}
    for one, stamps in found:
        for key in keys_of(one, by):
            groups.setdefault(key, []).append((one, stamps))

    assert [group.key for group in made.groups] == sorted(groups, key=lambda key: (key is None, key or ""))
    for group, own in [(made.total, found), *((each, groups[each.key]) for each in made.groups)]:
        counted = [(one, stamps) for one, stamps in own if one.reason is None]
        assert (group.incidents, sum(group.excluded.values())) == (len(counted), len(own) - len(counted))
        for metric, (start, end) in SPANS.items():
            leaves = assumed is Assumed.EXCLUDE or (assumed is Assumed.ENDS and metric is DETECT)
            kept = [
                (one.values[metric][0], worked(stamps[start], stamps[end]))
                for one, stamps in counted
                if metric in one.values and not (leaves and one.values[metric][1] == "a")
            ]
            for n, name in enumerate((metric.value, f"{metric}_bh")):
                values = sorted(each[n] for each in kept)
                told = group.metrics[name]
                assert (told.n, told.min, told.max) == (
                    len(values),
                    *((values and (values[0], values[-1])) or (None, None)),
                )
                assert told.mean == (pytest.approx(fmean(values), abs=1e-6) if values else None)
                assert told.median == (pytest.approx(median(values), abs=1e-6) if values else None)
