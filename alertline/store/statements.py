"""Statements in the words of one database, made once: building one per batch would cost more than running it."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import ClauseElement, Table, bindparam, delete, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alertline.store.engine import copies, copy, insert
from alertline.store.rows import Values

__all__ = ["Replacement", "Statement", "advance", "append", "removal", "upsert"]

_MOST: Final = 2_000  # incidents whose rows are remembered


class Statement(msgspec.Struct, frozen=True):
    """One statement.

    Attributes:
        copied: the table that it only adds to, where its database has a faster way to do that.
    """

    sql: str
    copied: Table | None = None

    async def run(self, connection: AsyncConnection, rows: Sequence[Values]) -> None:
        """Run it for all rows at once; each has the values of all columns, in the table's order."""
        if rows and self.copied is not None:
            await copy(connection, self.copied, rows)
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
    return _compiled(engine, delete(table).where(table.c.incident_id == bindparam("incident")))


def append(engine: AsyncEngine, table: Table) -> Statement:
    """An insert of rows that are new."""
    statement = _compiled(engine, insert(engine, table).values({c.name: bindparam(c.name) for c in table.columns}))
    return Statement(statement.sql, table if copies(engine) else None)


def upsert(engine: AsyncEngine, table: Table, keep: tuple[str, ...] = ()) -> Statement:
    """An insert that overwrites the row of the same key, all but the columns to keep."""
    statement = insert(engine, table).values({c.name: bindparam(c.name) for c in table.columns})
    changed = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key and c.name not in keep}
    return _compiled(
        engine, statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed)
    )


def advance(engine: AsyncEngine, positions: Table) -> Statement:
    """Moving a read position: where to; then of which log, partition and epoch, and from where."""
    names = (positions.c.log_id, positions.c.partition, positions.c.epoch)
    held = [column == bindparam(f"held_{column.name}") for column in names]
    mine = update(positions).where(*held, positions.c.next_offset == bindparam("held_first"))
    return _compiled(engine, mine.values(next_offset=bindparam("moved_to")))


def _compiled(engine: AsyncEngine, statement: ClauseElement) -> Statement:
    return Statement(str(statement.compile(dialect=engine.dialect)))
