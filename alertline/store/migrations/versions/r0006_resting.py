"""Columns by which a correlator leaves out of its memory what is over for long, and finds it again."""

from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from alertline.store.migrations.filling import at_of, fill
from alertline.store.rows import key

revision: Final = "0006"
down_revision: Final = "0005"

_NEVER: Final = {"server_default": "0"}
_COLUMNS: Final[dict[str, dict[str, tuple[Any, dict[str, Any]]]]] = {
    "alerts": {"dedup_key": (sa.Text, {"server_default": ""}), "identity": (sa.Text, {"server_default": ""})},
    "episodes": {
        "started_at": (sa.BigInteger, _NEVER),
        "until": (sa.BigInteger, {}),
        "heard_at": (sa.BigInteger, _NEVER),
        "absorbed": (sa.Boolean, {"server_default": sa.false()}),
    },
    "items": {"read_at": (sa.BigInteger, _NEVER)},
    "incidents": {"over_at": (sa.BigInteger, {})},
    "summaries": {"ended_at": (sa.BigInteger, {})},
}


def upgrade() -> None:
    """Add the columns, and fill them from the bodies."""
    for table, columns in _COLUMNS.items():
        for name, (kind, default) in columns.items():
            op.add_column(table, sa.Column(name, kind(), nullable=not default, **default))
        fill(table, list(columns), _VALUES[table])
    op.create_index("ix_alerts_stream_dedup_key", "alerts", ["stream", "dedup_key"])
    op.create_index("ix_alerts_stream_identity", "alerts", ["stream", "identity"])
    op.create_index("ix_episodes_alert_started_at", "episodes", ["alert", "started_at"])
    running = sa.text("until IS NULL AND NOT absorbed")
    op.create_index(
        "ix_episodes_running", "episodes", ["stream", "alert"], sqlite_where=running, postgresql_where=running
    )
    op.create_index("ix_incidents_stream_over_at", "incidents", ["stream", "over_at"])
    op.create_index("ix_summaries_stream_scope_ended_at", "summaries", ["stream", "scope", "ended_at"])


def downgrade() -> None:
    """Drop them: the bodies hold everything."""
    for index, table in (
        ("ix_summaries_stream_scope_ended_at", "summaries"),
        ("ix_incidents_stream_over_at", "incidents"),
        ("ix_episodes_running", "episodes"),
        ("ix_episodes_alert_started_at", "episodes"),
        ("ix_alerts_stream_identity", "alerts"),
        ("ix_alerts_stream_dedup_key", "alerts"),
    ):
        op.drop_index(index, table)
    for table, columns in _COLUMNS.items():
        for column in columns:
            op.drop_column(table, column)


def _alert(row: dict[str, Any]) -> tuple[Any, ...]:
    return key(row["dedup_key"]), key(row["identity"])


def _episode(row: dict[str, Any]) -> tuple[Any, ...]:
    spans = row["spans"]
    over = spans[-1].get("end") is not None
    stated = [at_of(span.get(name)) for span in spans for name in ("end", "stated_start", "stated_end")]
    until = max(at for at in stated if at is not None) if over else None
    return at_of(spans[0]["start"]), until, at_of(row.get("read_at") or row["last_received"]), "absorbed_by" in row


def _item(row: dict[str, Any]) -> tuple[Any, ...]:
    return (at_of(row["read_at"]),)


def _incident(row: dict[str, Any]) -> tuple[Any, ...]:
    times = (at_of(row["updated_at"]), at_of(row.get("settled_at")))
    return (None if row["status"] == "open" else max(at for at in times if at is not None),)


def _summary(row: dict[str, Any]) -> tuple[Any, ...]:
    resolved = row["milestones"].get("resolved")
    return (None if row["status"] == "open" or resolved is None else at_of(resolved["at"]),)


_VALUES: Final[dict[str, Callable[[dict[str, Any]], tuple[Any, ...]]]] = {
    "alerts": _alert,
    "episodes": _episode,
    "items": _item,
    "incidents": _incident,
    "summaries": _summary,
}
