"""What reports read, in columns, and the views that other tools read (docs/reports.md).

Figures of what is there already are taken from the list lines. What these do not hold (timelines, and what an
overridden milestone would be) is marked as not told: the correlator tells it when it has nothing else to do.
"""

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from alertline.store.collation import collate
from alertline.store.migrations import r0009_views
from alertline.store.migrations.filling import at_of, bodies, fill
from alertline.store.rows import fit

revision: Final = "0009"
down_revision: Final = "0008"

_METRICS: Final = r0009_views.METRICS
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
    metrics, milestones = _create_metrics(), _create_milestones()
    _create_timeline()
    fill("alerts", ["source", "rule", "service"], _alert)
    fill("episodes", ["paging"], _episode)
    for found in bodies("summaries"):
        _insert(metrics, [_metric_row(line) for _, line in found])
        _insert(milestones, [row for _, line in found for row in _milestone_rows(line)])
    collate(op.get_bind(), ["summary_services", "incident_metrics", "incident_milestones", "timeline_rows"])
    for statement in r0009_views.made(sqlite=op.get_bind().dialect.name == "sqlite"):
        op.execute(statement.replace(":", r"\:"))


def downgrade() -> None:
    """Drop all of it: the log still holds everything that it was made of."""
    for name in reversed(r0009_views.NAMES):
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


def _create_metrics() -> sa.Table:
    made = op.create_table(
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
    return made


def _create_milestones() -> sa.Table:
    return op.create_table(
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


def _alert(row: dict[str, Any]) -> tuple[Any, ...]:
    return fit(row["source"]), fit(row.get("labels", {}).get("alertname", row["title"])), _fit(row.get("service"))


def _episode(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row.get("paging", False),)


def _metric_row(line: dict[str, Any]) -> tuple[Any, ...]:
    """A line in the order of the table; an overridden incident is marked as such when the correlator tells it."""
    detected = _stamp(line, "detected")
    metrics = [line["metrics"].get(name) or {} for name in _METRICS]
    return (
        line["id"],
        at_of(line["started_at"] if detected is None else detected["at"]),
        None if detected is None else at_of(detected["at"]),
        at_of(line["updated_at"]),
        line["version"],
        fit(line["stream"]),
        fit(line["scope"]),
        *(line[name] for name in ("status", "severity", "classification", "merged_into")),
        fit(line["title"]),
        line["merged_into"] is not None,
        False,
        *(metric.get("seconds") for metric in metrics),
        "".join("-" if each.get("seconds") is None else (each.get("basis") or "-")[0] for each in metrics),
        *(None for _ in _METRICS),
        None,
    )


def _milestone_rows(line: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Milestones that are set; an overridden one has no automatic value until the correlator tells it."""
    for name in _MILESTONES:
        if (own := _stamp(line, name)) is not None:
            at, automatic = at_of(own["at"]), not own.get("revision", 0)
            yield (
                *(line["id"], name, at, own["basis"], at_of(own.get("earliest")), at_of(own.get("latest"))),
                *(own.get("revision", 0), _fit(own.get("note"))),
                *((at, own["basis"]) if automatic else (None, None)),
            )


def _stamp(line: dict[str, Any], name: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = line["milestones"].get(name)
    return found


def _fit(said: str | None) -> str | None:
    return None if said is None else fit(said)


def _insert(table: sa.Table, rows: list[tuple[Any, ...]]) -> None:
    names = [column.name for column in table.columns]
    if rows:
        op.bulk_insert(table, [dict(zip(names, row, strict=True)) for row in rows])
