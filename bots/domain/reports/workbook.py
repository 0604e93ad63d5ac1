"""A report as a workbook (xlsx): one sheet about it with the totals, then a sheet for each currency and mode, so that
no sum over a column adds unlike ones.

A spreadsheet counts in doubles and keeps 15 digits, money here has up to 18 places. Where every amount of a sheet's
column fits, the column is numbers; where one does not, the whole column is text, digit by digit: a sum over it is
plainly zero instead of silently wrong. Means and ratios are rounded to 15 digits. Text is never taken for a formula or
a link.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import date
from decimal import Context, Decimal
from itertools import groupby, islice
from typing import IO, Any

from django.utils import timezone

from bots.domain.profit import Purse
from bots.domain.reports.report import COLUMNS, Report, Row, written

AMOUNTS = {"profit_abs", "drawdown_abs", "cumulative"}  # sums: exact, or not a number
FORMATS = {
    "money": {"num_format": "#,##0.00################"},
    "ratio": {"num_format": "0.00%"},
    "factor": {"num_format": "0.00"},
    "whole": {"num_format": "#,##0"},
    "day": {"num_format": "yyyy-mm-dd", "align": "left"},
    "exact": {"num_format": "@", "align": "right"},
    "heading": {"bold": True, "bottom": 1},
    "bold": {"bold": True},
}
LOOKS = {
    "win_rate": "ratio",
    "profit_ratio": "ratio",
    "profit_factor": "factor",
    "sharpe": "factor",
    "sortino": "factor",
}
MONEY = {*AMOUNTS, "expectancy"}
WIDTHS = {"group": 22, "name": 26, "currency": 10, "mode": 6}
MOST_ROWS = 1_048_575  # of a sheet, below its heading
MOST_SHEETS = 50  # each is an open file while the book is written; the purses beyond share the last
PIECE = 1 << 16
DIGITS = Context(prec=15)
NOTES = (
    "The sheets that follow hold the rows, one currency and mode each; unlike currencies are never added.",
    "Money is exact: a column of amounts in which one has more than the 15 digits a spreadsheet keeps is text.",
    "Means and ratios are rounded to 15 digits. An empty cell is not known or not defined, never zero.",
    "Held is in seconds. How each figure is computed stands in the portal's docs/reports.md.",
)


def workbook(report: Report) -> Iterator[bytes]:
    """The file in pieces. It is written at once, on disk and not in memory; whoever stops reading leaves nothing."""
    with ExitStack() as until_read:
        whole = until_read.enter_context(tempfile.TemporaryFile())
        with tempfile.TemporaryDirectory(prefix="report-") as folder:
            Book(whole, folder).write(report)
        return pieces_of(whole, until_read.pop_all())


def pieces_of(whole: IO[bytes], until_read: ExitStack) -> Iterator[bytes]:
    with until_read:
        whole.seek(0)
        while piece := whole.read(PIECE):
            yield piece


class Book:
    def __init__(self, into: IO[bytes], folder: str) -> None:
        import xlsxwriter  # takes long to load, and few reports are workbooks

        # Row after row goes to disk; text is always told to be text.
        self.book = xlsxwriter.Workbook(into, {"constant_memory": True, "tmpdir": folder})
        self.formats = {name: self.book.add_format(look) for name, look in FORMATS.items()}
        self.names: set[str] = set()

    def write(self, report: Report) -> None:
        with self.book:
            self.about(report)
            for purses, rows in in_sheets(report.rows):
                self.table(self.sheet(purses), list(rows), report.query.group_by == "day")

    def sheet(self, name: str) -> Any:
        """With a name no other has: sheets' names have at most 31 letters, and not all of them."""
        allowed = plain("".join("_" if letter in "[]:*?/\\'" or letter < " " else letter for letter in name))[:26]
        tried, number = allowed, 1
        while tried.lower() in self.names:
            number += 1
            tried = f"{allowed} {number}"
        self.names.add(tried.lower())
        return self.book.add_worksheet(tried)

    def about(self, report: Report) -> None:
        """What was asked, how whole and how old the answer is, and the totals."""
        sheet = self.sheet("Report")
        sheet.set_column(0, len(COLUMNS), 16)
        place = 0
        for place, (name, value) in enumerate(facts_of(report)):
            sheet.write_string(place, 0, name, self.formats["bold"])
            sheet.write_string(place, 1, plain(value))
        self.rows(sheet, place + 2, report.totals, days=False)

    def table(self, sheet: Any, rows: list[Row], days: bool) -> None:
        for number, name in enumerate(COLUMNS):
            sheet.set_column(number, number, WIDTHS.get(name, 16))
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, len(rows), len(COLUMNS) - 1)
        self.rows(sheet, 0, rows, days)

    def rows(self, sheet: Any, top: int, rows: list[Row], days: bool) -> None:
        texts = too_long(rows)
        for number, name in enumerate(COLUMNS):
            sheet.write_string(top, number, name, self.formats["heading"])
        for below, row in enumerate(rows, start=top + 1):
            for number, (name, value) in enumerate(written(row).items()):
                self.cell(sheet, (below, number), name, value, as_text=(row.purse, name) in texts, days=days)

    def cell(self, sheet: Any, place: tuple[int, int], name: str, value: Any, *, as_text: bool, days: bool) -> None:
        if value is None:
            return
        if as_text:
            sheet.write_string(*place, format(value, "f"), self.formats["exact"])
        elif name == "group" and days and value > "1901":  # the calendar of a spreadsheet begins there
            sheet.write_datetime(*place, date.fromisoformat(value), self.formats["day"])
        elif isinstance(value, str):
            sheet.write_string(*place, plain(value))
        else:
            sheet.write_number(*place, number_of(value), self.formats[look_of(name)])


def plain(text: str) -> str:
    """Without the two signs that no XML may hold, escaped or not."""
    return text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def look_of(name: str) -> str:
    return "money" if name in MONEY else LOOKS.get(name, "whole")


def number_of(value: Decimal | int) -> float | int:
    return value if isinstance(value, int) else float(DIGITS.create_decimal(value))


def in_sheets(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    """(name, rows) of each sheet; the rows lie purse by purse already."""
    order: dict[Purse, int] = {}

    def sheet_of(row: Row) -> int:
        return min(order.setdefault(row.purse, len(order)), MOST_SHEETS - 1)

    for number, found in groupby(rows, key=sheet_of):
        while part := list(islice(found, MOST_ROWS)):
            own = f"{part[0].mode.upper()} {part[0].currency}"
            yield ("Others" if number == MOST_SHEETS - 1 else own), part


def too_long(rows: Iterable[Row]) -> set[tuple[Purse, str]]:
    """Columns of amounts of a purse that no spreadsheet would keep digit by digit."""
    return {
        (row.purse, name)
        for row in rows
        for name in AMOUNTS
        if (value := row.figure(name)) is not None and not keeps(value)
    }


def keeps(value: Decimal) -> bool:
    """Whether a spreadsheet has the same figure: as it is written (16 digits of a double), and in the 15 it keeps."""
    return DIGITS.create_decimal(value) == value == Decimal(f"{float(value):.16G}")


def facts_of(report: Report) -> Iterator[tuple[str, str]]:
    query = report.query
    yield "Profit", f"by {query.group_by.replace('_', ' ')}, closed trades"
    yield "Period", f"{report.first} to {report.last}, days begin in {report.zone}"
    for name in ("bot", "bot_tag", "team", "mode", "currency"):
        if value := getattr(query, name):
            yield f"Only {name.replace('_', ' ')}", value
    yield "Made", f"{timezone.now():%Y-%m-%d %H:%M:%S} UTC"
    age = "none seen yet" if report.oldest_age_seconds is None else f"oldest {report.oldest_age_seconds:.0f} s"
    yield "Bots", f"{report.fresh} of {report.bots} fresh, {age}"
    for slug in report.not_whole:
        yield "Not whole", slug
    for note in NOTES:
        yield "Note", note
