"""The words of the field for how bad it is. Words of one vendor that mean something else there stay in its module."""

from typing import Final

from schemas.vocabulary import Severity

__all__ = ["severity_of"]

_WORDS: Final[dict[Severity, str]] = {
    Severity.CRITICAL: "critical crit page emergency emerg fatal disaster blocker p1 sev0 sev1",
    Severity.ERROR: "error err high major p2 sev2",
    Severity.WARNING: "warning warn medium minor ticket average moderate p3 sev3",
    Severity.INFO: "info information informational low notice none debug p4 p5 sev4 sev5",
}
_SEVERITIES: Final = {word: severity for severity, words in _WORDS.items() for word in words.split()}


def severity_of(word: str | None) -> Severity:
    """The severity that a word names, in any case; unknown for none and for a word that we do not know.

    Words of recovery (ok, up, success) are not severities: they give unknown, which lowers nothing.
    """
    if not word:
        return Severity.UNKNOWN
    return _SEVERITIES.get(word) or _SEVERITIES.get(word.strip().lower(), Severity.UNKNOWN)
