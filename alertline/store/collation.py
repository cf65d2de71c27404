"""How PostgreSQL sorts the texts of our tables: by their code points, as SQLite does, whatever the database's language.

Orders and cursors are then the same everywhere, and comparing is faster.
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, text

__all__ = ["collate"]

_OTHERWISE_SORTED: Final = text(
    """SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = ANY(:tables)
    AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' ORDER BY 1, 2"""
)


def collate(connection: Connection, tables: Collection[str]) -> None:
    """Let it be so in these tables; a step that makes a view does it first, for a column in a view stays as it is."""
    if connection.dialect.name != "postgresql":
        return
    columns = connection.execute(_OTHERWISE_SORTED, {"tables": list(tables)}).all()
    quote = connection.dialect.identifier_preparer.quote
    for table, column in columns:
        connection.exec_driver_sql(f'ALTER TABLE {quote(table)} ALTER COLUMN {quote(column)} TYPE text COLLATE "C"')
