"""Reading the quarantine: the deliveries that could not be read, or in part only, with what was made of them."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.clock import micros
from alertline.store.cursor import Big, read_cursor, write_cursor
from alertline.store.engine import reading
from alertline.store.port import Held
from alertline.store.rows import key, read_delivery, read_handled
from alertline.store.tables import deliveries, handled
from schemas.vocabulary import HeldState

__all__ = ["MOST", "HeldPage", "read_held", "read_quarantine"]

MOST: Final = 200


class HeldPage(msgspec.Struct, frozen=True):
    """A page of the quarantine and where the next one begins."""

    held: Sequence[Held]
    next_cursor: str | None


_Rows = Select[str, str | None]


def _query() -> _Rows:
    same = and_(
        handled.c.delivery == deliveries.c.id,
        handled.c.received_at == deliveries.c.received_at,
        handled.c.stream == deliveries.c.stream,
    )
    # the bare column is what the small index says: only so does the database see that it will do
    return select(deliveries.c.body, handled.c.body).join(handled, same, isouter=True).where(deliveries.c.held)


async def read_quarantine(engine: AsyncEngine, state: HeldState | None, cursor: str | None, limit: int) -> HeldPage:
    """A page of what is in this state (None: in any), newest receipt first.

    Raises:
        ValueError: the cursor is none of ours; StoreUnavailable: not now.
    """
    size, table, query = min(max(limit, 1), MOST), deliveries.c, _query()
    if state is HeldState.OPEN:
        query = query.where(handled.c.id.is_(None))
    elif state is not None:
        query = query.where(handled.c.state == state)
    if cursor is not None:
        at, offset, partition = read_cursor(cursor, tuple[Big, Big, Big])
        query = query.where(
            or_(
                table.received_at < at,
                and_(table.received_at == at, table.offset < offset),
                and_(table.received_at == at, table.offset == offset, table.partition > partition),
            )
        )
    rows = await _read(
        engine, query.order_by(table.received_at.desc(), table.offset.desc(), table.partition).limit(size + 1)
    )
    page = rows[:size]
    last = page[-1].delivery if len(rows) > size else None
    return HeldPage(page, write_cursor((micros(last.received_at), last.offset, last.partition)) if last else None)


async def read_held(engine: AsyncEngine, delivery_id: str, offset: int | None) -> Held | None:
    """One delivery in quarantine: the copy at an offset, else the newest that waits, else the newest.

    Raises:
        StoreUnavailable: not now.
    """
    query = _query().where(deliveries.c.id == key(delivery_id))
    if offset is not None:
        query = query.where(deliveries.c.offset == offset)
    waiting_first = handled.c.id.is_not(None)
    rows = await _read(engine, query.order_by(waiting_first, deliveries.c.offset.desc()).limit(1))
    return rows[0] if rows else None


async def _read(engine: AsyncEngine, query: _Rows) -> list[Held]:
    async with reading(engine) as connection:
        found = (await connection.execute(query)).all()
    return [Held(read_delivery(row[0]), None if row[1] is None else read_handled(row[1])) for row in found]
