"""The timeline for other tools, the terminal's text, and the public JSON."""

import csv
import io
import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.telling.export import CSV_COLUMNS, public_item, timeline_csv, timeline_json, timeline_markdown
from alertline.incidents.telling.plaintext import incident_text
from alertline.incidents.telling.wording import duration, metric_value, one_line, since
from schemas.incident import Metric
from schemas.public import as_public, to_json_bytes
from schemas.vocabulary import Basis, MilestoneName
from tests.support.memory_reader import waiting
from tests.support.sample_incident import at, outage, running, titled


def test_csv_holds_every_row() -> None:
    """CSV has a header line and all rows, hidden ones marked, with CRLF at every line's end."""
    text = timeline_csv(outage())
    rows = list(csv.DictReader(io.StringIO(text, newline="")))

    assert list(CSV_COLUMNS) == list(rows[0])
    assert [row.id for row in outage().timeline] == [row["id"] for row in rows]
    assert [row["hidden"] for row in rows if row["id"] == "hidden"] == ["true"]
    assert text.count("\n") == text.count("\r\n") == len(rows) + 1


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_csv_never_holds_a_formula(text: str) -> None:
    """A cell that a spreadsheet would calculate gets an apostrophe in front."""
    rows = list(csv.DictReader(io.StringIO(timeline_csv(titled(text)), newline="")))

    assert {f"'{text}"} == {row["text"] for row in rows}
    assert {f"'{text}"} == {row["actor"] for row in rows}


@given(st.text())
def test_csv_reads_back(text: str) -> None:
    """Any text comes back as it went in, but for the apostrophe."""
    rows = list(csv.DictReader(io.StringIO(timeline_csv(titled(text)), newline="")))

    assert {row["text"] for row in rows} in ({text}, {f"'{text}"})


def test_markdown_leaves_hidden_rows_out() -> None:
    """The Markdown timeline is the draft's, under a heading that names incident and day."""
    text = timeline_markdown(outage())

    assert text.startswith("# Timeline: API success rate below 90 %, 2024-08-20 (UTC) <!-- ev: ev_fire1 -->\n")
    assert "- **14:05 UTC**: Alert fired: API success rate below 90 %" in text
    assert "Secret test entry" not in text


def test_json_rows_have_the_incident_shape() -> None:
    """A row of the JSON timeline is a row of the public incident."""
    assert as_public(outage())["timeline"] == timeline_json(outage())


def test_public_json_is_the_contract_shape() -> None:
    """The definition stands in the metrics, every milestone has a place, times end in Z."""
    public = json.loads(to_json_bytes(outage()))

    assert "definition" not in public
    assert public["metrics"]["definition"] == "ttx/1"
    assert public["metrics"]["detect_from_impact"] == {"seconds": 300.0, "basis": "derived"}
    assert public["metrics"]["ack_from_detect"]["reason"] == "nobody acknowledged"
    assert [name.value for name in MilestoneName] == list(public["milestones"])
    assert public["milestones"]["acknowledged"] is None
    assert public["created_at"] == "2024-08-20T14:05:30.377000Z"
    assert "from" in public["gaps"][0]


def test_public_json_depends_on_nothing_but_the_incident() -> None:
    """The order in which labels came in does not change the bytes."""
    incident = outage()
    alert = msgspec.structs.replace(incident.alerts[0], labels=dict(reversed(incident.alerts[0].labels.items())))
    other = msgspec.structs.replace(incident, alerts=(alert, *incident.alerts[1:]))

    assert to_json_bytes(incident) == to_json_bytes(other)


def test_what_waits_is_shown_with_its_times() -> None:
    """An unattached statement says what, when and by whom."""
    public = public_item(waiting("hello"))

    assert public["at"] == "2024-08-20T14:10:00Z"
    assert (public["kind"], public["text"], public["actor"]) == ("note", "hello", None)


def test_terminal_text_shows_what_is_known_and_what_is_not() -> None:
    """Key times with their bases, metrics, and rows with their distance from detection."""
    text = incident_text(outage())

    assert re.search(r"Impact started +2024-08-20 14:00 +T −5 min +derived", text)
    assert re.search(r"Acknowledged +not recorded", text)
    assert re.search(r"ack_from_detect +since detection +not measured +nobody acknowledged", text)
    assert re.search(r"14:20 +\+15 min +Alert fired: Error rate", text)
    assert "(1 hidden row left out)" in text
    assert "Secret" not in text


def test_terminal_text_of_a_running_incident() -> None:
    """Open incidents say since when, and their alerts that they still fire."""
    text = incident_text(running())

    assert "Open since 2024-08-20 14:05 UTC; not resolved." in text
    assert "2024-08-20 14:05, still firing" in text
    assert "≥ 0 (assumed)" in text


@given(st.text())
def test_terminal_text_controls_no_terminal(text: str) -> None:
    """No control character of a sender reaches the terminal."""
    shown = incident_text(titled(text + "\x1b[2J\u202e"))

    assert all(char == "\n" or char.isprintable() or char in "\u200c\u200d" or ord(char) > 0x7F for char in shown)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    """Cleaning a text twice is cleaning it once, and the result has one line."""
    line = one_line(text)

    assert line == one_line(line)
    assert len(line.splitlines()) <= 1


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 min"),
        (0.25, "0.25 s"),
        (-0.25, "−0.25 s"),
        (30, "30 s"),
        (300, "5 min"),
        (-300, "−5 min"),
        (6300, "1 h 45 min"),
    ],
)
def test_durations_in_words(seconds: float, expected: str) -> None:
    """A duration is named in the units that people use; a short one is never 0."""
    assert expected == duration(seconds)


def test_distance_from_detection_is_signed() -> None:
    """The detection itself is 0; without a detection there is no distance."""
    assert (
        since(at("14:10"), at("14:05")),
        since(at("14:00"), at("14:05")),
        since(at("14:05"), at("14:05")),
        since(at("14:05"), None),
    ) == ("+5 min", "−5 min", "0", "")


def test_an_unmeasured_duration_is_never_zero() -> None:
    """Null says that it is not measured; an assumed zero is a lower bound; a measured zero is one."""
    assert (
        metric_value(Metric(None)),
        metric_value(Metric(0.0, Basis.ASSUMED)),
        metric_value(Metric(0.0, Basis.REPORTED)),
    ) == ("not measured", "≥ 0 (assumed)", "0 min")
