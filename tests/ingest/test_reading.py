"""Times, durations, severities, fingerprints, JSON: the small readings that everything rests on."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.reading.durations import BadDuration, read_duration
from ingest.reading.json_body import Unreadable, printable, read_json
from ingest.reading.labels import environment_of, fingerprint, service_of
from ingest.reading.secrets import kept_headers, redacted_query
from ingest.reading.severities import severity_of
from ingest.reading.times import BadTime, read_epoch, read_time
from schemas.vocabulary import Severity

MOMENT = datetime(2025, 3, 4, 10, 15, 30, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-04T10:15:30.123456Z",
        "2025-03-04T10:15:30.123456999Z",
        "2025-03-04t10:15:30.123456z",
        "2025-03-04 10:15:30.123456 UTC",
        "2025-03-04T10:15:30.123456+00:00Z",
        "2025-03-04T12:15:30.1234567+0200",
        "2025-03-04 06:15:30.123456 -0400",
        " 2025-03-04T10:15:30.123456Z ",
    ],
)
def test_time(text: str) -> None:
    """Every spelling of one moment gives that moment: in UTC, truncated to microseconds."""
    assert read_time(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00-04:00",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59-05:00",
    ],
)
def test_no_time(text: str) -> None:
    """The first and the last year and an empty text mean that there is no time."""
    assert read_time(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-04T10:15:30",
        "2025-03-04",
        "2025-W01-1",
        "yesterday",
        "1899-12-31T23:59:59Z",
        "9000-01-01T00:00:00+00:00",
        "2025-02-30T00:00:00Z",
    ],
)
def test_bad_time(text: str) -> None:
    """What has no zone, no time of day, or no place in the calendar is no time."""
    with pytest.raises(BadTime):
        read_time(text)


def test_leap_second() -> None:
    """A leap second is the second after :59."""
    assert datetime(2017, 1, 1, tzinfo=UTC) == read_time("2016-12-31T23:59:60Z")


@pytest.mark.parametrize(
    "number", [1741083330, 1741083330.123456, 1741083330123, 1741083330123456, 1741083330123456789]
)
def test_epoch(number: float) -> None:
    """Seconds to nanoseconds are told apart by their magnitude."""
    moment = read_epoch(number)

    assert moment is not None
    assert MOMENT.replace(microsecond=0) == moment.replace(microsecond=0)
    assert moment <= MOMENT


def test_epoch_without_a_time() -> None:
    """Zero and less mean that there is no time; what is not finite is none either."""
    assert [read_epoch(0), read_epoch(-1)] == [None, None]
    for number in (float("nan"), 10**18 * 300):
        with pytest.raises(BadTime):
            read_epoch(number)


@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", fullmatch=True))
def test_any_text_as_time(text: str) -> None:
    """Any text is a time in UTC, none, or a BadTime: never another error."""
    try:
        moment = read_time(text)
    except BadTime:
        return
    assert moment is None or (moment.tzinfo is UTC and 1899 <= moment.year <= 9000)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300),
        ("1h30m", 5400),
        ("90s", 90),
        ("300", 300),
        ("1.5h", 5400),
        ("500ms", 0.5),
        ("1d", 86400),
        (" 2m ", 120),
    ],
)
def test_duration(text: str, seconds: float) -> None:
    """Go's, Prometheus' and plain numbers of seconds are durations."""
    assert seconds == pytest.approx(read_duration(text))


@pytest.mark.parametrize("text", ["", "soon", "-5m", "5 minutes", "m", "9" * 40, "٣m"])
def test_bad_duration(text: str) -> None:
    """Everything else is none."""
    with pytest.raises(BadDuration):
        read_duration(text)


def test_severities() -> None:
    """The words of the field are known in any case; words of recovery and strange ones give unknown."""
    told = [severity_of(word) for word in ("PAGE", "high", " warn ", "notice", "ok", None, "purple")]

    expected = [Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO]
    assert [*expected, Severity.UNKNOWN, Severity.UNKNOWN, Severity.UNKNOWN] == told


def test_fingerprint() -> None:
    """The fingerprint is the one that Alertmanager publishes for these labels; empty labels do not count."""
    assert fingerprint({"lbl1": "val1", "alertname": "alert1", "empty": ""}) == "fac0861a85de433a"


def test_labels_that_name_things() -> None:
    """A service is better than a job; an environment is not a cluster or a tier."""
    assert service_of({"job": "node", "app": "api"}) == "api"
    assert environment_of({"cluster": "eu1", "tier": "gold"}) is None
    assert environment_of({"cluster": "eu1", "deployment.environment": "prod"}) == "prod"


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        ('\ufeff{"a":"ü"}'.encode("utf-16-le"), {"a": "ü"}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":1e400}', {"a": None}),
        (b'{"a":"x\\ud83d"}', {"a": "x\ufffd"}),
        (b'{"a":1e400,"b":123456789012345678901234567890}', {"a": None, "b": "123456789012345678901234567890"}),
    ],
)
def test_json(body: bytes, document: object) -> None:
    """What can be understood without guessing is."""
    assert document == read_json(body)


@pytest.mark.parametrize(
    "body", [b"", b"NaN", b'{"a":1,}', b"{}{}", b"[" * 20_000, b"\xff\xfe{", b'{"a":"\xe9"}', b"{'a':1}"]
)
def test_not_json(body: bytes) -> None:
    """What is not JSON is unreadable, with a reason."""
    with pytest.raises(Unreadable, match=r"not (JSON|UTF)"):
        read_json(body)


@given(st.text(alphabet=st.characters()))
def test_printable(text: str) -> None:
    """Printable text can be encoded, holds no NUL and no escape, and keeps everything else."""
    shown = printable(text)

    assert orjson.dumps(shown)
    assert not {"\x00", "\x1b"} & set(shown)
    assert len(text) == len(shown)


def test_secrets_are_not_kept() -> None:
    """Credentials leave no trace in headers and query; names are in lower case."""
    headers = [("Authorization", "Bearer x"), ("X-Gitlab-Token", "x"), ("X-Hub-Signature-256", "x"), ("Cookie", "x")]

    kept = kept_headers([*headers, ("X-GitHub-Event", "ping"), ("Idempotency-Key", "k1"), ("X-Odd", "\udce9")])

    assert kept == {"x-github-event": "ping", "idempotency-key": "k1", "x-odd": "\ufffd"}
    assert redacted_query("a=1&token=x&api_key=y&b") == "a=1&token=redacted&api_key=redacted&b"
