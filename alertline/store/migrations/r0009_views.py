"""The views of revision 0009, in the words of both databases: what other tools read, and may rely on (docs/reports.md).

Times are `timestamptz` on PostgreSQL and RFC 3339 text in UTC with microseconds on SQLite. Yes and no are `boolean` on
PostgreSQL, 1 and 0 on SQLite.
"""

from collections.abc import Iterator
from typing import Final

__all__ = ["METRICS", "NAMES", "made"]

METRICS: Final = (
    "detect_from_impact",
    "ack_from_detect",
    "investigate_from_detect",
    "escalate_from_detect",
    "identify_from_detect",
    "fix_from_detect",
    "recover_from_impact",
    "resolve_from_impact",
    "resolve_from_detect",
    "impact_active",
    "detour_total",
    "ingest_lag",
    "fdrt",
)
_BASES: Final = ("manual", "reported", "derived", "assumed", "imported", "fallback")
NAMES: Final = ("v_incident_metrics", "v_incident_milestones", "v_timeline", "v_incident_services")

# why an incident does not count, the first reason that holds; alertline/incidents/reporting/cohort.py says the same
_EXCLUDED: Final = """CASE WHEN i.merged_into IS NOT NULL THEN 'merged'
        WHEN i.classification <> 'incident' THEN i.classification
        WHEN i.detected_at IS NULL THEN 'not_detected'
        WHEN i.status = 'open' THEN 'open' END"""


def made(*, sqlite: bool) -> Iterator[str]:
    """The statements that make the views."""
    incident = f"""i.stream, i.scope, i.status, i.severity, i.classification,
        {_word(_EXCLUDED, sqlite)} AS excluded,
        {_time("i.detected_at", sqlite)} AS detected_at, {_time("i.updated_at", sqlite)} AS updated_at,
        i.version, i.merged_into IS NOT NULL AS deleted, i.merged_into"""
    metrics = " UNION ALL ".join(_metric(name, incident, sqlite) for name in METRICS)
    yield f"CREATE VIEW v_incident_metrics AS {metrics}"
    yield f"""CREATE VIEW v_incident_milestones AS
        SELECT m.incident_id, m.milestone, {_time("m.at", sqlite)} AS at, m.basis,
        {_time("m.earliest", sqlite)} AS earliest, {_time("m.latest", sqlite)} AS latest, m.revision, m.note,
        {_time("m.automatic_at", sqlite)} AS automatic_at, m.automatic_basis, {incident}
        FROM incident_milestones m JOIN incident_metrics i ON i.incident_id = m.incident_id"""
    yield f"""CREATE VIEW v_timeline AS
        SELECT t.incident_id, t.n, t.row_id, {_time("t.at", sqlite)} AS at, {_time("t.ended_at", sqlite)} AS ended_at,
        t.kind, t.text, t.basis, t.source, t.actor, t.evidence, t.pinned, t.hidden, t.original_time, i.told AS current,
        {_time("i.updated_at", sqlite)} AS updated_at, i.version, i.merged_into IS NOT NULL AS deleted, i.merged_into
        FROM timeline_rows t JOIN incident_metrics i ON i.incident_id = t.incident_id"""
    yield "CREATE VIEW v_incident_services AS SELECT incident_id, service FROM summary_services"


def _metric(name: str, incident: str, sqlite: bool) -> str:
    basis, automatic = (_basis(f"i.{column}", name) for column in ("bases", "automatic_bases"))
    automatic = f"CASE WHEN i.overridden THEN {automatic} ELSE {basis} END"
    return f"""SELECT i.incident_id, {_word(f"'{name}'", sqlite)} AS metric, i.title, i.{name} AS seconds,
        {_word(basis, sqlite)} AS basis,
        CASE WHEN i.overridden THEN i.automatic_{name} ELSE i.{name} END AS automatic_seconds,
        {_word(automatic, sqlite)} AS automatic_basis,
        i.overridden, {_word("'ttx/1'", sqlite)} AS definition, {incident} FROM incident_metrics i"""


def _basis(column: str, metric: str) -> str:
    """The word of the letter in the place of the metric; null where it was not measured."""
    words = " ".join(f"WHEN '{word[0]}' THEN '{word}'" for word in _BASES)
    return f"CASE substr({column}, {METRICS.index(metric) + 1}, 1) {words} END"


def _word(said: str, sqlite: bool) -> str:
    """A text that no column holds; it is sorted as those that columns hold (`collation.py`)."""
    return said if sqlite else f'({said}) COLLATE "C"'


def _time(column: str, sqlite: bool) -> str:
    if not sqlite:
        return f"(timestamptz 'epoch' + {column} * interval '1 microsecond')"
    seconds = f"strftime('%Y-%m-%dT%H:%M:%S', {column} / 1000000, 'unixepoch')"
    return f"({seconds} || printf('.%06dZ', {column} % 1000000))"
