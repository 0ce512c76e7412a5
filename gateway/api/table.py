"""Tables for spreadsheets: CSV that Excel opens as it is meant, in any language."""

import csv
import io
from collections.abc import Iterable, Sequence

BOM = "\ufeff"  # without it Excel takes UTF-8 for the local code page: Japanese becomes noise
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Cell = str | float | int | None


def csv_table(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """One line a row, ended by CRLF (RFC 4180); None is an empty cell.

    A text that a spreadsheet would run as a formula is made plain by an apostrophe before it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return (BOM + text.getvalue()).encode()


def _plain(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
