"""The words of the field for what a notification says of its alert."""

from typing import Final

from schemas.vocabulary import AlertStatus

__all__ = ["status_of"]

_WORDS: Final = {
    AlertStatus.FIRING: "firing alerting fire triggered trigger problem open opened active new alert alarm "
    "down failed failing error critical warning unhealthy",
    AlertStatus.RESOLVED: "resolved resolve ok okay closed close recovered recovery normal "
    "up cleared clear inactive fixed success healthy",
    AlertStatus.ACKNOWLEDGED: "acknowledged acknowledge acked ack",
}
_STATUSES: Final = {word: status for status, words in _WORDS.items() for word in words.split()}


def status_of(word: str | None) -> AlertStatus | None:
    """The status that a word names, in any case; None for none and for a word that we do not know."""
    return _STATUSES.get(word.strip().lower()) if word else None
