"""Matchers as amtool writes them: what fits, what is none, and expressions that could take too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.matchers import BadMatcher, matches, read_matcher

LABELS = {"alertname": "HighLatency", "service": "api", "path": 'a"b\\c'}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("service=api", True),
        (' service = "api" ', True),
        ("service=ap", False),
        ("service!=api", False),
        ("service!=db", True),
        ("service=~a.*|db", True),
        ('service=~"a"', False),
        ("service!~a.*", False),
        ("service!~[x-z]+", True),
        ("alertname=~High(Latency|Load)", True),
        ("missing=", True),
        ("missing!=", False),
        ("missing=~.+", False),
        (r'path="a\"b\\c"', True),
        ("service=~a{1,2}pi", True),
    ],
)
def test_what_fits(text: str, fits: bool) -> None:
    """The whole value must fit, and a label that is missing is empty."""
    assert matches([read_matcher(text)], LABELS) is fits


def test_all_must_fit() -> None:
    """Several matchers narrow; none lets everything pass."""
    both = [read_matcher("service=api"), read_matcher("alertname=Other")]
    assert not matches(both, LABELS)
    assert matches([], LABELS)


@pytest.mark.parametrize(
    "text",
    [
        *("", "api", "=x", "9=x", "service=~(", "service=~a**", "service=~(a+)+", "service=~(?i)a"),
        *("service=~.*a.*b.*c", "service=~(.*|x)(.*|x)(.*|x)", "service=~" + "a" * 501, "service=~(a{2}){2}"),
    ],
)
def test_what_is_none(text: str) -> None:
    """No matcher, no expression, or one whose work could grow without bound."""
    with pytest.raises(BadMatcher):
        read_matcher(text)


@given(st.text(max_size=40))
def test_whatever_is_asked_is_answered(text: str) -> None:
    """Any text is a matcher or is refused."""
    try:
        matcher = read_matcher(f"service=~{text}")
    except BadMatcher:
        return
    assert matcher.fits(LABELS) in (True, False)


@given(st.text(min_size=1, max_size=40))
def test_a_quoted_value_is_taken_at_its_word(value: str) -> None:
    """Whatever the value holds, quoted as Alertmanager does it."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    assert matches([read_matcher(f'service="{quoted}"')], {"service": value})
