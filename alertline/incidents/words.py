"""Times and durations as people read them: UTC, and the coarsest units that lose nothing that matters."""

from datetime import UTC, datetime, timedelta

__all__ = ["clock_words", "span_words", "time_words"]


def span_words(span: timedelta) -> str:
    """A duration: `40 s`, `5 min`, `1 h 45 min`, `2 d 3 h`."""
    seconds = round(abs(span.total_seconds()))
    sign = "−" if span < timedelta(0) and seconds else ""
    if seconds < 60:
        return f"{sign}{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{sign}{minutes} min" + (f" {seconds} s" if seconds and minutes < 10 else "")
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{sign}{hours} h" + (f" {minutes} min" if minutes else "")
    days, hours = divmod(hours, 24)
    return f"{sign}{days} d" + (f" {hours} h" if hours else "")


def clock_words(at: datetime) -> str:
    """A time of day in UTC: `14:05`, with seconds where there are any."""
    at = at.astimezone(UTC)
    return at.strftime("%H:%M:%S" if at.second or at.microsecond else "%H:%M")


def time_words(at: datetime) -> str:
    """A moment in UTC: `2024-08-20 14:05 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d} {clock_words(at)} UTC"
