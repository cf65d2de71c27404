"""What steps share that fill new columns and tables from the bodies of rows that are there."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from alembic import op

from alertline.clock import micros

__all__ = ["at_of", "bodies", "fill"]

_AT_ONCE: Final = 1000


def bodies(name: str) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The id and the body of every row of a table, many at once."""
    table = sa.table(name, sa.column("id"), sa.column("body"))
    query, after = sa.select(table.c.id, table.c.body).order_by(table.c.id).limit(_AT_ONCE), ""
    while rows := op.get_bind().execute(query.where(table.c.id > after)).all():
        yield [(row.id, msgspec.json.decode(row.body)) for row in rows]
        after = rows[-1].id


def fill(name: str, columns: Sequence[str], values_of: Callable[[dict[str, Any]], tuple[Any, ...]]) -> None:
    """Set columns of every row of a table to what its body says."""
    table = sa.table(name, sa.column("id"), *(sa.column(each) for each in columns))
    statement = (
        sa.update(table)
        .where(table.c.id == sa.bindparam("of"))
        .values({each: sa.bindparam(f"new_{each}") for each in columns})
    )
    for rows in bodies(name):
        filled = [(id_, zip(columns, values_of(body), strict=True)) for id_, body in rows]
        op.get_bind().execute(
            statement, [{"of": id_} | {f"new_{each}": value for each, value in own} for id_, own in filled]
        )


def at_of(text: str | None) -> int | None:
    """A time as a body says it, in microseconds since 1970."""
    return None if text is None else micros(datetime.fromisoformat(text))
