"""What a scope is used to: the same however it is folded, and never more than its window."""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.memory.background import KEPT, Background
from alertline.incidents.model import ArrivalRow, Order
from alertline.incidents.points import decibans
from tests.support.story import DAY

_SERVICES = ("api", "billing", "search", None)
_GROUPS = ("shop", "bank", None)


@st.composite
def arrivals(draw: st.DrawFn, most_hours: int = 70 * 24) -> list[ArrivalRow]:
    """Arrivals in log order over up to ten weeks; onsets lie up to a day before they are read."""
    steps = draw(st.lists(st.integers(0, 6 * 3600) | st.integers(0, 120), max_size=60))
    rows, at = [], DAY
    for n, step in enumerate(steps):
        at += timedelta(seconds=step * draw(st.sampled_from([1, 1, 1, 20])))
        if at > DAY + timedelta(hours=most_hours):
            break
        onset = at - timedelta(seconds=draw(st.sampled_from([0, 30, 200, 4000, 86400])))
        service, group = draw(st.sampled_from(_SERVICES)), draw(st.sampled_from(_GROUPS))
        check = draw(st.sampled_from(["Latency", "Errors"]))
        rows.append(
            ArrivalRow(
                id=f"ar_{n}",
                stream="default",
                scope="default",
                at=onset,
                read_at=at,
                order=Order(n),
                check=check,
                service=service,
                group=group,
                chronic=draw(st.integers(0, 4)) == 0,
            )
        )
    return rows


def folded(rows: Sequence[ArrivalRow]) -> Background:
    """A background that has taken in these arrivals."""
    background = Background()
    for row in rows:
        background.note(row)
    return background


def known(background: Background) -> list[object]:
    """Everything that can be asked of a background."""
    found: list[object] = [background.normal, background.any]
    for service in _SERVICES:
        found += [background.is_chronic(service, check) for check in ("Latency", "Errors")]
    for kind, names in (("service", _SERVICES), ("group", _GROUPS)):
        found += [background.company(kind, one, other) for one in names for other in names if one and other]
    return found


@given(arrivals(), st.integers(0, 40 * 24))
def test_the_last_weeks_are_all_that_counts(rows: list[ArrivalRow], later: int) -> None:
    """A fold of the arrivals that must be kept, from the beginning of their first day, equals the fold of all."""
    now = (rows[-1].read_at if rows else DAY) + timedelta(hours=later)
    since = (now - KEPT).replace(hour=0, minute=0, second=0)
    whole, part = folded(rows), folded([row for row in rows if row.read_at >= since])

    whole.settle(now)
    part.settle(now)
    assert known(part) == known(whole)


@given(arrivals(), st.data())
def test_asking_changes_nothing(rows: list[ArrivalRow], data: st.DataObject) -> None:
    """Log time that is told between arrivals, and questions, leave no trace."""
    asked = Background()
    for before, row in zip([rows[0], *rows] if rows else [], rows, strict=False):
        between = (row.read_at - before.read_at) * data.draw(st.sampled_from([0, 0.5, 1]))
        asked.settle(before.read_at + between)
        known(asked)
        asked.note(row)
    assert known(asked) == known(folded(rows))


def test_what_happens_within_an_hour_counts_from_the_next_one_on() -> None:
    """An outage is no evidence for itself."""
    background = Background()
    for n in range(2):
        at = DAY + timedelta(minutes=n)
        row = ArrivalRow(
            id=f"ar_{n}", stream="s", scope="s", at=at, read_at=at, order=Order(n), check="c", service=f"s{n}"
        )
        background.note(row)

    assert background.company("service", "s0", "s1").of == 0
    background.settle(DAY + timedelta(hours=1))
    assert background.company("service", "s0", "s1").times == 1


def occasions(together: int, apart: int) -> Background:
    """Two services that started together so many times, and each alone so many times, six hours apart."""
    background = Background()
    for n in range(together + apart):
        for k, service in enumerate(("api", "billing")):
            at = DAY + timedelta(hours=6 * n, minutes=0 if n < together else 150 * k)
            row = ArrivalRow(
                id=f"ar_{n}_{k}",
                stream="s",
                scope="s",
                at=at,
                read_at=at,
                order=Order(n, k),
                check="c",
                service=service,
            )
            background.note(row)
    background.settle(DAY + timedelta(hours=6 * (together + apart) + 1))
    return background


@given(st.integers(0, 8), st.integers(0, 8))
def test_company_speaks_for_those_who_kept_it(together: int, apart: int) -> None:
    """Two services that started together more often are never less related by it."""
    points = occasions(together, apart).company("service", "api", "billing").points
    more = occasions(together + 1, apart).company("service", "api", "billing").points

    assert more >= points
    if apart >= 3:
        assert occasions(0, apart).company("service", "api", "billing").points < 0
    if together >= 2 and not apart:
        assert points > 0


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_points_are_ten_times_the_logarithm_rounded_down(numerator: int, denominator: int) -> None:
    """10^p ≤ ratio^10 < 10^(p+1), exactly, where it is not cut off."""
    points = decibans(numerator, denominator, -30, 30)
    ratio = Fraction(numerator, denominator) ** 10

    if points > -30:
        assert Fraction(10) ** points <= ratio * Fraction(10**8 + 1, 10**8)
    if points < 30:
        assert ratio < Fraction(10) ** (points + 1) * Fraction(10**8 + 1, 10**8)
