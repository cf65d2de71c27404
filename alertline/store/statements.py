"""Statements in the words of one database, made once: building one per batch would cost more than running it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ClauseElement, Column, ColumnElement, Delete, Select, Table, Update, bindparam, delete, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertline.store.engine import Insert, copy, in_bulk, insert
from alertline.store.rows import Values

__all__ = [
    "Move",
    "Named",
    "Replacement",
    "Statement",
    "added",
    "append",
    "moving",
    "removal",
    "removed",
    "upsert",
]

_MOST: Final = 2_000  # incidents whose rows are remembered


class Move(msgspec.Struct, frozen=True):
    """Where a read position is moved to; and of which log, partition and epoch it is, and where, else it stays."""

    moved_to: int
    held_log_id: str
    held_partition: int
    held_epoch: int
    held_first: int


class Named:
    """One statement whose values are told by their names."""

    def __init__(self, engine: AsyncEngine, statement: ClauseElement) -> None:
        compiled = statement.compile(dialect=engine.dialect)
        self._sql: Final = str(compiled)
        self._order: Final = tuple(getattr(compiled, "positiontup", None) or ())  # as its driver takes them

    async def run(self, connection: AsyncConnection, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Run it once."""
        return await connection.exec_driver_sql(self._sql, tuple(values[name] for name in self._order))


class Statement(msgspec.Struct, frozen=True):
    """One statement about one table; each of its rows has a value for each of `columns`.

    Attributes:
        overwrites: which columns of a row that has the same key it writes over; none: its rows are new.
        removes: it takes out all rows of an incident.
        copied: it only adds, and its database has a faster way to do that.
    """

    sql: str
    table: Table
    overwrites: tuple[str, ...] = ()
    removes: bool = False
    copied: bool = False

    @property
    def columns(self) -> Sequence[Column[Any]]:
        """What its rows hold: all columns of the table, in its order, or which incident."""
        return [self.table.c.incident_id] if self.removes else list(self.table.columns)

    async def run(self, connection: AsyncConnection, rows: Sequence[Values]) -> None:
        """Run it for all rows at once."""
        if rows and self.copied:
            await copy(connection, self.table, rows)
        elif rows:
            await connection.exec_driver_sql(self.sql, list(rows))


class Replacement:
    """Writes all rows that a table has of an incident anew, where they are not those that were written last.

    What it remembers holds as long as nobody else writes them, which the claim on their partition says, and as long as
    all that was made of it was committed: else `forget`.
    """

    def __init__(self, engine: AsyncEngine, table: Table) -> None:
        self._remove = removal(engine, table)
        self._add = append(engine, table)
        self._written: dict[str, Sequence[Values]] = {}

    def writes(self, rows: Mapping[str, Sequence[Values]]) -> list[tuple[Statement, Sequence[Values]]]:
        """What is to be written so that these are the rows, by incident; it counts as written from here on."""
        changed = {incident: own for incident, own in rows.items() if self._written.get(incident) != own}
        if len(self._written) + len(changed) > _MOST:
            self._written.clear()
        self._written |= changed
        return [
            (self._remove, [(incident,) for incident in changed]),
            (self._add, [row for own in changed.values() for row in own]),
        ]

    def forget(self) -> None:
        """Take nothing for written."""
        self._written.clear()


def removal(engine: AsyncEngine, table: Table) -> Statement:
    """Taking out all rows of an incident."""
    sql = _said(engine, removed(table, bindparam("incident")))
    return Statement(sql, table, removes=True)


def append(engine: AsyncEngine, table: Table) -> Statement:
    """An insert of rows that are new."""
    return Statement(_said(engine, added(engine, table)), table, copied=in_bulk(engine))


def upsert(engine: AsyncEngine, table: Table, keep: tuple[str, ...] = ()) -> Statement:
    """An insert that overwrites the row of the same key, all but the columns to keep."""
    changed = tuple(c.name for c in table.columns if not c.primary_key and c.name not in keep)
    return Statement(_said(engine, added(engine, table, changed)), table, changed)


def removed(table: Table, incident: ColumnElement[Any]) -> Delete:
    """Taking out all rows of an incident, whichever way it is said which."""
    return delete(table).where(table.c.incident_id == incident)


def added(
    engine: AsyncEngine, table: Table, overwrites: tuple[str, ...] = (), rows: Select[Any] | None = None
) -> Insert:
    """Adding rows, of parameters or of what finds them, that overwrite these columns in those of the same keys."""
    names = [column.name for column in table.columns]
    statement = insert(engine, table)
    statement = (
        statement.values({n: bindparam(n) for n in names}) if rows is None else statement.from_select(names, rows)
    )
    if not overwrites:
        return statement
    changed = {name: statement.excluded[name] for name in overwrites}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed)


def moving(positions: Table) -> Update:
    """Moving a read position; its parameters are the fields of `Move`."""
    held = [
        positions.c.log_id == bindparam("held_log_id"),
        positions.c.partition == bindparam("held_partition"),
        positions.c.epoch == bindparam("held_epoch"),
        positions.c.next_offset == bindparam("held_first"),
    ]
    return update(positions).where(*held).values(next_offset=bindparam("moved_to"))


def _said(engine: AsyncEngine, statement: ClauseElement) -> str:
    return str(statement.compile(dialect=engine.dialect))
