"""Matchers of labels as Alertmanager's API takes them: `name="value"`, `!=`, `=~`, `!~`. Pure.

A regular expression comes from whoever may read, so only such are taken as cannot take long: no quantified groups, and
few quantifiers to an alternative.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

__all__ = ["BadMatcher", "Matcher", "matches", "read_matcher"]

_MATCHER: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", '"': '"', "\\": "\\"}
# one thing of an expression: an escape, a class, a quantifier, or anything else
_PART: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\d+(?:,\d*)?\}|\(\?|.", re.DOTALL)
_QUANTIFIERS: Final = "*+?{"
_MOST_QUANTIFIERS: Final = 2  # to an alternative of the whole: the work is at most that power of the length
_LONGEST: Final = 500  # characters of an expression, and of a value that one is tried on


class BadMatcher(ValueError):
    """It is no matcher, or one that could take too long; the message says why."""


class Matcher(msgspec.Struct, frozen=True):
    """One matcher: what the label's value must be, or must not be."""

    name: str
    wanted: str | re.Pattern[str]
    negative: bool

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether labels fit it; a label that is missing is empty."""
        value = labels.get(self.name, "")
        if isinstance(self.wanted, str):
            found = value == self.wanted
        else:
            found = len(value) <= _LONGEST and self.wanted.fullmatch(value) is not None
        return found is not self.negative


def read_matcher(text: str) -> Matcher:
    """Read a matcher; quotes around the value may be missing, as amtool leaves them out.

    Raises:
        BadMatcher: it is none, or its expression could take too long.
    """
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise BadMatcher(f"bad matcher format: {text[:200]}")
    name, operator, value = found.groups()
    quoted = _QUOTED.fullmatch(value)
    if quoted is not None:
        value = _ESCAPE.sub(lambda each: _ESCAPES.get(each[1], each[0]), quoted[1])
    return Matcher(name, _pattern(value) if "~" in operator else value, operator.startswith("!"))


def matches(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether labels fit every matcher."""
    return all(each.fits(labels) for each in matchers)


def _pattern(text: str) -> re.Pattern[str]:
    if len(text) > _LONGEST:
        raise BadMatcher(f"a regular expression of more than {_LONGEST} characters")
    count, depth, before = 0, 0, ""
    for part in _PART.findall(text):
        if part == "(?":
            raise BadMatcher("a group with an option is not taken in a regular expression here")
        depth += (part == "(") - (part == ")")
        count += part[0] in _QUANTIFIERS
        if count > _MOST_QUANTIFIERS or (before == ")" and part[0] in _QUANTIFIERS):
            raise BadMatcher("this regular expression could take too long: fewer quantifiers, none behind a group")
        count = 0 if part == "|" and depth == 0 else count
        before = part
    try:
        return re.compile(text, re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadMatcher(f"not a regular expression: {error}") from error
