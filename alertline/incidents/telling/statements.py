"""Sentences that are made of records only, each with the events behind it. They state; they never explain or guess."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from alertline.incidents.telling.wording import day, day_and_clock, duration, kind_title, one_line, span
from alertline.incidents.words import clock_words
from schemas.incident import Alert, Incident, Milestone, TimelineRow
from schemas.vocabulary import Basis, MetricName, MilestoneName, RowKind

__all__ = [
    "Statement",
    "alert_evidence",
    "alert_rows",
    "detection",
    "evidence_of",
    "lead",
    "length",
    "misleading_paths",
    "origin",
    "row_detail",
    "row_words",
    "symptoms",
    "visible_rows",
]

_ALERT_ROWS = frozenset({RowKind.ALERT_FIRED, RowKind.ALERT_REFIRED, RowKind.ALERT_RESOLVED, RowKind.ALERT_SUPPRESSED})


class Statement(msgspec.Struct, frozen=True):
    """One sentence of plain text and the ids of the events that it rests on."""

    text: str
    evidence: tuple[str, ...]


def lead(incident: Incident) -> tuple[Statement, ...]:
    """What, how long, detected how, and when the cause was known: the first lines of every form of an incident."""
    return tuple(sentence for sentence in (length(incident), detection(incident), _cause(incident)) if sentence)


def length(incident: Incident) -> Statement:
    """From when to when, as far as both ends are recorded. An open incident has no length: there is no now in here."""
    start, end = _stamp(incident, MilestoneName.IMPACT_STARTED), _stamp(incident, MilestoneName.RESOLVED)
    evidence = evidence_of(start, end) or origin(incident)
    if end is None:
        known = f" since {day_and_clock(start.at)} UTC" if start else ", start of the impact not recorded"
        return Statement(f"Open{known}; not resolved.", evidence)
    if start is None:
        return Statement(f"Resolved at {day_and_clock(end.at)} UTC; start of the impact not recorded.", evidence)
    if end.at < start.at:
        words = f"Resolved at {day_and_clock(end.at)} UTC, before the stated start of the impact, "
        return Statement(f"{words}{day_and_clock(start.at)} UTC.", evidence)
    after = duration((end.at - start.at).total_seconds())
    return Statement(f"Resolved {after} after the impact started, {span(start.at, end.at)} UTC.", evidence)


def detection(incident: Incident) -> Statement | None:
    """When and by what the incident was detected; None if nothing says so."""
    stamp = _stamp(incident, MilestoneName.DETECTED)
    if stamp is None:
        return None
    return Statement(
        f"Detected at {_near(stamp, incident)} UTC{_after_impact(incident)}{_detector(incident, stamp)}.",
        evidence_of(stamp) or origin(incident),
    )


def symptoms(incident: Incident) -> tuple[Statement, ...]:
    """The distinct titles of the alerts, in order of their first episodes, each with its rows' events."""
    first: dict[str, list[Alert]] = {}
    for alert in sorted(incident.alerts, key=_first_start):
        first.setdefault(one_line(alert.title) or "(no title)", []).append(alert)
    rows = alert_rows(incident)
    return tuple(
        Statement(title, tuple(identifier for alert in alerts for identifier in alert_evidence(rows, alert)))
        for title, alerts in first.items()
    )


def alert_rows(incident: Incident) -> Mapping[str, list[TimelineRow]]:
    """The rows that alerts left on the timeline, by the id of their episode."""
    rows = defaultdict[str, list[TimelineRow]](list)
    for row in incident.timeline:
        if row.kind in _ALERT_ROWS:
            rows[row.id.rpartition(".")[0]].append(row)
    return rows


def alert_evidence(rows: Mapping[str, list[TimelineRow]], alert: Alert) -> tuple[str, ...]:
    """The events of an alert: those of its episodes' rows, else the alert's own id."""
    return evidence_of(*(row for episode in alert.episodes for row in rows.get(episode.id, ()))) or (alert.id,)


def misleading_paths(incident: Incident) -> dict[str, TimelineRow]:
    """Row id of each hypothesis that was rejected → the rejection, where only one hypothesis was open at that time.

    With two open ones nobody recorded which of them was meant, so neither is marked.
    """
    paths: dict[str, TimelineRow] = {}
    pending: list[TimelineRow] = []
    for row in visible_rows(incident):
        if row.kind is RowKind.HYPOTHESIS:
            pending.append(row)
        elif row.kind is RowKind.HYPOTHESIS_REJECTED and len(pending) == 1:
            paths[pending.pop().id] = row
    return paths


def visible_rows(incident: Incident) -> tuple[TimelineRow, ...]:
    """The rows that nobody has hidden."""
    return tuple(row for row in incident.timeline if not row.hidden)


def row_words(row: TimelineRow) -> str:
    """A row as one line of plain text: its kind, unless the text begins with it, and the text."""
    kind, text = kind_title(row.kind), row_detail(row)
    if not text:
        return kind
    return text if text.casefold().startswith(kind.casefold()) else f"{kind}: {text}"


def row_detail(row: TimelineRow) -> str:
    """A row's text where its kind is shown beside it: without a heading that only repeats the kind."""
    kind, text = kind_title(row.kind).casefold(), one_line(row.text)
    heading, colon, rest = text.partition(":")
    return rest.strip() if heading.casefold() == kind and (colon or not rest) else text


def origin(incident: Incident) -> tuple[str, ...]:
    """The events that the incident exists by: those of its detection, else those of its first row."""
    detected = evidence_of(_stamp(incident, MilestoneName.DETECTED))
    return detected or next((row.evidence for row in incident.timeline if row.evidence), ())


def evidence_of(*sources: Milestone | TimelineRow | None) -> tuple[str, ...]:
    """The events of several records, each once, in order."""
    return tuple(dict.fromkeys(identifier for source in sources if source for identifier in source.evidence))


def _stamp(incident: Incident, name: MilestoneName) -> Milestone | None:
    return incident.milestones.get(name)


def _first_start(alert: Alert) -> datetime:
    return min((episode.started_at for episode in alert.episodes), default=datetime.max.replace(tzinfo=UTC))


def _near(stamp: Milestone, incident: Incident) -> str:
    """The time, with its date unless the sentence before has just named it."""
    start = _stamp(incident, MilestoneName.IMPACT_STARTED)
    return clock_words(stamp.at) if start and day(start.at) == day(stamp.at) else day_and_clock(stamp.at)


def _after_impact(incident: Incident) -> str:
    metric = incident.metrics.get(MetricName.DETECT_FROM_IMPACT)
    if metric is None or metric.seconds is None:
        return ""
    if metric.seconds == 0:
        return ", assumed to be the start of the impact" if metric.basis is Basis.ASSUMED else ", as the impact started"
    side = "after" if metric.seconds > 0 else "before"
    return f", {duration(abs(metric.seconds))} {side} the impact started"


def _detector(incident: Incident, stamp: Milestone) -> str:
    firing = (alert for alert in incident.alerts if any(each.started_at == stamp.at for each in alert.episodes))
    alerts = tuple(firing)
    if not alerts:
        return ", reported by a person" if stamp.basis is Basis.MANUAL else ""
    named = ", ".join([f"“{one_line(alert.title) or '(no title)'}”" for alert in alerts[:2]])
    more = f" and {len(alerts) - 2} more" if len(alerts) > 2 else ""
    sources = ", ".join(dict.fromkeys(alert.source for alert in alerts))
    return f", by the alert{'s' if len(alerts) > 1 else ''} {named}{more} ({sources})"


def _cause(incident: Incident) -> Statement | None:
    stamp, detected = _stamp(incident, MilestoneName.CAUSE_IDENTIFIED), _stamp(incident, MilestoneName.DETECTED)
    if stamp is None:
        return None
    rejected = [row for row in _rejections(visible_rows(incident)) if row.at <= stamp.at]
    distance = _after_detection(stamp, detected)
    paths = f", once {len(rejected)} path{'s' if len(rejected) > 1 else ''} had been rejected" if rejected else ""
    return Statement(f"Cause identified {distance}{paths}.", evidence_of(stamp, *rejected))


def _after_detection(stamp: Milestone, detected: Milestone | None) -> str:
    if detected is None or stamp.at < detected.at:
        return f"at {day_and_clock(stamp.at)} UTC"
    return f"{duration((stamp.at - detected.at).total_seconds())} after detection"


def _rejections(rows: Iterable[TimelineRow]) -> list[TimelineRow]:
    return [row for row in rows if row.kind is RowKind.HYPOTHESIS_REJECTED]
