"""What started when, from which a scope's habits are learned."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Make the table and its indexes."""
    op.create_table(
        "arrivals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("made_offset", sa.BigInteger(), nullable=False),
        sa.Column("made_n", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_arrivals"),
    )
    op.create_index("ix_arrivals_stream", "arrivals", ["stream"])
    op.create_index("ix_arrivals_read_at", "arrivals", ["read_at"])


def downgrade() -> None:
    """Drop the table, and with it its indexes."""
    op.drop_table("arrivals")
