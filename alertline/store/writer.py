"""Writing what was decided.

Guarantee: a batch is written as a whole or not at all, together with the read position, and only by whoever holds the
newest claim on its partition: after a crash, a restart or a lost race every record of the log has had its effect
exactly once. The current rows are always the fold of the decisions: the newest row of each id.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import Table, and_, bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertline.clock import from_micros, micros
from alertline.incidents.decisions import Decision
from alertline.incidents.model import Row
from alertline.store.engine import insert, reading, writing
from alertline.store.port import Applied, Batch, Claim, DeliveryRow, Fenced, Loaded, LogChanged, StreamClock, Summary
from alertline.store.rows import Value, copied, encode, fit, fold_title, incident_of, read_delivery, read_row
from alertline.store.tables import (
    ROW_TABLES,
    decisions,
    deliveries,
    positions,
    stream_clocks,
    summaries,
    summary_services,
)

__all__ = ["StoreWriter"]
