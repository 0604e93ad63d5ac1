"""A report for spreadsheets: figures exactly as they are, and no text that a spreadsheet would take for a formula."""

import csv
import io
from decimal import Decimal

from bots.domain.bot_lists.csv_text import APOSTROPHE, FORMULA
from bots.domain.reports.report import FIGURES, Report, written

COLUMNS = ("group", "name", "currency", "mode", *FIGURES)


def csv_text(report: Report) -> str:
    """One row a group and purse, under a heading; a figure that is not known is an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in report.rows:
        writer.writerow([cell(value) for value in written(row).values()])
    return text.getvalue()


def cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    text = str(value)
    return APOSTROPHE + text if isinstance(value, str) and text.startswith(FORMULA) else text
