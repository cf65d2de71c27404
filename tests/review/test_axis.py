"""The picture of the key times: proportional, deterministic, labels never on top of each other."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.axis import WIDTH, axis_of, spaced
from tests.support.sample_incident import outage, running


@given(st.lists(st.floats(0, WIDTH), max_size=11))
def test_labels_keep_their_order_and_their_distance(places: list[float]) -> None:
    """Up to eleven labels never overlap, never change places and never leave the axis."""
    places.sort()
    lefts = spaced(places, 90.0, WIDTH)

    assert all(after - before >= 89.8 for before, after in pairwise(lefts))
    assert all(0 <= left <= WIDTH - 89.9 for left in lefts)


def test_a_lonely_label_stands_at_its_place() -> None:
    """Where there is room nothing moves."""
    assert spaced([100.0, 500.0], 90.0, WIDTH) == [100.0, 500.0]


def test_places_are_proportional_to_time() -> None:
    """Equal spans of time are equal lengths."""
    axis = axis_of(outage())
    assert axis is not None
    places = {label.title: label.x for label in axis.labels}

    assert places["Cause identified"] - places["Escalated"] == pytest.approx(
        6 * (places["Detected"] - places["Impact started"]), abs=0.5
    )
    assert [len(lane.bars) for lane in axis.lanes] == [1, 1]
    assert axis.impact is not None


def test_what_still_fires_runs_to_the_end() -> None:
    """A bar without an end reaches the end of the axis and is marked."""
    axis = axis_of(running())
    assert axis is not None
    bar = axis.lanes[0].bars[0]

    assert bar.open
    assert bar.x + bar.width == pytest.approx(WIDTH, abs=0.2)


def test_many_alerts_are_cut_with_a_count() -> None:
    """The picture holds twelve lanes and says how many more there are."""
    alert = outage().alerts[0]
    axis = axis_of(msgspec.structs.replace(outage(), alerts=(alert,) * 20))
    assert axis is not None

    assert (len(axis.lanes), axis.more) == (12, 8)
