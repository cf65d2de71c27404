"""Why an incident is as it is, for a terminal: what put each alert there, what each time rests on, what stands near."""

from collections.abc import Iterable, Sequence

from alertline.incidents.telling.plaintext import columns, key_times, section
from alertline.incidents.telling.wording import day_and_clock, one_line, span
from schemas.incident import Alert, Incident, Reason

__all__ = ["explanation"]


def explanation(incident: Incident) -> str:
    """The reasons of an incident, in words and points; ends in a newline. Ten points: ten times as likely."""
    parts = (
        [one_line(incident.title), f"{one_line(incident.id)} in {one_line(incident.scope)}", *_aliases(incident)],
        section("Why each alert is here (points: +10 makes it ten times as likely)", _members(incident.alerts)),
        section("Probable origin (a pointer, not a cause)", _origin(incident)),
        section("Related incidents (suggested, not joined)", _related(incident)),
        section("Candidate changes (candidates, not causes)", _changes(incident)),
        section("What each time rests on (UTC)", columns(key_times(incident))),
    )
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _aliases(incident: Incident) -> list[str]:
    told = []
    if incident.aliases:
        told.append(f"merged into it: {', '.join(one_line(each) for each in incident.aliases)}")
    if incident.recurrence_of is not None:
        told.append(f"recurrence of: {one_line(incident.recurrence_of)}")
    return told


def _members(alerts: Sequence[Alert]) -> list[str]:
    lines: list[str] = []
    for alert in alerts:
        times = ", ".join(span(each.started_at, each.ended_at) for each in alert.episodes)
        lines.append(f"{one_line(alert.title) or '(no title)'}  [{one_line(alert.source)}; {times}]")
        lines += [f"  {line}" for line in columns(_reasons(alert.why))]
    return lines


def _reasons(reasons: Iterable[Reason]) -> list[tuple[str, str, str]]:
    return [(f"{reason.points:+d}".rjust(4), one_line(reason.rule), one_line(reason.text)) for reason in reasons]


def _origin(incident: Incident) -> list[str]:
    found = incident.probable_origin
    return [] if found is None else [f"{day_and_clock(found.at)}  {one_line(found.service)}: {one_line(found.text)}"]


def _related(incident: Incident) -> list[str]:
    lines: list[str] = []
    for other in incident.related:
        lines.append(f"{one_line(other.incident)}  {other.points:+d}")
        lines += [f"  {line}" for line in columns(_reasons(other.why))]
    return lines


def _changes(incident: Incident) -> list[str]:
    lines: list[str] = []
    for change in incident.changes:
        lines.append(f"{day_and_clock(change.at)}  {change.kind.value}  {one_line(change.text)}  {change.points:+d}")
        lines += [f"  {line}" for line in columns(_reasons(change.why))]
    return lines
