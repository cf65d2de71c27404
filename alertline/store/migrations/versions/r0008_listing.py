"""An index that holds all that the list is filtered by: a line is passed over without reading the rest of it."""

from typing import Final

from alembic import op

revision: Final = "0008"
down_revision: Final = "0007"


def upgrade() -> None:
    """Name the column for what it holds, cut what no index takes, and make the index."""
    op.drop_index("ix_summaries_started_at_id", "summaries")
    op.alter_column("summaries", "title_folded", new_column_name="searched")
    op.execute("UPDATE summaries SET searched = substr(searched, 1, 400)")
    columns = ["started_at", "id", "merged_into", "status", "severity", "searched"]
    op.create_index("ix_summaries_listing", "summaries", columns)


def downgrade() -> None:
    """Back to the title alone: the column is filled when a line is written."""
    op.drop_index("ix_summaries_listing", "summaries")
    op.alter_column("summaries", "searched", new_column_name="title_folded")
    op.create_index("ix_summaries_started_at_id", "summaries", ["started_at", "id"])
