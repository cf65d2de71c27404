"""The timeline for other tools: Markdown for people, CSV for spreadsheets, JSON values for programs.

Markdown leaves hidden rows out, as every reading form does; CSV and JSON hold all rows, with the mark in `hidden`.
"""

from typing import Final

import msgspec

from alertline.incidents.model import ItemRow
from alertline.incidents.telling.markdown import escape, traced
from alertline.incidents.telling.sections import timeline
from alertline.incidents.telling.spreadsheet import csv_text
from alertline.incidents.telling.statements import evidence_of
from alertline.incidents.telling.wording import day
from schemas.incident import Incident, TimelineRow

__all__ = ["CSV_COLUMNS", "public_item", "timeline_csv", "timeline_json", "timeline_markdown"]

CSV_COLUMNS: Final = (
    "at",
    "ended_at",
    "kind",
    "text",
    "basis",
    "source",
    "actor",
    "evidence",
    "pinned",
    "hidden",
    "original_time",
    "id",
    "note",
    "revision",
)


def timeline_markdown(incident: Incident) -> str:
    """The visible rows as a Markdown list under a heading that names the incident and the days."""
    rows = incident.timeline
    days = f", {day(rows[0].at)} (UTC)" if rows and day(rows[0].at) == day(rows[-1].at) else ""
    heading = traced(f"# Timeline: {escape(incident.title) or '(no title)'}{days}", evidence_of(*rows[:1]))
    return "\n".join([heading, "", *timeline(incident), ""])


def timeline_csv(incident: Incident) -> str:
    """All rows as RFC 4180 with a header line; ids of evidence stand space-separated in one cell.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    return csv_text(CSV_COLUMNS, map(_values, incident.timeline))


def timeline_json(incident: Incident) -> list[object]:
    """All rows in the shape that they have in the incident."""
    rows: list[object] = msgspec.json.decode(msgspec.json.encode(incident.timeline))
    return rows


def public_item(item: ItemRow) -> dict[str, object]:
    """A statement that waits for its incident, as the API and `replay` show it under `unattached`."""
    return {
        "id": item.id,
        "stream": item.stream,
        "scope": item.scope,
        "at": msgspec.to_builtins(item.at),
        "ended_at": msgspec.to_builtins(item.ended_at),
        "kind": item.kind.value,
        "command": item.command,
        "text": item.text,
        "basis": item.basis.value,
        "service": item.service,
        "actor": item.actor,
        "source": item.source,
        "asked_incident": item.asked_incident,
        "recorded_at": msgspec.to_builtins(item.read_at),
        "retry_until": msgspec.to_builtins(item.retry_until),
        "evidence": list(item.evidence),
    }


def _values(row: TimelineRow) -> list[object]:
    public: dict[str, object] = msgspec.to_builtins(row)
    return [public[column] for column in CSV_COLUMNS]
