"""The first tables, as they were at this revision. What each is for stands in `alertline.store.tables`."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None

_TABLES: Final = (
    "positions",
    "decisions",
    "alerts",
    "episodes",
    "items",
    "changes",
    "incidents",
    "summaries",
    "summary_services",
    "deliveries",
    "stream_clocks",
)


def upgrade() -> None:
    """Make the tables and their indexes."""
    _create_decisions()
    _create_row_tables()
    _create_summaries()
    _create_deliveries()


def downgrade() -> None:
    """Drop the tables, and with each its indexes."""
    for name in reversed(_TABLES):
        op.drop_table(name)


def _text(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=nullable)


def _integer(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer(), nullable=False)


def _big(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _create_decisions() -> None:
    op.create_table(
        "positions",
        _text("log_id"),
        _integer("partition"),
        _big("epoch"),
        _text("owner"),
        _big("next_offset"),
        sa.PrimaryKeyConstraint("log_id", "partition", name="pk_positions"),
    )
    op.create_table(
        "decisions",
        _text("stream"),
        _big("offset"),
        _integer("n"),
        _text("kind"),
        _text("row_kind"),
        _text("row_id"),
        _text("incident_id", nullable=True),
        _text("body"),
        sa.PrimaryKeyConstraint("stream", "offset", "n", name="pk_decisions"),
    )
    op.create_index("ix_decisions_incident_id", "decisions", ["incident_id"])


def _create_row_table(name: str, *columns: "sa.Column[str] | sa.Column[int]") -> None:
    op.create_table(
        name,
        _text("id"),
        _text("stream"),
        *columns,
        _big("made_offset"),
        _integer("made_n"),
        _text("body"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
    )
    op.create_index(f"ix_{name}_stream", name, ["stream"])


def _create_row_tables() -> None:
    _create_row_table("alerts")
    _create_row_table("episodes", _text("alert"), _text("incident", nullable=True))
    op.create_index("ix_episodes_incident", "episodes", ["incident"])
    _create_row_table("items", _text("incident", nullable=True))
    op.create_index("ix_items_incident", "items", ["incident"])
    _create_row_table("changes", _text("scope"), _big("at"))
    op.create_index("ix_changes_stream_scope_at", "changes", ["stream", "scope", "at"])
    _create_row_table("incidents", _big("opened_at"), _text("merged_into", nullable=True))
    op.create_index("ix_incidents_merged_into", "incidents", ["merged_into"])


def _create_summaries() -> None:
    op.create_table(
        "summaries",
        _text("id"),
        _text("stream"),
        _text("scope"),
        _text("status"),
        _text("severity"),
        _text("title_folded"),
        _big("started_at"),
        _text("merged_into", nullable=True),
        _text("body"),
        sa.PrimaryKeyConstraint("id", name="pk_summaries"),
    )
    op.create_index("ix_summaries_started_at_id", "summaries", ["started_at", "id"])
    op.create_table(
        "summary_services",
        _text("incident_id"),
        _text("service"),
        sa.PrimaryKeyConstraint("incident_id", "service", name="pk_summary_services"),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["summaries.id"], name="fk_summary_services_incident_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_summary_services_service", "summary_services", ["service"])


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        _integer("partition"),
        _big("offset"),
        _text("id"),
        _text("stream"),
        _big("received_at"),
        sa.Column("keyed", sa.Boolean(), nullable=False),
        _text("outcome"),
        _text("body"),
        sa.PrimaryKeyConstraint("partition", "offset", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_id", "deliveries", ["id"])
    op.create_index("ix_deliveries_stream_keyed_received_at", "deliveries", ["stream", "keyed", "received_at"])
    quarantined = sa.text("outcome = 'quarantined'")
    op.create_index(
        "ix_deliveries_quarantined",
        "deliveries",
        ["received_at", "offset"],
        sqlite_where=quarantined,
        postgresql_where=quarantined,
    )
    op.create_table(
        "stream_clocks",
        _text("stream"),
        _integer("partition"),
        _big("log_time"),
        sa.PrimaryKeyConstraint("stream", name="pk_stream_clocks"),
    )
