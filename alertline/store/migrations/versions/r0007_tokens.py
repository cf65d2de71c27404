"""Tokens and sessions: who may do what."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"

_TEXTS: Final = ("id", "kind", "name", "hash", "scopes")
_TIMES: Final = ("expires_at", "revoked_at", "used_at")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "tokens",
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in _TIMES),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
    )


def downgrade() -> None:
    """Drop it: every token must be made anew."""
    op.drop_table("tokens")
