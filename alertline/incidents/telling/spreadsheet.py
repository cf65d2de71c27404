"""Tables for spreadsheets and programs: RFC 4180, in which no cell is a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["csv_text"]

# what makes a spreadsheet take a cell for a formula (or, for the last three, skip to one)
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A header line and the rows: None is empty, a list stands space-separated in one cell.

    A text that a spreadsheet would take for a formula gets an apostrophe in front; a number never does.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = " ".join(value) if isinstance(value, (list, tuple)) else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) and not isinstance(value, int | float) else text
