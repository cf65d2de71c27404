"""What a reader may ask for in a query string; a value that means nothing is refused by name, never ignored."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from alertline.store.port import Filter
from alertline.web.problems import Problem
from schemas.vocabulary import HeldState, IncidentStatus, Severity

__all__ = [
    "DEFAULT_LIMIT",
    "MAX_LIMIT",
    "View",
    "held_state",
    "incident_filter",
    "moment",
    "page_limit",
    "refused",
    "text_of",
    "view_of",
    "wants",
    "whole_number",
    "word_of",
]

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
_MAX_TEXT: Final = 200


class View(StrEnum):
    """How much of each incident a list shows: the whole incident (contract §5), or one line of it."""

    FULL = "full"
    SUMMARY = "summary"


Query = Mapping[str, str]
Word = TypeVar("Word", bound=StrEnum)


def incident_filter(query: Query) -> Filter:
    """Read status, service, severity, from, to and q; an empty value is none, as a form sends it.

    Raises:
        Problem: 400, naming the parameter.
    """
    since, until = _time(query, "from", ends=False), _time(query, "to", ends=True)
    if since and until and until < since:
        raise refused("to", "it lies before from")
    return Filter(
        status=word_of(query, "status", IncidentStatus),
        service=text_of(query, "service"),
        severity=word_of(query, "severity", Severity),
        since=since,
        until=until,
        text=text_of(query, "q"),
    )


def page_limit(query: Query) -> int:
    """How many to a page: 1 to 200, by default 50.

    Raises:
        Problem: 400, naming the parameter.
    """
    raw = query.get("limit", "")
    if not raw:
        return DEFAULT_LIMIT
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 4 and 1 <= int(raw) <= MAX_LIMIT):
        raise refused("limit", f"a whole number from 1 to {MAX_LIMIT} is needed")
    return int(raw)


def view_of(query: Query) -> View:
    """Read `view`: the whole incident unless the summary is asked for.

    Raises:
        Problem: 400, naming the parameter.
    """
    return word_of(query, "view", View) or View.FULL


def held_state(query: Query) -> HeldState | None:
    """Read `state` of the quarantine: what waits unless another is asked for; None: all.

    Raises:
        Problem: 400, naming the parameter.
    """
    if query.get("state") == "all":
        return None
    return word_of(query, "state", HeldState) or HeldState.OPEN


def whole_number(query: Query, name: str) -> int | None:
    """Read a whole number that is not negative.

    Raises:
        Problem: 400, naming the parameter.
    """
    raw = query.get(name, "")
    if not raw:
        return None
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 18):
        raise refused(name, "a whole number is needed")
    return int(raw)


def moment(query: Query, name: str) -> datetime | None:
    """Read a time with its zone.

    Raises:
        Problem: 400, naming the parameter.
    """
    return _time(query, name, ends=False)


def wants(query: Query, name: str) -> bool:
    """Whether a yes-or-no parameter is set: 1, true or yes.

    Raises:
        Problem: 400, naming the parameter.
    """
    raw = query.get(name, "").lower()
    if raw not in {"", "0", "1", "true", "false", "yes", "no"}:
        raise refused(name, "1 or 0 is needed")
    return raw in {"1", "true", "yes"}


def refused(parameter: str, why: str) -> Problem:
    """The refusal of one query parameter."""
    return Problem(400, "A query parameter is wrong", f"{parameter}: {why}", parameter=parameter)


def word_of(query: Query, name: str, words: type[Word]) -> Word | None:
    """Read one of some words; an empty value is none.

    Raises:
        Problem: 400, naming the parameter.
    """
    raw = query.get(name, "")
    if not raw:
        return None
    try:
        return words(raw)
    except ValueError:
        raise refused(name, f"one of {', '.join(words)} is needed") from None


def text_of(query: Query, name: str) -> str | None:
    """Read a short text; an empty one is none.

    Raises:
        Problem: 400, naming the parameter.
    """
    raw = query.get(name, "").strip()
    if len(raw) > _MAX_TEXT:
        raise refused(name, f"at most {_MAX_TEXT} characters are allowed")
    if "\0" in raw:
        raise refused(name, "a null character is not allowed")
    return raw or None


def _time(query: Query, name: str, *, ends: bool) -> datetime | None:
    raw = query.get(name, "").strip()
    if not raw:
        return None
    try:
        if len(raw) == len("2024-08-20"):
            # a day means all of it, also as an upper bound
            return datetime.combine(date.fromisoformat(raw) + timedelta(days=ends), time(), UTC)
        moment = datetime.fromisoformat(raw)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise refused(name, "a day (2024-08-20) or a time with its zone (2024-08-20T14:05:00Z; + is written %2B) is needed")
