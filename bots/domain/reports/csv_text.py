"""A report for spreadsheets: figures exactly as they are, and no text that a spreadsheet would take for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice

from bots.domain.bot_lists.csv_text import APOSTROPHE, FORMULA
from bots.domain.reports.report import COLUMNS, Report, written

PIECE = 500  # rows


def csv_pieces(report: Report) -> Iterator[str]:
    """One row a group and purse, under a heading; a figure that is not known is an empty cell."""
    yield lines([COLUMNS])
    rows = iter(report.rows)
    while part := list(islice(rows, PIECE)):
        yield lines([cell(value) for value in written(row).values()] for row in part)


def lines(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    text = str(value)
    return APOSTROPHE + text if isinstance(value, str) and text.startswith(FORMULA) else text
