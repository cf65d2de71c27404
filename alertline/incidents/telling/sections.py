"""The automatic parts of a postmortem draft: Markdown lines, each with the trace to the events that it was made of."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from alertline.incidents.telling.markdown import bullet, escape, table, traced
from alertline.incidents.telling.slots import prompt, required_slots
from alertline.incidents.telling.statements import (
    Statement,
    alert_evidence,
    alert_rows,
    detection,
    evidence_of,
    length,
    misleading_paths,
    origin,
    row_words,
    symptoms,
    visible_rows,
)
from alertline.incidents.telling.wording import (
    METRIC_ENDS,
    METRIC_TITLES,
    NOT_RECORDED,
    day,
    day_and_clock,
    duration,
    kind_title,
    metric_value,
    milestone_title,
    span,
)
from alertline.incidents.words import clock_words
from schemas.incident import Alert, Candidate, Incident, Metric, Milestone, TimelineRow
from schemas.vocabulary import Basis, IncidentStatus, MetricName, MilestoneName, RowKind

__all__ = ["SECTIONS", "candidates", "open_questions", "timeline"]

_SPOKEN: Final = frozenset({Basis.REPORTED, Basis.MANUAL})


def header(incident: Incident) -> list[str]:
    """The title and what identifies the document."""
    evidence = origin(incident)
    started = incident.milestones.get(MilestoneName.IMPACT_STARTED) or incident.milestones.get(MilestoneName.DETECTED)
    date = f"{day(started.at if started else incident.created_at)} (UTC)"
    lines = [
        traced(f"# Incident Report: {escape(incident.title) or '(no title)'}", evidence),
        "",
        bullet("Incident", escape(incident.id), evidence),
        bullet("Date", date, evidence_of(started) or evidence),
        bullet("Status", incident.status.value, _status_evidence(incident)),
        bullet("Severity", incident.severity.value, evidence),
        bullet("Classification", incident.classification.value.replace("_", " "), evidence),
        bullet("Scope", escape(incident.scope), evidence),
    ]
    if incident.flags:
        lines.append(bullet("Flags", ", ".join(escape(flag.replace("_", " ")) for flag in incident.flags), evidence))
    if incident.recurrence_of:
        lines.append(bullet("Recurrence of", escape(incident.recurrence_of), evidence))
    if incident.reopen_count and incident.first_resolved_at:
        times = f"{incident.reopen_count} ×, first resolved {day_and_clock(incident.first_resolved_at)} UTC"
        lines.append(bullet("Reopened", times, _evidence_of_kinds(incident, {RowKind.REOPENED}) or evidence))
    return lines


def summary(incident: Incident) -> list[str]:
    """Duration, service, symptoms, detection: the facts of the issue summary."""
    lines = [_duration_bullet(incident)]
    services = ", ".join(escape(service) for service in incident.services) or NOT_RECORDED
    lines.append(bullet("Service", services, origin(incident)))
    lines += [bullet("Symptom", escape(symptom.text), symptom.evidence) for symptom in symptoms(incident)]
    detected = detection(incident) or Statement(f"{NOT_RECORDED}.", ())
    lines.append(bullet("Detection", escape(detected.text), detected.evidence))
    return lines


def key_times(incident: Incident) -> list[str]:
    """All eleven milestones; one that nobody recorded says so."""
    rows = [_key_time(name, incident.milestones.get(name)) for name in MilestoneName]
    return table(("Milestone", "Time (UTC)", "Basis", "Bounds", "Note", "Evidence"), rows)


def durations(incident: Incident) -> list[str]:
    """Every metric with its two stamps, its basis, and the reason where it is not measured."""
    rows = [_duration_row(incident, name, incident.metrics[name]) for name in METRIC_TITLES if name in incident.metrics]
    return table(("Duration", "From", "To", f"Value ({escape(incident.definition)})", "Basis", "Reason"), rows)


def timeline(incident: Incident) -> list[str]:
    """One bullet for each visible row, `- **14:05 UTC**: …`, under day headings where there are several days."""
    rows, paths = visible_rows(incident), misleading_paths(incident)
    days = dict.fromkeys(day(row.at) for row in rows)
    lines: list[str] = []
    current = None
    for row in rows:
        if len(days) > 1 and day(row.at) != current:
            current = day(row.at)
            lines += [*([""] if lines else []), traced(f"### {current} (UTC)", evidence_of(row)), ""]
        lines.append(_timeline_bullet(row, paths.get(row.id)))
    return lines or [traced("No timeline rows are recorded.", ())]


def cause_records(incident: Incident) -> list[str]:
    """What people recorded as the cause and as findings, word for word: the material for the slot, not its text."""
    return _records(incident, {RowKind.FINDING, RowKind.CAUSE_IDENTIFIED}, "No finding or cause was recorded.")


def resolution_records(incident: Incident) -> list[str]:
    """What was done and what came of it, from the rows that say so."""
    kinds = {
        RowKind.FIX_STARTED,
        RowKind.ROLLBACK,
        RowKind.FIX_APPLIED,
        RowKind.RECOVERING,
        RowKind.MITIGATED,
        RowKind.RESOLVED,
        RowKind.REOPENED,
    }
    return _records(incident, kinds, "No fix, mitigation or end was recorded.")


def candidates(incident: Incident) -> list[str]:
    """The changes near the start of the impact, with the reasons for naming them."""
    return [_candidate_bullet(change) for change in incident.changes] or [
        traced("No change was recorded near the start of the impact.", ())
    ]


def open_questions(incident: Incident, written: Iterable[str]) -> list[str]:
    """A box for every empty slot, unrecorded time, conflict and gap."""
    full = set(written)
    lines = [traced(f"- [ ] To fill: {prompt(name)}", ()) for name in required_slots() if name not in full]
    if missing := [milestone_title(name).lower() for name in MilestoneName if incident.milestones.get(name) is None]:
        lines.append(traced(f"- [ ] Not recorded: {', '.join(missing)}", ()))
    for conflict in incident.conflicts:
        values = ", ".join(
            escape(value) if isinstance(value, str) else f"{day_and_clock(value)} UTC" for value in conflict.values
        )
        lines.append(traced(f"- [ ] Conflict about {escape(conflict.what)}: {values}", conflict.evidence))
    for gap in incident.gaps:
        bounds = [row for row in visible_rows(incident) if row.at in {gap.from_, gap.to}]
        text = f"- [ ] What happened from {span(gap.from_, gap.to)} UTC? {escape(gap.what)}"
        lines.append(traced(text, evidence_of(*bounds)))
    return lines or [traced("No open questions.", ())]


def alerts(incident: Incident) -> list[str]:
    """The appendix's table of alerts with their episodes and why each of them is here."""
    rows = alert_rows(incident)
    header_cells = ("Alert", "Source", "Key", "Service", "Severity", "Episodes (UTC)", "Why it is here")
    return table(header_cells, [(_alert_cells(alert), alert_evidence(rows, alert)) for alert in incident.alerts])


def definitions(incident: Incident) -> list[str]:
    """What the numbers above mean, and which events all of this rests on."""
    events = evidence_of(*visible_rows(incident))
    return [
        bullet("Definition", f"{escape(incident.definition)} (durations in elapsed time)", origin(incident)),
        bullet("Incident version", str(incident.version), origin(incident)),
        bullet("Events", f"{len(events)}", events),
    ]


SECTIONS: Final[Mapping[str, Callable[[Incident], list[str]]]] = {
    "header": header,
    "summary": summary,
    "key_times": key_times,
    "durations": durations,
    "timeline": timeline,
    "cause_records": cause_records,
    "resolution_records": resolution_records,
    "candidates": candidates,
    "alerts": alerts,
    "definitions": definitions,
}


def _key_time(name: MilestoneName, stamp: Milestone | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    title = milestone_title(name)
    if stamp is None:
        return (title, NOT_RECORDED, "", "", "", ""), ()
    bounds = _bounds(stamp)
    shown = ", ".join(escape(identifier) for identifier in stamp.evidence[:3])
    more = f" and {len(stamp.evidence) - 3} more" if len(stamp.evidence) > 3 else ""
    cells = (title, day_and_clock(stamp.at), stamp.basis.value, bounds, escape(stamp.note or ""), shown + more)
    return cells, stamp.evidence


def _bounds(stamp: Milestone) -> str:
    if stamp.earliest and stamp.latest:
        return span(stamp.earliest, stamp.latest) if stamp.earliest != stamp.latest else "exact"
    if stamp.earliest:
        return f"not before {day_and_clock(stamp.earliest)}"
    return f"not after {day_and_clock(stamp.latest)}" if stamp.latest else ""


def _duration_row(incident: Incident, name: MetricName, metric: Metric) -> tuple[tuple[str, ...], tuple[str, ...]]:
    ends = METRIC_ENDS.get(name)
    titles = tuple(milestone_title(end) for end in ends) if ends else ("", "")
    measured = metric.seconds is not None
    evidence = evidence_of(*(incident.milestones.get(end) for end in ends)) if ends else _summed(incident, name)
    basis = metric.basis.value if metric.basis else ""
    reason = escape(metric.reason or ("" if measured else "no record"))
    return (name.value, *titles, metric_value(metric), basis, reason), evidence if measured else ()


def _summed(incident: Incident, name: MetricName) -> tuple[str, ...]:
    """The events under a duration that is a sum over rows."""
    kinds = {
        MetricName.IMPACT_ACTIVE: {RowKind.ALERT_FIRED, RowKind.ALERT_REFIRED, RowKind.ALERT_RESOLVED},
        MetricName.DETOUR_TOTAL: {RowKind.HYPOTHESIS, RowKind.HYPOTHESIS_REJECTED},
    }
    return _evidence_of_kinds(incident, kinds.get(name, set())) or origin(incident)


def _timeline_bullet(row: TimelineRow, rejection: TimelineRow | None) -> str:
    text = escape(row_words(row))
    if rejection is not None:
        text += f" _(misleading path, rejected {clock_words(rejection.at)} UTC)_"
    elif row.kind is RowKind.HYPOTHESIS_REJECTED:
        text += " _(misleading path)_"
    notes = [escape(row.actor)] if row.actor else []
    notes += [] if row.basis in _SPOKEN else [row.basis.value]
    notes += [f"written as {escape(row.original_time)}"] if row.original_time else []
    about = f" ({', '.join(notes)})" if notes else ""
    return bullet(f"{_row_time(row)} UTC", text + about, evidence_of(row, rejection))


def _row_time(row: TimelineRow) -> str:
    if row.ended_at is None or row.ended_at == row.at:
        return clock_words(row.at)
    end = clock_words(row.ended_at) if day(row.at) == day(row.ended_at) else day_and_clock(row.ended_at)
    return f"{clock_words(row.at)}–{end}"


def _records(incident: Incident, kinds: set[RowKind], nothing: str) -> list[str]:
    rows = [row for row in visible_rows(incident) if row.kind in kinds]
    return [
        bullet(f"{day_and_clock(row.at)} UTC, {kind_title(row.kind).lower()}", _quoted(row), row.evidence)
        for row in rows
    ] or [traced(nothing, ())]


def _quoted(row: TimelineRow) -> str:
    return escape(row.text) + (f" ({escape(row.actor)})" if row.actor else "")


def _candidate_bullet(change: Candidate) -> str:
    reasons = "; ".join(escape(reason.text) for reason in change.why)
    who = f", {escape(change.actor)}" if change.actor else ""
    what = f"{escape(change.text)} ({change.kind.value}{who})" + (f": {reasons}" if reasons else "")
    when = span(change.at, change.ended_at) if change.ended_at else day_and_clock(change.at)
    return bullet(f"{when} UTC", what, (change.id,))


def _alert_cells(alert: Alert) -> tuple[str, ...]:
    episodes = "; ".join(
        span(episode.started_at, episode.ended_at)
        + (f" ({episode.end_basis.value})" if episode.end_basis and episode.end_basis.value != "reported" else "")
        for episode in alert.episodes
    )
    why = "; ".join(escape(reason.text) for reason in alert.why) or "not stated"
    identity = (
        escape(alert.title),
        escape(alert.source),
        escape(alert.dedup_key),
        escape(alert.service or "not stated"),
    )
    return (*identity, alert.severity.value, episodes, why)


def _duration_bullet(incident: Incident) -> str:
    start = incident.milestones.get(MilestoneName.IMPACT_STARTED)
    end = incident.milestones.get(MilestoneName.RESOLVED)
    known = length(incident)
    if start is None or end is None or end.at < start.at:
        return bullet("Duration", escape(known.text), known.evidence)
    seconds = (end.at - start.at).total_seconds()
    bases = f"start {start.basis.value}, end {end.basis.value}"
    return bullet("Duration", f"{duration(seconds)}, {span(start.at, end.at)} UTC ({bases})", known.evidence)


def _status_evidence(incident: Incident) -> tuple[str, ...]:
    ends = {IncidentStatus.RESOLVED: MilestoneName.RESOLVED, IncidentStatus.CLOSED: MilestoneName.CLOSED}
    name = ends.get(incident.status)
    return evidence_of(incident.milestones.get(name)) if name else origin(incident)


def _evidence_of_kinds(incident: Incident, kinds: set[RowKind]) -> tuple[str, ...]:
    return evidence_of(*(row for row in incident.timeline if row.kind in kinds))
