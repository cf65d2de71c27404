"""Times by a server's wall clock: a zone that is stated counts, one that is not is never guessed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.reading.fields import Fields
from ingest.reading.local_times import local_time, read_local, read_zone
from ingest.reading.times import BadTime

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MOMENT = datetime(2024, 10, 26, 21, 20, 39, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2024.10.26 23:20:39", "Europe/Berlin"),
        ("2024-10-26 23:20:39", "+02:00"),
        ("2024/10/26 16:20:39", "UTC-5"),
        ("2024-10-26T23:20:39", "CEST"),
        ("2024-10-26 23:20:39 CEST", None),
        ("2024-10-26 23:20:39 +0200", None),
        ("2024-10-26T21:20:39Z", "Europe/Berlin"),
        ("Sat Oct 26 23:20:39 CEST 2024", None),
        ("Sat Oct 26 11:20:39 PM CEST 2024", None),
        ("Sat Oct 26 23:20:39 +02 00 2024", None),
        ("Sat Oct 26 17:20:39 EDT 2024", "Europe/Berlin"),
        # letters that mean several zones: the one that is stated apart counts
        ("Sun Oct 27 05:20:39 CST 2024", "Asia/Shanghai"),
        ("1729977639", None),
        ("1729977639000000", None),
    ],
)
def test_wall_clock(text: str, zone: str | None) -> None:
    """Every spelling of one moment gives that moment."""
    assert read_local(text, read_zone(zone) if zone else None) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "2024.10.26 23:20:39",
        "2024-10-26 23:20:39",
        "Sat Oct 26 23:20:39 2024",
        "Sat Oct 26 15:20:39 CST 2024",
        "Sat Oct 26 15:20:39 IST 2024",
        "10-26-2024 23:20:39",
        "2024.02.30 00:00:00 UTC",
        "Sat Foo 26 23:20:39 UTC 2024",
        "yesterday",
        "9000-12-31 23:59:59 PST",
    ],
)
def test_no_zone_no_time(text: str) -> None:
    """Without a zone, or with letters that mean several, it is no time; nor is what no calendar has."""
    with pytest.raises(BadTime):
        read_local(text)


@pytest.mark.parametrize("text", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "local", "+99:00", "UTC6"])
def test_no_zone(text: str) -> None:
    """What names no zone is none."""
    assert read_zone(text) is None


@given(st.text(max_size=60), st.sampled_from((None, "Europe/Berlin", "+14:00")))
def test_any_text(text: str, zone: str | None) -> None:
    """Whatever stands there, it is a time, none, or refused."""
    try:
        moment = read_local(text, read_zone(zone) if zone else None)
    except BadTime:
        return
    assert moment is None or moment.tzinfo is UTC


@given(
    st.integers(0, 10**14).map(lambda micros: EPOCH + timedelta(microseconds=micros)),
    st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_there_and_back(moment: datetime, zone: timezone) -> None:
    """What a wall clock shows, with its zone, is the moment, down to microseconds."""
    shown = moment.astimezone(zone)

    assert read_local(f"{shown:%Y.%m.%d %H:%M:%S.%f}", zone) == moment
    assert read_local(f"{shown:%Y-%m-%d %H:%M:%S}", zone) == moment.replace(microsecond=0)


def test_the_first_that_can_be_read() -> None:
    """Of several fields the first time counts; what is left out is told, with its pointer."""
    warnings: list[str] = []
    fields = Fields({"a": "", "b": None, "c": "noon", "d": 0, "e": 1729977639.0, "f": "2024-10-26T00:00:00Z"}, "/1")

    assert local_time(fields, warnings, None, "a", "b", "c", "d", "e", "f") == MOMENT
    assert [warning.split(":")[0] for warning in warnings] == ["/1/c"]
    assert local_time(Fields({}), warnings, None, "a") is None
