"""Rows of the audit as a file: CSV for a spreadsheet, JSON lines for a program.

Read page after page, so that the size of the audit does not matter. The last line says that the file is whole, how many
rows it holds and what was asked for: a file without it was cut off.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from bots.domain.audit.chain import COLUMNS
from bots.models import AuditEntry

PAGE = 2000
# A cell that begins so would be a formula in a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Row = Mapping[str, Any]


def pages_of(entries: QuerySet[AuditEntry]) -> Iterator[list[Row]]:
    """Newest first, from the newest row of this moment on."""
    below = None
    while True:
        wanted = entries if below is None else entries.filter(id__lt=below)
        page = list(wanted.order_by("-id").values(*COLUMNS)[:PAGE])
        yield page
        if len(page) < PAGE:
            return
        below = page[-1]["id"]


def json_lines(entries: QuerySet[AuditEntry], asked: Mapping[str, str], reader: str) -> Iterator[str]:
    """{"export": ...}, then a row a line, then {"end": ...}; each piece is a page of lines."""
    yield line_of({"export": about(asked, reader)})
    count = 0
    for page in pages_of(entries):
        count += len(page)
        yield "".join(line_of({**row, "at": written(row["at"])}) for row in page)
    yield line_of({"end": {"rows": count}})


def csv_text(entries: QuerySet[AuditEntry], asked: Mapping[str, str], reader: str) -> Iterator[str]:
    """The names of the columns, a row a line, and in the first cell of the last line what the file is."""
    yield csv_lines([COLUMNS])
    count = 0
    for page in pages_of(entries):
        count += len(page)
        yield csv_lines([[cell(row[name]) for name in COLUMNS] for row in page])
    end = f"end: {count} rows; {json.dumps(about(asked, reader), ensure_ascii=False)}"
    yield csv_lines([[end, *[""] * (len(COLUMNS) - 1)]])


def about(asked: Mapping[str, str], reader: str) -> dict[str, object]:
    """`asked`: the filter, {} for none. What the reader may not see is in no export."""
    scope = "rows this person may read"
    return {"of": scope, "by": reader, "at": written(timezone.now()), "filter": dict(asked), "order": "newest first"}


def written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def line_of(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def csv_lines(rows: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def cell(value: object) -> object:
    if isinstance(value, datetime):
        return written(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return "" if value is None else value
