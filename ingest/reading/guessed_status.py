"""Which status an alert of an unknown shape has: by words, truth values, kinds of events, what its headline says."""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from ingest.reading.leaves import Leaf, words_of
from ingest.reading.word_lists import word_set
from schemas.vocabulary import AlertStatus

__all__ = [
    "Status",
    "find_status",
    "headline_status",
    "is_test",
    "kinds_in",
    "meaning_of",
    "unknown_word",
    "without_status",
]


class Status(msgspec.Struct, frozen=True, gc=False):
    """What was found.

    Attributes:
        status: None for a word that means neither (paused, in maintenance).
        pointer: where; None where nothing said so, and the alert fires: why else would somebody send it.
        word: what stood there.
    """

    status: AlertStatus | None
    pointer: str | None
    word: str


_FIRING: Final = word_set(
    "firing alerting alert fire fired triggered trigger triggering problem opened alarm alarming down offline failed "
    "failing failure fail critical crit warning warn unhealthy raised raise detected started breached breach breaching "
    "violated violation degraded unavailable unreachable outage investigating identified fatal emergency red disaster "
    "timeout timedout missed late overdue exceeded escalated reopened reopen refired retriggered renotified ongoing "
    "activated nodata major minor errored error unresolved create created new open bad abnormal stopped dead missing "
    "anomalous"
)
_RESOLVED: Final = word_set(
    "resolved resolve resolving ok okay closed close recovered recovery recover recovering up online cleared clear "
    "clearing healthy normal fixed ended end finished normalized restored operational passed passing pass green "
    "deactivated solved archived expired completed cancelled canceled good succeeded autoresolved"
)
_ACKNOWLEDGED: Final = word_set("acknowledged acknowledge acknowledgement acked ack")
_NEITHER: Final = word_set("paused disabled maintenance muted suppressed silenced snoozed pending deleted")
# they tell of the condition only where nothing better does: an active monitor is one that is switched on
_WEAK: Final = {
    "active": AlertStatus.FIRING,
    "unknown": AlertStatus.FIRING,
    "inactive": AlertStatus.RESOLVED,
    "success": AlertStatus.RESOLVED,
    "enabled": AlertStatus.FIRING,
    "true": AlertStatus.FIRING,
    "running": AlertStatus.RESOLVED,
    "done": AlertStatus.RESOLVED,
}
_LONGEST: Final = 500  # of a headline, what is looked at
_NAMES: Final = frozenset(("status", "state", "condition", "transition", "health", "outcome"))
_KINDS: Final = frozenset(("event", "type", "action", "kind", "topic", "trigger", "reason", "operation", "category"))
_PAST: Final = word_set("previous old last prior from before http code desired expected response page reason")
_GOOD: Final = word_set("up online healthy ok success successful passed resolved closed recovered cleared")
_BAD: Final = word_set(
    "down offline unhealthy failing failed firing active open triggered alerting breached error alarm ongoing"
)
_LEVELS: Final = frozenset(("severity", "level", "priority", "criticality"))
_HEADLINES: Final = word_set("title summary subject headline message text msg name description body content")
_MARKED: Final = re.compile(
    r"^\W*(?:[\[(<]\s*([A-Za-z][\w -]{1,30}?)(?:[:#]\s*\d+)?\s*[\])>]|([A-Za-z]{2,14})\s*[:\-–—|]\s)"
)
_SAYS_GOOD: Final = re.compile(
    r"\b(?:is|are|was|has been|have|has|now|back)\s+(?:now\s+|back\s+|been\s+)*"
    r"(up|ok|online|normal|healthy|resolved|recovered|restored|cleared|closed|operational)\b"
    r"|\b(recovered|resolved|all clear|back to normal|violation ended|incident closed)\b",
    re.IGNORECASE,
)
_SAYS_BAD: Final = re.compile(
    r"\b(?:is|are|has|went|seems|was)\s+(?:now\s+|been\s+|gone\s+)*"
    r"(down|offline|unreachable|failing|critical|unavailable|failed|triggered|degraded|unhealthy)\b"
    r"|\b(triggered|violation started|incident opened|alert fired|exceeded|breached|failed)\b",
    re.IGNORECASE,
)
_GOOD_SIGNS: Final = ("✅", "🟢", "☑", "✔", "💚")
_BAD_SIGNS: Final = ("🔴", "🚨", "🔥", "❌", "⛔", "❗", "⚠", "🟠", "🟡")
_TOKEN: Final = re.compile(r"[\w.:%-]+")
_MEASURED: Final = re.compile(r"[\d.,:%]+(?:ms|s|m|h|d|%|[kmgt]?i?b)?")  # values and clock times
_TEST_WORDS: Final = (("test",), ("ping",), ("webhook", "test"), ("test", "webhook"), ("test", "notification"))
_TESTS: Final = word_set("testalert testnotification webhooktest notificationtest testevent istest")


def find_status(leaves: Iterable[Leaf], ended: str | None) -> Status:
    """The status that the values tell; `ended` points to an end that the sender stated, if it did."""
    given = list(leaves)
    steps = (_by_word, _by_kind, _by_truth, _by_weak_word, _by_level)
    found = next((each for step in steps if (each := step(given)) is not None), None)
    if found is not None and found.status is not AlertStatus.FIRING:
        return found
    kind = _by_kind(given)
    if kind is not None and kind.status is AlertStatus.ACKNOWLEDGED:
        return kind  # acknowledging is an event; the state beside it mostly goes on to say triggered
    found = found or _by_headline(given) or _by_number(given)
    if found is None and ended is not None:
        return Status(AlertStatus.RESOLVED, ended, "an end is stated")
    return found or Status(AlertStatus.FIRING, None, "")


def meaning_of(text: str) -> tuple[bool, AlertStatus | None]:
    """Whether the words of a text name a status, and which; the last word that does counts (`incident.resolved`)."""
    whole = "".join(words_of(text))
    for word in (whole, *reversed(words_of(text))):
        if word in _RESOLVED:
            return True, AlertStatus.RESOLVED
        if word in _ACKNOWLEDGED:
            return True, AlertStatus.ACKNOWLEDGED
        if word in _FIRING:
            return True, AlertStatus.FIRING
        if word in _NEITHER:
            return True, None
    return False, None


def _is_status(leaf: Leaf) -> bool:
    """Named a status, and not the one before."""
    words = leaf.words or leaf.owner
    if words[-1:] == ("code",) and isinstance(leaf.value, str) and leaf.text.isalpha():
        words = words[:-1]
    if not _PAST.isdisjoint(words) or not _PAST.isdisjoint(leaf.owner):
        return False
    if words[-1:] and words[-1] in _NAMES:
        return True
    # {"status": {"name": "resolved"}}
    return leaf.name in ("name", "value", "label", "text", "slug", "category") and leaf.owner[-1:] in (
        ("status",),
        ("state",),
    )


def _by_word(leaves: list[Leaf]) -> Status | None:
    for leaf in leaves:
        if isinstance(leaf.value, str) and len(leaf.text) <= 60 and _is_status(leaf) and leaf.text.lower() not in _WEAK:
            known, status = meaning_of(leaf.text)
            if known:
                return Status(status, leaf.pointer, leaf.text)
    return None


def _by_weak_word(leaves: list[Leaf]) -> Status | None:
    for leaf in leaves:
        if isinstance(leaf.value, str) and _is_status(leaf) and (status := _WEAK.get(leaf.text.lower())):
            return Status(status, leaf.pointer, leaf.text)
    return None


def _is_kind(leaf: Leaf) -> bool:
    words = leaf.words
    named = words[-1:] and (words[-1] in _KINDS or (words[-1] == "name" and words[:-1] == ("event",)))
    if not named and leaf.owner[-1:] == ("event",):
        named = leaf.name == "name"
    return bool(named) and _PAST.isdisjoint(words[:-1])


def _by_kind(leaves: list[Leaf]) -> Status | None:
    """`incident.resolved`, `POLICY_OPEN_CRITICAL`, `alert created`: what happened is what came last."""
    for leaf in leaves:
        if not isinstance(leaf.value, str) or len(leaf.text) > 80 or not _is_kind(leaf):
            continue
        words = [word for word in words_of(leaf.text) if word not in ("alert", "alarm", "error", "problem", "warning")]
        for word in ("".join(words), *reversed(words)):
            known, status = meaning_of(word)
            if known and status is not None and word not in ("critical", "warning", "major", "minor"):
                return Status(status, leaf.pointer, leaf.text)
    return None


def _by_truth(leaves: list[Leaf]) -> Status | None:
    """`is_up: false`, `resolved: true`, `healthy: 0`."""
    for leaf in leaves:
        words = leaf.words[1:] if leaf.words[:1] in (("is",), ("has",), ("was",), ("currently",)) else leaf.words
        truth = _truth(leaf.value)
        if truth is None or len(words) > 2 or not words or not _PAST.isdisjoint(words):
            continue
        word = words[-1]
        if word in _GOOD or word in _BAD:
            good = truth is (word in _GOOD)
            return Status(AlertStatus.RESOLVED if good else AlertStatus.FIRING, leaf.pointer, f"{leaf.name}: {truth}")
    return None


def _truth(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return value == 1
    return (
        {"true": True, "false": False, "yes": True, "no": False}.get(value.lower()) if isinstance(value, str) else None
    )


def _by_level(leaves: list[Leaf]) -> Status | None:
    """`severity: clear`, `level: OK`: the end as a severity."""
    for leaf in leaves:
        if (
            leaf.words[-1:]
            and leaf.words[-1] in _LEVELS
            and leaf.text.lower() in _RESOLVED
            and _PAST.isdisjoint(leaf.words)
        ):
            return Status(AlertStatus.RESOLVED, leaf.pointer, leaf.text)
    return None


def _by_headline(leaves: list[Leaf]) -> Status | None:
    for leaf in leaves:
        if isinstance(leaf.value, str) and leaf.words[-1:] and leaf.words[-1] in _HEADLINES:
            found = headline_status(leaf.text)
            if found is not None:
                return Status(found, leaf.pointer, leaf.text[:60])
    return None


def headline_status(text: str) -> AlertStatus | None:
    """What a headline says: a word in brackets before it, a sign, or "is back up"; only its beginning is read."""
    text = text[:_LONGEST]
    marked = _MARKED.match(text)
    if marked is not None:
        known, status = meaning_of(marked[1] or marked[2])
        if known and status is not None:
            return status
    if any(sign in text[:40] for sign in _GOOD_SIGNS):
        return AlertStatus.RESOLVED
    if _SAYS_GOOD.search(text):
        return AlertStatus.RESOLVED
    if any(sign in text[:40] for sign in _BAD_SIGNS) or _SAYS_BAD.search(text):
        return AlertStatus.FIRING
    return None


def _by_number(leaves: list[Leaf]) -> Status | None:
    """Return codes of checks: 0 is fine; from 100 on, what HTTP says. A heartbeat that is 1 was heard."""
    for leaf in leaves:
        digits = leaf.text
        if isinstance(leaf.value, bool) or not digits.isdecimal() or len(digits) > 3 or not _is_status(leaf):
            continue
        number = int(digits)
        good = 100 <= number < 400 or number == (1 if leaf.owner[-1:] == ("heartbeat",) else 0)
        return Status(AlertStatus.RESOLVED if good else AlertStatus.FIRING, leaf.pointer, digits)
    return None


def unknown_word(leaves: Iterable[Leaf]) -> Leaf | None:
    """A status that no rule understood."""
    return next((leaf for leaf in leaves if isinstance(leaf.value, str) and _is_status(leaf)), None)


def kinds_in(leaves: Iterable[Leaf]) -> list[Leaf]:
    """The values that say what sort of thing happened."""
    return [leaf for leaf in leaves if isinstance(leaf.value, str) and _is_kind(leaf) and len(leaf.text) <= 80]


def is_test(leaves: Iterable[Leaf]) -> str | None:
    """Where a body says that it is a test of the connection."""
    for leaf in leaves:
        if leaf.name in ("test", "istest") and leaf.value is True:
            return leaf.pointer
        if not isinstance(leaf.value, str) or not _is_kind(leaf):
            continue
        words = words_of(leaf.text)
        if words in _TEST_WORDS or "".join(words) in _TESTS or words[-1:] in (("ping",), ("test",)):
            return leaf.pointer
    return None


def without_status(title: str) -> str:
    """The title without the words and signs that change from firing to resolved, and without measured values."""
    changing = _FIRING | _RESOLVED | _ACKNOWLEDGED | {"is", "has", "been", "now", "back", "was", "again"}
    words = (word.strip("-.:_") for word in _TOKEN.findall(title.lower()[:_LONGEST]))
    return " ".join(word for word in words if word and word not in changing and not _MEASURED.fullmatch(word))
