"""A small batch on PostgreSQL as one statement, which is its own transaction: one round trip in place of some fifteen.

Each of them waits for its turn on a busy machine, and that is most of the time that a small batch takes. Of a large one
it is little, and COPY is quicker than the arrays that carry the rows here (`Statement.run`).

All parts of one statement see the rows as they were before it, and run in no promised order. So what moves the read
position is what all others ask for first: where it was not moved, nothing is written. And rows that replace others ask
first for what takes those out, for they may have the same keys.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import CTE, ColumnElement, Select, Table, any_, bindparam, exists, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertline.store.rows import Values
from alertline.store.statements import Move, Named, Statement, added, moving, removed

__all__ = ["AtOnce", "Writes"]

Writes = Sequence[tuple[Statement, Sequence[Values]]]
"""What is to be written: statements, each with its rows."""


class AtOnce:
    """Statements as one, beside the one that moves the read position; any of them may have no rows."""

    def __init__(self, engine: AsyncEngine, positions: Table, statements: Sequence[Statement]) -> None:
        held = moving(positions).returning(positions.c.partition).cte("held")
        is_held = exists(select(held))
        self._names = [tuple(f"{c.name}_{number}" for c in each.columns) for number, each in enumerate(statements)]
        arrays = [
            [bindparam(name, type_=ARRAY(c.type)) for name, c in zip(names, each.columns, strict=True)]
            for names, each in zip(self._names, statements, strict=True)
        ]
        taken_out = {
            each.table: removed(each.table, any_(own[0]))
            .where(is_held)
            .returning(each.columns[0])
            .cte(f"without_{each.table.name}")
            for own, each in zip(arrays, statements, strict=True)
            if each.removes
        }
        put_in = [
            added(engine, each.table, each.overwrites, _rows(each, own, is_held, taken_out)).cte(
                f"with_{each.table.name}"
            )
            for own, each in zip(arrays, statements, strict=True)
            if not each.removes
        ]
        parts = (*taken_out.values(), *put_in)
        self._whole = Named(engine, select(func.count()).select_from(held).add_cte(*parts))

    async def run(self, connection: AsyncConnection, move: Move, writes: Writes) -> bool:
        """Write the rows of the same statements, and move the position.

        Returns:
            Whether the position was held as it says. If not, nothing is written.
        """
        values: dict[str, object] = msgspec.structs.asdict(move)
        for names, (_, rows) in zip(self._names, writes, strict=True):
            values |= zip(names, zip(*rows, strict=True) if rows else ((),) * len(names), strict=True)
        return bool((await self._whole.run(connection, values)).scalar_one())


def _rows(
    statement: Statement,
    arrays: Sequence[ColumnElement[Any]],
    held: ColumnElement[bool],
    taken_out: Mapping[Table, CTE],
) -> Select[Any]:
    """The rows that arrays carry, if the position is held; of a table that others are taken out of, after that."""
    names = [column.name for column in statement.columns]
    rows = select(func.unnest(*arrays).table_valued(*names).render_derived("rows")).where(held)
    gone = taken_out.get(statement.table)
    if gone is None:
        return rows
    return rows.where(select(func.count()).select_from(gone).scalar_subquery() >= literal_column("0"))
