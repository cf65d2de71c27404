"""How long a correlator rests between batches."""

from datetime import timedelta

import pytest

from consumers.runner import rest_s

FRESH, OLD = timedelta(milliseconds=20), timedelta(seconds=5)


@pytest.mark.parametrize(
    ("worked_s", "count", "age", "beside_receivers", "alone"),
    [
        (0.002, 1, FRESH, 0.002, 0.0),  # one that comes now and then
        (0.01, 20, FRESH, 0.03, 0.03),  # a stream: those of the next moment are taken together
        (0.06, 200, FRESH, 0.06, 0.03),
        (0.3, 1000, FRESH, 0.1, 0.0),  # more is there already
        (0.3, 1000, OLD, 0.0, 0.0),  # an old backlog
        (0.01, 20, OLD, 0.0, 0.0),
    ],
)
def test_rests(worked_s: float, count: int, age: timedelta, beside_receivers: float, alone: float) -> None:
    """Receivers that share the machine go first; a backlog waits for nobody."""
    assert rest_s(worked_s, count, age, receivers_first=True) == beside_receivers
    assert rest_s(worked_s, count, age, receivers_first=False) == alone
