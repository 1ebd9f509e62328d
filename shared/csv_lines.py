"""Lines of CSV (RFC 4180) that no spreadsheet takes for formulas.

A text that a spreadsheet would compute gets an apostrophe before it (OWASP, CSV injection); numbers of ours are as they
are, so that a negative amount stays one.
"""

import csv
import io
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

Cell = str | int | Decimal | date | None

MEDIA_TYPE = "text/csv"
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_line(cells: Iterable[Cell]) -> bytes:
    """One line with its end; every text is quoted."""
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n").writerow([_safe(cell) for cell in cells])
    return written.getvalue().encode()


def _safe(cell: Cell) -> str | int | Decimal:
    if cell is None:
        return ""
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        text = cell.replace("\x00", "")
        return f"'{text}" if text.lstrip(" ").startswith(_BEGINS_FORMULA) else text
    return cell
