"""Words for times, durations, names and bases: the same in the draft, on the pages and in the terminal.

Nothing here invents: a missing time has no words, callers write "not recorded" themselves. All times are shown in UTC.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Final

from alertline.incidents.words import clock_words, span_words
from schemas.incident import Metric
from schemas.vocabulary import Basis, MetricName, MilestoneName, RowKind

__all__ = [
    "BASIS_MARKS",
    "LENGTHS",
    "METRIC_ENDS",
    "METRIC_TITLES",
    "NOT_MEASURED",
    "NOT_RECORDED",
    "SINCE_DETECTION",
    "SINCE_IMPACT",
    "day",
    "day_and_clock",
    "duration",
    "kind_title",
    "metric_value",
    "milestone_title",
    "one_line",
    "since",
    "span",
]

NOT_RECORDED: Final = "not recorded"
NOT_MEASURED: Final = "not measured"

BASIS_MARKS: Final = {
    Basis.REPORTED: "●",
    Basis.DERIVED: "◐",
    Basis.MANUAL: "◆",
    Basis.ASSUMED: "○",
    Basis.IMPORTED: "□",
    Basis.FALLBACK: "△",
}

METRIC_TITLES: Final = {
    MetricName.DETECT_FROM_IMPACT: "Detect (TTD)",
    MetricName.RECOVER_FROM_IMPACT: "Mitigate (TTM)",
    MetricName.RESOLVE_FROM_IMPACT: "Resolve from impact",
    MetricName.ACK_FROM_DETECT: "Acknowledge (TTA)",
    MetricName.INVESTIGATE_FROM_DETECT: "Investigate (TTI)",
    MetricName.ESCALATE_FROM_DETECT: "Escalate (TTE)",
    MetricName.IDENTIFY_FROM_DETECT: "Identify cause",
    MetricName.FIX_FROM_DETECT: "Apply fix",
    MetricName.RESOLVE_FROM_DETECT: "Resolve from detection",
    MetricName.IMPACT_ACTIVE: "Alerts firing",
    MetricName.DETOUR_TOTAL: "Rejected paths",
    MetricName.INGEST_LAG: "Event to record",
    MetricName.FDRT: "Failed change to mitigation",
}

# the two clocks: where each span starts; what is a sum or a lag starts nowhere
SINCE_IMPACT: Final = (
    MetricName.DETECT_FROM_IMPACT,
    MetricName.RECOVER_FROM_IMPACT,
    MetricName.RESOLVE_FROM_IMPACT,
)
LENGTHS: Final = (MetricName.IMPACT_ACTIVE, MetricName.DETOUR_TOTAL, MetricName.INGEST_LAG, MetricName.FDRT)
SINCE_DETECTION: Final = tuple(name for name in METRIC_TITLES if name not in {*SINCE_IMPACT, *LENGTHS})

# the stamps that a duration lies between; those that are sums over rows have none
METRIC_ENDS: Final = {
    MetricName.DETECT_FROM_IMPACT: (MilestoneName.IMPACT_STARTED, MilestoneName.DETECTED),
    MetricName.RECOVER_FROM_IMPACT: (MilestoneName.IMPACT_STARTED, MilestoneName.MITIGATED),
    MetricName.RESOLVE_FROM_IMPACT: (MilestoneName.IMPACT_STARTED, MilestoneName.RESOLVED),
    MetricName.ACK_FROM_DETECT: (MilestoneName.DETECTED, MilestoneName.ACKNOWLEDGED),
    MetricName.INVESTIGATE_FROM_DETECT: (MilestoneName.DETECTED, MilestoneName.INVESTIGATING),
    MetricName.ESCALATE_FROM_DETECT: (MilestoneName.DETECTED, MilestoneName.ESCALATED),
    MetricName.IDENTIFY_FROM_DETECT: (MilestoneName.DETECTED, MilestoneName.CAUSE_IDENTIFIED),
    MetricName.FIX_FROM_DETECT: (MilestoneName.DETECTED, MilestoneName.FIX_APPLIED),
    MetricName.RESOLVE_FROM_DETECT: (MilestoneName.DETECTED, MilestoneName.RESOLVED),
}

_SPECIAL_TITLES: Final = {RowKind.ALERT_REFIRED: "Alert fired again", RowKind.COMMS: "Communication"}
_SPACE: Final = re.compile(r"\s+")
# controls, format characters (they can reverse what is shown), halves of characters; joiners belong to words and emoji
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs"})
_JOINERS: Final = "\u200c\u200d"


def one_line(text: str) -> str:
    """Foreign text as one printable line: no line break, no control, format or half character survives."""
    line = _SPACE.sub(" ", text)
    return (line if line.isprintable() else "".join(map(_printable, line))).strip()


def duration(seconds: float) -> str:
    """Seconds in words: `1 h 45 min`, `−5 min`; below a second to the millisecond, so that a short one is never 0."""
    if 0 < abs(seconds) < 1:
        return f"{round(seconds, 3):g} s".replace("-", "−")
    return span_words(timedelta(seconds=seconds)) if seconds else "0 min"


def since(at: datetime, origin: datetime | None) -> str:
    """The signed distance from the origin: `+15 min`, `−5 min`, `0`; empty without an origin."""
    if origin is None:
        return ""
    seconds = (at - origin).total_seconds()
    if seconds == 0:
        return "0"
    return duration(seconds) if seconds < 0 else f"+{duration(seconds)}"


def day(at: datetime) -> str:
    """The UTC date: `2024-08-20`."""
    return at.astimezone(UTC).strftime("%Y-%m-%d")


def day_and_clock(at: datetime) -> str:
    """Date and time: `2024-08-20 14:05`."""
    return f"{day(at)} {clock_words(at)}"


def span(start: datetime, end: datetime | None, *, opened: str = "still firing") -> str:
    """Start to end, the date written once if both share it: `2024-08-20 14:05 to 15:40`."""
    if end is None:
        return f"{day_and_clock(start)}, {opened}"
    return f"{day_and_clock(start)} to {clock_words(end) if day(start) == day(end) else day_and_clock(end)}"


def milestone_title(name: MilestoneName) -> str:
    """A milestone's name for people: `Impact started`."""
    return name.value.replace("_", " ").capitalize()


def kind_title(kind: RowKind) -> str:
    """A row kind's name for people: `Alert fired`."""
    return _SPECIAL_TITLES.get(kind) or kind.value.replace("_", " ").capitalize()


def metric_value(metric: Metric) -> str:
    """A duration in words; an assumed zero is a lower bound; what is not measured says so, never 0 or blank."""
    if metric.seconds is None:
        return NOT_MEASURED
    if metric.seconds == 0 and metric.basis is Basis.ASSUMED:
        return "≥ 0 (assumed)"
    return duration(metric.seconds)


def _printable(char: str) -> str:
    return "\ufffd" if unicodedata.category(char) in _HIDDEN and char not in _JOINERS else char
