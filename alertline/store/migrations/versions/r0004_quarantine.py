"""What people made of the quarantine, and which deliveries lie in it: those that were read in part too."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    """Make the table; mark what is held, duplicates not."""
    op.create_table(
        "handled",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_offset", sa.BigInteger(), nullable=False),
        sa.Column("made_n", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_handled"),
    )
    op.create_index("ix_handled_stream", "handled", ["stream"])
    op.create_index("ix_handled_delivery_received_at", "handled", ["delivery", "received_at"])
    op.drop_index("ix_deliveries_quarantined", "deliveries")
    op.add_column("deliveries", sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        r"""UPDATE deliveries SET held = TRUE
        WHERE outcome IN ('quarantined', 'partial') AND body LIKE '%"duplicate_of"\:null%'"""
    )
    held = sa.text("held")
    op.create_index(
        "ix_deliveries_held", "deliveries", ["received_at", "offset"], sqlite_where=held, postgresql_where=held
    )


def downgrade() -> None:
    """Drop both: the log still holds every delivery and every command."""
    op.drop_index("ix_deliveries_held", "deliveries")
    op.drop_column("deliveries", "held")
    quarantined = sa.text("outcome = 'quarantined'")
    op.create_index(
        "ix_deliveries_quarantined",
        "deliveries",
        ["received_at", "offset"],
        sqlite_where=quarantined,
        postgresql_where=quarantined,
    )
    op.drop_table("handled")
