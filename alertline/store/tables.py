"""The tables of the store: what was decided, appended for good, and its fold, the current rows.

- A time is a whole number of microseconds since 1970 UTC: it orders and compares alike in every database, and none can
  change it by a zone or by rounding.
- `body` is the JSON of the row itself, and the truth; the other columns are copied out of it to look rows up and sort
  them. It is text, not a database's own JSON type: it comes back byte for byte, NUL characters included (as `\\u0000`,
  which PostgreSQL refuses in `jsonb`).
- `made_offset`, `made_n`: the place of the decision that first made the row. Loading in that order gives the correlator
  its rows in the order in which it made them.

The migrations say the same in their own words; a test compares the two.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
    text,
)

from alertline.incidents import model
from schemas.vocabulary import MetricName

__all__ = [
    "ROW_TABLES",
    "alerts",
    "arrivals",
    "changes",
    "configurations",
    "decisions",
    "deliveries",
    "episodes",
    "handled",
    "incident_metrics",
    "incident_milestones",
    "incidents",
    "items",
    "metadata",
    "outbox",
    "positions",
    "stream_clocks",
    "summaries",
    "summary_services",
    "timeline_rows",
    "tokens",
]

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# The fence: what was applied of each partition of the log, and in whose name (`epoch`) the next batch is.
positions: Final = Table(
    "positions",
    metadata,
    Column("log_id", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    PrimaryKeyConstraint("log_id", "partition"),
)

decisions: Final = Table(
    "decisions",
    metadata,
    Column("stream", Text, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("n", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("row_kind", Text, nullable=False),
    Column("row_id", Text, nullable=False),
    Column("incident_id", Text, nullable=True, index=True),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("stream", "offset", "n"),
)


def _row_table(name: str, *columns: Column[Any] | Index) -> Table:
    return Table(
        name,
        metadata,
        Column("id", Text, nullable=False),
        Column("stream", Text, nullable=False, index=True),
        *columns,
        Column("made_offset", BigInteger, nullable=False),
        Column("made_n", Integer, nullable=False),
        Column("body", Text, nullable=False),
        PrimaryKeyConstraint("id"),
    )


# What still fires: few episodes of many, and every one of them is in the memory of a correlator.
_RUNNING: Final = text("until IS NULL AND NOT absorbed")

alerts: Final = _row_table(
    "alerts",
    Column("dedup_key", Text, nullable=False, server_default=""),
    Column("identity", Text, nullable=False, server_default=""),
    Column("source", Text, nullable=True),
    Column("rule", Text, nullable=True),
    Column("service", Text, nullable=True),
    Index(None, "stream", "dedup_key"),
    Index(None, "stream", "identity"),
)
episodes: Final = _row_table(
    "episodes",
    Column("alert", Text, nullable=False),
    Column("incident", Text, nullable=True, index=True),
    Column("started_at", BigInteger, nullable=False, server_default="0", index=True),
    Column("until", BigInteger, nullable=True),
    Column("heard_at", BigInteger, nullable=False, server_default="0"),
    Column("absorbed", Boolean, nullable=False, server_default=false()),
    Column("paging", Boolean, nullable=True),
    Index(None, "alert", "started_at"),
    Index("ix_episodes_running", "stream", "alert", sqlite_where=_RUNNING, postgresql_where=_RUNNING),
)
items: Final = _row_table(
    "items",
    Column("incident", Text, nullable=True, index=True),
    Column("read_at", BigInteger, nullable=False, server_default="0"),
)
changes: Final = _row_table(
    "changes",
    Column("scope", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index(None, "stream", "scope", "at"),
)
incidents: Final = _row_table(
    "incidents",
    Column("opened_at", BigInteger, nullable=False),
    Column("over_at", BigInteger, nullable=True),
    Column("merged_into", Text, nullable=True, index=True),
    Index(None, "stream", "over_at"),
)
configurations: Final = _row_table("configurations")

arrivals: Final = _row_table("arrivals", Column("read_at", BigInteger, nullable=False, index=True))

# What people made of the quarantine: at most one row for each copy of a delivery that lies in it.
handled: Final = _row_table(
    "handled",
    Column("delivery", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Index(None, "delivery", "received_at"),
)

ROW_TABLES: Final[dict[type[model.Row], Table]] = {
    model.ConfigurationRow: configurations,
    model.AlertRow: alerts,
    model.IncidentRow: incidents,
    model.EpisodeRow: episodes,
    model.ItemRow: items,
    model.ChangeRow: changes,
    model.ArrivalRow: arrivals,
    model.HandledRow: handled,
}
"""The table of each kind of row, in the order in which a correlator takes them in: no row before what it refers to."""

summaries: Final = Table(
    "summaries",
    metadata,
    Column("id", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("searched", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=True),
    Column("merged_into", Text, nullable=True),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("id"),
    # all that the list is filtered by: a line that does not match is passed over without reading its body
    Index("ix_summaries_listing", "started_at", "id", "merged_into", "status", "severity", "searched"),
    Index(None, "stream", "scope", "ended_at"),
)

summary_services: Final = Table(
    "summary_services",
    metadata,
    Column("incident_id", Text, ForeignKey("summaries.id", ondelete="CASCADE"), nullable=False),
    Column("service", Text, nullable=False),
    PrimaryKeyConstraint("incident_id", "service"),
    Index(None, "service"),
)


def _metrics(prefix: str = "") -> list[Column[Any]]:
    """Seconds of each metric, and how each is known: a letter each (`BASIS_LETTERS`)."""
    seconds = [Column(f"{prefix}{metric}", Double, nullable=True) for metric in MetricName]
    return [*seconds, Column(f"{prefix}bases", Text, nullable=True)]


# What reports and the views for other tools read of an incident: one row each, of those that were merged away too.
# `cohort_at` says to which day it belongs: its detection, else its start. `automatic_…` are set where a person overrode
# a milestone: what the metric would be without. `told`: whether its rows of the timeline are as of this version.
incident_metrics: Final = Table(
    "incident_metrics",
    metadata,
    Column("incident_id", Text, nullable=False),
    Column("cohort_at", BigInteger, nullable=False),
    Column("detected_at", BigInteger, nullable=True),
    Column("updated_at", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("stream", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("classification", Text, nullable=False),
    Column("merged_into", Text, nullable=True),
    Column("title", Text, nullable=False),
    Column("told", Boolean, nullable=False),
    Column("overridden", Boolean, nullable=False),
    *_metrics(),
    *_metrics("automatic_"),
    PrimaryKeyConstraint("incident_id"),
    Index(None, "cohort_at", "incident_id"),
    Index(
        "ix_incident_metrics_untold",
        "incident_id",
        sqlite_where=text("NOT told"),
        postgresql_where=text("NOT told"),
    ),
)

# A row for each milestone that is set, or would be without a person's override. Notes are as an export shows them.
incident_milestones: Final = Table(
    "incident_milestones",
    metadata,
    Column("incident_id", Text, nullable=False),
    Column("milestone", Text, nullable=False),
    Column("at", BigInteger, nullable=True),
    Column("basis", Text, nullable=True),
    Column("earliest", BigInteger, nullable=True),
    Column("latest", BigInteger, nullable=True),
    Column("revision", Integer, nullable=True),
    Column("note", Text, nullable=True),
    Column("automatic_at", BigInteger, nullable=True),
    Column("automatic_basis", Text, nullable=True),
    PrimaryKeyConstraint("incident_id", "milestone"),
)

timeline_rows: Final = Table(
    "timeline_rows",
    metadata,
    Column("incident_id", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("row_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=True),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("source", Text, nullable=True),
    Column("actor", Text, nullable=True),
    Column("evidence", Text, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("original_time", Text, nullable=True),
    PrimaryKeyConstraint("incident_id", "n"),
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("id", Text, nullable=False, index=True),
    Column("stream", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("keyed", Boolean, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("held", Boolean, nullable=False, server_default=false()),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("partition", "offset"),
    Index(None, "stream", "keyed", "received_at"),
    Index(
        "ix_deliveries_held",
        "received_at",
        "offset",
        sqlite_where=text("held"),
        postgresql_where=text("held"),
    ),
)

# What is told to other programs and was not published yet, in the order in which it must be: see `store/outbox.py`.
outbox: Final = Table(
    "outbox",
    metadata,
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("n", Integer, nullable=False),
    Column("incident_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("partition", "offset", "n"),
)

# The partition of a stream stands here: it says which rows the owner of a partition loads.
stream_clocks: Final = Table(
    "stream_clocks",
    metadata,
    Column("stream", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("log_time", BigInteger, nullable=False),
    PrimaryKeyConstraint("stream"),
)

# What does not follow from the log: who may do what. Of a token only a hash is kept.
tokens: Final = Table(
    "tokens",
    metadata,
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=True),
    Column("revoked_at", BigInteger, nullable=True),
    Column("used_at", BigInteger, nullable=True),
    Column("parent", Text, nullable=True),
    PrimaryKeyConstraint("id"),
)
