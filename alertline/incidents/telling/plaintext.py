"""An incident as plain text in aligned columns: `show`, `replay --format text` and the demo print it.

No colour, no control characters, whatever the alerts say; the same incident gives the same text.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from alertline.incidents.telling.statements import lead, row_words, visible_rows
from alertline.incidents.telling.wording import (
    LENGTHS,
    METRIC_TITLES,
    NOT_RECORDED,
    SINCE_DETECTION,
    SINCE_IMPACT,
    day,
    day_and_clock,
    metric_value,
    milestone_title,
    one_line,
    since,
    span,
)
from alertline.incidents.words import clock_words
from schemas.incident import Incident, Milestone, TimelineRow
from schemas.vocabulary import MetricName, MilestoneName

__all__ = ["columns", "incident_text", "key_times", "section"]

Row = Sequence[str]


def incident_text(incident: Incident) -> str:
    """The whole incident for a terminal; ends in a newline. Times are UTC, T is the detection."""
    parts = (
        _header(incident),
        section("Key times (UTC)", columns(key_times(incident))),
        section(f"Durations ({one_line(incident.definition)})", columns(_durations(incident))),
        section("Timeline (UTC; T = detected)", _timeline(incident)),
        section("Alerts (UTC)", columns(_alerts(incident))),
        section("Candidate changes (candidates, not causes)", columns(_changes(incident))),
        section("Conflicts", columns(_conflicts(incident))),
        section("Gaps (UTC)", columns((span(gap.from_, gap.to), one_line(gap.what)) for gap in incident.gaps)),
    )
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _header(incident: Incident) -> list[str]:
    services = ", ".join(one_line(service) for service in incident.services) or NOT_RECORDED
    about = [f"{one_line(incident.id)}", incident.status.value, incident.severity.value, f"services: {services}"]
    if incident.scope != "default":
        about.append(f"scope: {one_line(incident.scope)}")
    if incident.classification.value != "incident":
        about.append(incident.classification.value.replace("_", " "))
    about += [one_line(flag.replace("_", " ")) for flag in incident.flags]
    return [one_line(incident.title) or "(no title)", " | ".join(about), *(said.text for said in lead(incident))]


def section(title: str, lines: Sequence[str]) -> list[str]:
    """A title with its lines below it, indented; nothing where there are none."""
    return [title, *(f"  {line}".rstrip() for line in lines)] if lines else []


def columns(rows: Iterable[Row]) -> list[str]:
    """Cells padded to the widest of their column; the last column runs free."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(max(map(len, rows), default=1) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]


def key_times(incident: Incident) -> list[Row]:
    """A row for each milestone: its time, the time since detection, how it is known, bounds and the rule."""
    detected = _detected_at(incident)
    rows: list[Row] = []
    for name in MilestoneName:
        stamp = incident.milestones.get(name)
        if stamp is None:
            rows.append((milestone_title(name), NOT_RECORDED, "", "", ""))
            continue
        about = ". ".join(part for part in (_bounds(stamp), one_line(stamp.note or "")) if part)
        since_detection = f"T {since(stamp.at, detected)}" if detected else ""
        rows.append((milestone_title(name), day_and_clock(stamp.at), since_detection, stamp.basis.value, about))
    return rows


def _bounds(stamp: Milestone) -> str:
    if stamp.earliest and stamp.latest:
        return (
            f"between {clock_words(stamp.earliest)} and {clock_words(stamp.latest)}"
            if stamp.earliest != stamp.latest
            else ""
        )
    if stamp.earliest:
        return f"not before {clock_words(stamp.earliest)}"
    return f"not after {clock_words(stamp.latest)}" if stamp.latest else ""


def _durations(incident: Incident) -> list[Row]:
    def group(names: Iterable[MetricName], clock_name: str) -> list[Row]:
        return [
            (METRIC_TITLES[name], name.value, clock_name, metric_value(metric), _why(incident, name))
            for name in names
            if (metric := incident.metrics.get(name)) is not None
        ]

    return group(SINCE_IMPACT, "since impact") + group(SINCE_DETECTION, "since detection") + group(LENGTHS, "")


def _why(incident: Incident, name: MetricName) -> str:
    metric = incident.metrics[name]
    words = (metric.basis.value if metric.basis else "", one_line(metric.reason or ""))
    return ": ".join(word for word in words if word)


def _timeline(incident: Incident) -> list[str]:
    detected, rows = _detected_at(incident), visible_rows(incident)
    cells = [
        (
            clock_words(row.at) + (f"–{clock_words(row.ended_at)}" if row.ended_at else ""),
            since(row.at, detected),
            f"{row_words(row)}  [{_said_by(row)}]",
        )
        for row in rows
    ]
    lines: list[str] = []
    current = None
    for row, line in zip(rows, columns(cells), strict=True):
        if day(row.at) != current:
            current = day(row.at)
            lines.append(current)
        lines.append(line)
    if hidden := len(incident.timeline) - len(rows):
        lines.append(f"({hidden} hidden {'row' if hidden == 1 else 'rows'} left out)")
    return lines


def _said_by(row: TimelineRow) -> str:
    return ", ".join(one_line(word) for word in (row.source, row.actor, row.basis.value) if word)


def _alerts(incident: Incident) -> list[Row]:
    return [
        (
            span(episode.started_at, episode.ended_at),
            alert.severity.value,
            one_line(alert.source),
            one_line(alert.title) or "(no title)",
        )
        for alert in incident.alerts
        for episode in alert.episodes
    ]


def _changes(incident: Incident) -> list[Row]:
    return [(day_and_clock(change.at), change.kind.value, one_line(change.text)) for change in incident.changes]


def _conflicts(incident: Incident) -> list[Row]:
    return [
        (
            one_line(conflict.what),
            ", ".join(one_line(value) if isinstance(value, str) else day_and_clock(value) for value in conflict.values),
        )
        for conflict in incident.conflicts
    ]


def _detected_at(incident: Incident) -> datetime | None:
    stamp = incident.milestones.get(MilestoneName.DETECTED)
    return stamp.at if stamp else None
