"""Moving a store into another database, and on to another log: every row, with the places in the log that it names.

Where the log stays, rows are copied as they are. On another log a record lies elsewhere: then every offset is
rewritten, in the columns and in the bodies. That changes nothing that anybody decides: offsets are only compared within
a stream, and a stream's records keep their order.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, get_args

import msgspec
from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertline.incidents.model import Order, Row
from alertline.store.engine import copy, in_bulk, insert, reading, writing
from alertline.store.rows import encode, read_delivery, read_row, unfit
from alertline.store.tables import ROW_TABLES, decisions, deliveries, metadata, positions, stream_clocks

__all__ = ["Moved", "Tally", "copy_rows", "is_empty", "row_counts", "tally"]

Values = tuple[Any, ...]

_AT_ONCE: Final = 1000


class Moved(msgspec.Struct, frozen=True):
    """Where the records of a log lie now.

    Attributes:
        log_id: the other log.
        partition_of: of a stream; offset_of: of the record that lay at an offset.
        next_offsets: by partition, from where on it is to be read.
    """

    log_id: str
    partition_of: Callable[[str], int]
    offset_of: Callable[[int], int]
    next_offsets: Mapping[int, int]


class Tally(msgspec.Struct, frozen=True):
    """How many rows there are, and what they are: equal for the same rows in any order."""

    count: int = 0
    digest: int = 0

    def add(self, row: Values) -> "Tally":
        """With one more row."""
        hashed = blake2b(msgspec.json.encode(row), digest_size=16).digest()
        return Tally(self.count + 1, (self.digest + int.from_bytes(hashed)) % 2**128)


async def is_empty(engine: AsyncEngine) -> bool:
    """Whether no table holds a row.

    Raises:
        StoreUnavailable: not now.
    """
    async with reading(engine) as connection:
        for table in metadata.sorted_tables:
            if (await connection.execute(select(table).limit(1))).first() is not None:
                return False
    return True


async def row_counts(engine: AsyncEngine) -> dict[str, int]:
    """How many rows each table has."""
    async with reading(engine) as connection:
        return {
            table.name: await connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
        }


async def copy_rows(
    source: AsyncEngine, target: AsyncEngine, moved: Moved | None, on_row: Callable[[], None]
) -> dict[str, Tally]:
    """Copy every row of every table in one transaction: all are there, or none. Gives what was written.

    Raises:
        LookupError: a row names a place that the log does not have; StoreUnavailable, Unstorable: as when writing.
    """
    written: dict[str, Tally] = {}
    async with reading(source) as from_, writing(target) as to:
        for table in metadata.sorted_tables:
            change, counted = _change(table, moved), Tally()
            async for rows in _rows(from_, table):
                changed = [row for each in rows if (row := change(each)) is not None]
                await _put(target, to, table, changed)
                for row in changed:
                    counted = counted.add(row)
                    on_row()
            if table is positions and moved is not None:
                placed = [(moved.log_id, each, 1, "copied", offset) for each, offset in moved.next_offsets.items()]
                await _put(target, to, table, placed)
                for row in placed:
                    counted = counted.add(row)
            written[table.name] = counted
    return written


async def tally(engine: AsyncEngine, on_row: Callable[[], None]) -> dict[str, Tally]:
    """What every table holds, read back."""
    found: dict[str, Tally] = {}
    async with reading(engine) as connection:
        for table in metadata.sorted_tables:
            counted = Tally()
            async for rows in _rows(connection, table):
                for row in rows:
                    counted = counted.add(row)
                    on_row()
            found[table.name] = counted
    return found


async def _rows(connection: AsyncConnection, table: Table) -> AsyncIterator[Sequence[Values]]:
    async with connection.stream(select(table).order_by(*table.primary_key.columns)) as result:
        async for rows in result.partitions(_AT_ONCE):
            yield [tuple(row) for row in rows]


async def _put(engine: AsyncEngine, connection: AsyncConnection, table: Table, rows: Sequence[Values]) -> None:
    if in_bulk(engine):
        await copy(connection, table, rows)
    elif rows:
        names = [column.name for column in table.columns]
        await connection.execute(insert(engine, table), [dict(zip(names, row, strict=True)) for row in rows])


_Change = Callable[[Values], Values | None]


def _change(table: Table, moved: Moved | None) -> _Change:
    """What becomes of a row of the table; None: it is left out."""
    if moved is None:
        return lambda row: row
    if table is positions:
        return lambda row: None
    if table is deliveries:
        return lambda row: _with(table, row, **_delivery(row, moved))
    changes: dict[str, Callable[[Mapping[str, Any]], Any]] = {}
    if table in ROW_TABLES.values():
        changes = {"made_offset": lambda row: moved.offset_of(row["made_offset"])}
    if table is decisions:
        changes = {"offset": lambda row: moved.offset_of(row["offset"])}
    if table is decisions or table in ROW_TABLES.values():
        changes["body"] = lambda row: _body(row["body"], moved)
    if table is stream_clocks:
        changes = {"partition": lambda row: moved.partition_of(unfit(row["stream"]))}
    names = [column.name for column in table.columns]

    def change(row: Values) -> Values:
        named = dict(zip(names, row, strict=True))
        return tuple(changes[name](named) if name in changes else value for name, value in named.items())

    return change


def _with(table: Table, row: Values, **values: Any) -> Values:
    named = dict(zip((column.name for column in table.columns), row, strict=True))
    return tuple((named | values).values())


def _delivery(row: Values, moved: Moved) -> dict[str, Any]:
    delivery = read_delivery(row[-1])
    place = {"partition": moved.partition_of(delivery.stream), "offset": moved.offset_of(delivery.offset)}
    first = delivery.duplicate_of
    body = msgspec.structs.replace(delivery, **place, duplicate_of=None if first is None else moved.offset_of(first))
    return {**place, "body": encode(body)}


def _orders(row: type[msgspec.Struct]) -> list[str]:
    """The fields of a kind of row that say where in the log something was said."""
    return [each.name for each in msgspec.structs.fields(row) if Order in (each.type, *get_args(each.type))]


_ORDERS: Final = {kind: _orders(kind) for kind in ROW_TABLES}


def _body(body: str, moved: Moved) -> str:
    row: Row = read_row(body)
    if not (fields := _ORDERS[type(row)]):
        return body
    orders = {name: getattr(row, name) for name in fields}
    placed = {name: Order(moved.offset_of(at.offset), at.n) for name, at in orders.items() if at is not None}
    return encode(msgspec.structs.replace(row, **placed))
