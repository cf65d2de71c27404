"""The configuration of each stream, as its newest record in the log says."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "configurations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("made_offset", sa.BigInteger(), nullable=False),
        sa.Column("made_n", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_configurations"),
    )
    op.create_index("ix_configurations_stream", "configurations", ["stream"])


def downgrade() -> None:
    """Drop it: the log still holds every configuration."""
    op.drop_table("configurations")
