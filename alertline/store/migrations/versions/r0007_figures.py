"""What reports read, in columns, and the views that other tools read (docs/reports.md).

Figures of what is there already are taken from the list lines. What these do not hold (timelines, and what an
overridden milestone would be) is marked as not told: the correlator tells it when it has nothing else to do.
"""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from alertline.store.migrations import r0007_views

revision: Final = "0007"
down_revision: Final = "0006"

_METRICS: Final = r0007_views.METRICS
_MILESTONES: Final = (
    "impact_started",
    "detected",
    "notified",
    "acknowledged",
    "investigating",
    "escalated",
    "cause_identified",
    "fix_applied",
    "mitigated",
    "resolved",
    "closed",
)


def upgrade() -> None:
    """Make columns, tables and views; fill them with what the rows and list lines say."""
    for table, name, kind in _COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))
    op.create_index("ix_episodes_started_at", "episodes", ["started_at"])
    _create_metrics()
    _create_milestones()
    _create_timeline()
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _filled(_Sqlite() if sqlite else _Postgresql()):
        op.execute(statement.replace(":", r"\:"))
    for statement in r0007_views.made(sqlite=sqlite):
        op.execute(statement.replace(":", r"\:"))


def downgrade() -> None:
    """Drop all of it: the log still holds everything that it was made of."""
    for name in reversed(r0007_views.NAMES):
        op.execute(f"DROP VIEW {name}")
    for table in ("timeline_rows", "incident_milestones", "incident_metrics"):
        op.drop_table(table)
    op.drop_index("ix_episodes_started_at", "episodes")
    for table, name, _ in _COLUMNS:
        op.drop_column(table, name)


_COLUMNS: Final[tuple[tuple[str, str, Any], ...]] = (
    ("alerts", "source", sa.Text()),
    ("alerts", "rule", sa.Text()),
    ("alerts", "service", sa.Text()),
    ("episodes", "paging", sa.Boolean()),
)


def _columns(kind: Any, *names: str, nullable: bool = False) -> "list[sa.Column[Any]]":
    return [sa.Column(name, kind, nullable=nullable) for name in names]


def _create_metrics() -> None:
    op.create_table(
        "incident_metrics",
        *_columns(sa.Text(), "incident_id"),
        *_columns(sa.BigInteger(), "cohort_at"),
        *_columns(sa.BigInteger(), "detected_at", nullable=True),
        *_columns(sa.BigInteger(), "updated_at", "version"),
        *_columns(sa.Text(), "stream", "scope", "status", "severity", "classification"),
        *_columns(sa.Text(), "merged_into", nullable=True),
        *_columns(sa.Text(), "title"),
        *_columns(sa.Boolean(), "told", "overridden"),
        *_columns(sa.Double(), *_METRICS, nullable=True),
        *_columns(sa.Text(), "bases", nullable=True),
        *_columns(sa.Double(), *(f"automatic_{name}" for name in _METRICS), nullable=True),
        *_columns(sa.Text(), "automatic_bases", nullable=True),
        sa.PrimaryKeyConstraint("incident_id", name="pk_incident_metrics"),
    )
    op.create_index("ix_incident_metrics_cohort_at_incident_id", "incident_metrics", ["cohort_at", "incident_id"])
    untold = sa.text("NOT told")
    op.create_index(
        "ix_incident_metrics_untold",
        "incident_metrics",
        ["incident_id"],
        sqlite_where=untold,
        postgresql_where=untold,
    )


def _create_milestones() -> None:
    op.create_table(
        "incident_milestones",
        *_columns(sa.Text(), "incident_id", "milestone"),
        *_columns(sa.BigInteger(), "at", nullable=True),
        *_columns(sa.Text(), "basis", nullable=True),
        *_columns(sa.BigInteger(), "earliest", "latest", nullable=True),
        *_columns(sa.Integer(), "revision", nullable=True),
        *_columns(sa.Text(), "note", nullable=True),
        *_columns(sa.BigInteger(), "automatic_at", nullable=True),
        *_columns(sa.Text(), "automatic_basis", nullable=True),
        sa.PrimaryKeyConstraint("incident_id", "milestone", name="pk_incident_milestones"),
    )


def _create_timeline() -> None:
    op.create_table(
        "timeline_rows",
        *_columns(sa.Text(), "incident_id"),
        *_columns(sa.Integer(), "n"),
        *_columns(sa.Text(), "row_id"),
        *_columns(sa.BigInteger(), "at"),
        *_columns(sa.BigInteger(), "ended_at", nullable=True),
        *_columns(sa.Text(), "kind", "text", "basis"),
        *_columns(sa.Text(), "source", "actor", nullable=True),
        *_columns(sa.Text(), "evidence"),
        *_columns(sa.Boolean(), "pinned", "hidden"),
        *_columns(sa.Text(), "original_time", nullable=True),
        sa.PrimaryKeyConstraint("incident_id", "n", name="pk_timeline_rows"),
    )


class _Sqlite:
    """Values in the JSON of a row's body, in the words of SQLite."""

    def text(self, *path: str) -> str:
        names = "".join(f"[{name}]" if name.isdigit() else f'."{name}"' for name in path)
        return f"json_extract(body, '${names}')"

    def number(self, *path: str) -> str:
        return self.text(*path)

    def micros(self, *path: str) -> str:
        at = self.text(*path)
        digits = f"substr(rtrim(substr({at}, instr({at}, '.') + 1), 'Z') || '000000', 1, 6)"
        fraction = f"CASE WHEN instr({at}, '.') > 0 THEN CAST({digits} AS INTEGER) ELSE 0 END"
        return f"CAST(strftime('%s', {at}) AS INTEGER) * 1000000 + {fraction}"


class _Postgresql:
    """The same in the words of PostgreSQL, which takes no NUL character out of JSON."""

    def text(self, *path: str) -> str:
        return f"(replace(body, '\\u0000', '\\ufffd')::json #>> '{{{','.join(path)}}}')"

    def number(self, *path: str) -> str:
        return f"{self.text(*path)}::double precision"

    def micros(self, *path: str) -> str:
        return f"(extract(epoch FROM {self.text(*path)}::timestamptz) * 1000000)::bigint"


def _filled(say: "_Sqlite | _Postgresql") -> list[str]:
    """Statements that fill the new columns and tables."""
    rule = f"coalesce({say.text('labels', 'alertname')}, {say.text('title')})"
    paging = say.text("paging")
    detected, merged = say.micros("milestones", "detected", "at"), say.text("merged_into")
    names = ", ".join((*_METRICS, "bases"))
    seconds = [say.number("metrics", name, "seconds") for name in _METRICS]
    bases = [f"coalesce(substr({say.text('metrics', name, 'basis')}, 1, 1), '-')" for name in _METRICS]
    values = ", ".join((*seconds, " || ".join(bases)))
    told = [
        f"UPDATE alerts SET source = {say.text('source')}, rule = {rule}, service = {say.text('service')}",
        f"""UPDATE episodes SET started_at = {say.micros("spans", "0", "start")},
        paging = coalesce({paging}{"" if isinstance(say, _Sqlite) else "::boolean"}, FALSE)""",
        f"""INSERT INTO incident_metrics (incident_id, cohort_at, detected_at, updated_at, version, stream, scope,
        status, severity, classification, merged_into, title, told, overridden, {names})
        SELECT id, coalesce({detected}, started_at), {detected}, {say.micros("updated_at")},
        CAST({say.number("version")} AS BIGINT), stream, scope, status, severity, {say.text("classification")},
        merged_into, {say.text("title")}, {merged} IS NOT NULL, FALSE, {values} FROM summaries""",
    ]
    return told + [_milestone(say, name) for name in _MILESTONES]


def _milestone(say: "_Sqlite | _Postgresql", name: str) -> str:
    """Milestones that are set; an overridden one has no automatic value until the correlator tells it."""
    own = {part: say.text("milestones", name, part) for part in ("at", "basis", "note")}
    at, earliest, latest = (say.micros("milestones", name, part) for part in ("at", "earliest", "latest"))
    revision = f"CAST({say.number('milestones', name, 'revision')} AS INTEGER)"
    return f"""INSERT INTO incident_milestones (incident_id, milestone, at, basis, earliest, latest, revision, note,
        automatic_at, automatic_basis)
        SELECT id, '{name}', {at}, {own["basis"]}, {earliest}, {latest}, {revision}, {own["note"]},
        CASE WHEN {revision} = 0 THEN {at} END, CASE WHEN {revision} = 0 THEN {own["basis"]} END
        FROM summaries WHERE {own["at"]} IS NOT NULL"""
