"""Patterns of rules: what matches, and that no pattern and no expression of a record can do harm."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.policy import Policy
from alertline.incidents.rules import FIELDS, Told, matches, ruled
from schemas.configuration import Extraction
from schemas.events import AlertEvent
from schemas.vocabulary import AlertStatus, Severity
from tests.support import store_rows

ALERT = Told("grafana", "production", "api", None, "5xx [api] above 5 %", Severity.ERROR, {"team": "web", "empty": ""})
_letters = st.text(alphabet="ab*.\n[", max_size=8)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, True),
        ({"source": "grafana"}, True),
        ({"source": "Grafana"}, False),
        ({"source": "graf"}, False),
        ({"source": "graf*", "team": "*"}, True),
        ({"source": "graf*", "team": "db"}, False),
        ({"title": "5xx [*] above*%"}, True),
        ({"severity": "error"}, True),
        ({"scope": "prod*on"}, True),
        ({"host": "*"}, False),
        ({"host": ""}, True),
        ({"empty": ""}, True),
        ({"empty": "*"}, True),
        ({"nobody": ""}, True),
        ({"nobody": "*"}, False),
        ({"title": "5xx*5xx*"}, False),
        ({"service": "a*api"}, False),
    ],
)
def test_matches(match: dict[str, str], expected: bool) -> None:
    """All patterns must match, whole and by case; what is missing is not any text."""
    assert matches(match, ALERT) is expected


def test_rows_are_matched_by_the_same_names() -> None:
    """Maintenance looks at the row of an alert, with each of the fields."""
    row = store_rows.alert("a1", service="db", host="h", labels={"team": "web"})

    assert matches({"source": "generic", "service": "d*", "host": "h", "scope": "default", "team": "web"}, row)
    assert matches(dict.fromkeys(FIELDS, "*"), row)


@given(_letters, _letters)
def test_a_pattern_matches_as_its_expression_would(pattern: str, value: str) -> None:
    """A star is any text; nothing else is special."""
    expression = ".*".join(map(re.escape, pattern.split("*")))
    told = Told("s", "default", value, None, "", Severity.ERROR, {})

    assert matches({"service": pattern}, told) is (re.fullmatch(expression, value, re.DOTALL) is not None)


def test_a_pattern_of_stars_is_quick() -> None:
    """Time grows with the text, not with the ways in which stars could share it."""
    told = Told("s", "default", "a" * 5000, None, "", Severity.ERROR, {})

    assert not matches({"service": "*a" * 500 + "b"}, told)


@pytest.mark.parametrize("regex", ["(", "no group", "(a)(b)", "(?P<x>a)(b)"])
def test_an_expression_that_nobody_checked_does_not_apply(regex: str) -> None:
    """A record by hand may hold one; the alert keeps what its sender stated."""
    event = AlertEvent(status=AlertStatus.FIRING, identity="i", dedup_key="k", title="no group ab", service="api")
    policy = Policy(service_rules=(Extraction(label="title", regex=regex),))

    assert ruled(event, "generic", "default", policy) == event
