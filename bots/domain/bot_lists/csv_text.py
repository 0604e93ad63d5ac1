"""CSV, as spreadsheets write it: a heading, one bot a row; comma, semicolon or tab between the cells.

A cell of an open field that a spreadsheet would take for a formula is written with an apostrophe before it, which is
taken off again at reading. Secrets are never written, and read exactly as they stand.
"""

import csv
import io
from collections.abc import Iterator, Sequence

from bots.domain.bot_lists.line import (
    MOST_LINES,
    OWN,
    Facts,
    Line,
    Unreadable,
    joined_plan,
    joined_tags,
    line_of,
    system_keys,
)
from bots.models import Bot
from bots.systems.contract import Field

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
APOSTROPHE = "'"
SEPARATORS = ",;\t"


def csv_lines(text: str) -> list[Line]:
    """Raises Unreadable."""
    rows = rows_of(text)
    number, heading = next(rows, (1, []))
    columns = columns_of(heading, number)
    secrets = {field.name for field in declared_fields() if field.secret}
    lines: list[Line] = []
    for number, cells in rows:
        if len(lines) == MOST_LINES:
            raise Unreadable(f"A list may have at most {MOST_LINES} bots")
        lines.append(line_under(columns, number, cells, secrets))
    return lines


def rows_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line on which it begins, cells) of every row that is not blank. Raises Unreadable."""
    first = next(line for line in text.splitlines() if line.strip())
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(SEPARATORS, key=first.count), strict=True)
    begins = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise Unreadable(f"Line {begins} cannot be read as CSV: look at its quotation marks") from None
        if any(cell.strip() for cell in cells):
            yield begins, cells
        begins = reader.line_num + 1


def columns_of(heading: Sequence[str], number: int) -> list[str]:
    """Raises Unreadable. The heading is not quoted: it may be missing, and a bot's password stand there."""
    columns = [cell.strip().lower() for cell in heading]
    known = [*OWN, *dict.fromkeys(field.name for field in declared_fields())]
    strange = [place for place, column in enumerate(columns, 1) if column not in known]
    if strange:
        place = ", ".join(map(str, strange[:20]))
        raise Unreadable(f"Line {number} must name the columns; unknown: number {place}. Known: {', '.join(known)}")
    if len(set(columns)) < len(columns):
        raise Unreadable(f"Line {number} names a column twice")
    return columns


def line_under(columns: Sequence[str], number: int, cells: Sequence[str], secrets: set[str]) -> Line:
    """A column that only another system has may be empty. A row of another length has its cells in wrong places."""
    filled = [*cells, *[""] * (len(columns) - len(cells))]
    if len(filled) > len(columns):
        sentence = f"{len(cells)} cells below {len(columns)} headings: a text with a separator needs quotation marks"
        return Line(number, Facts(), {"row": [sentence]})
    named = {
        column: cell if column in secrets else without_apostrophe(cell)
        for column, cell in zip(columns, filled, strict=True)
    }
    return line_of(number, named)


def declared_fields() -> list[Field]:
    return [field for key in system_keys() for field in Bot(system=key).fields]


def csv_text(bots: Sequence[Bot]) -> str:
    """The bots without their secrets, whose columns stand empty."""
    fields = list({field.name: field for field in declared_fields()}.values())
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*OWN, *[field.name for field in fields]])
    for bot in bots:
        own = [bot.name, bot.system, joined_tags(bot.tags), "yes" if bot.enabled else "no", joined_plan(bot.poll_plan)]
        open_fields = ["" if field.secret else str(bot.connection.get(field.name, "")) for field in fields]
        writer.writerow([with_apostrophe(cell) for cell in [*own, *open_fields]])
    return out.getvalue()


def with_apostrophe(cell: str) -> str:
    """Also before an apostrophe, so that reading takes off only what writing put there."""
    return APOSTROPHE + cell if cell.startswith((*FORMULA, APOSTROPHE)) else cell


def without_apostrophe(cell: str) -> str:
    return cell[1:] if cell.startswith(APOSTROPHE) and cell[1:].startswith((*FORMULA, APOSTROPHE)) else cell
