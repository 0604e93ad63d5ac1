"""What a spreadsheet finds in a workbook: read from its XML, by none of the code that wrote it."""

import io
import re
import zipfile
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read(content: bytes) -> dict[str, list[list[str | float | None]]]:
    """Sheet -> rows of texts and numbers; None is an empty cell, an empty row is left out."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert book.testzip() is None
        names = [sheet.get("name") for sheet in parsed(book, "xl/workbook.xml").iter(f"{MAIN}sheet")]
        shared = ["".join(text.itertext()) for text in shared_strings(book)]
        return {
            str(name): [
                cells_of(row, shared) for row in parsed(book, f"xl/worksheets/sheet{number}.xml").iter(f"{MAIN}row")
            ]
            for number, name in enumerate(names, start=1)
        }


def parsed(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(book.read(name))


def shared_strings(book: zipfile.ZipFile) -> list[ElementTree.Element]:
    return list(parsed(book, "xl/sharedStrings.xml")) if "xl/sharedStrings.xml" in book.namelist() else []


def cells_of(row: ElementTree.Element, shared: list[str]) -> list[str | float | None]:
    cells: list[str | float | None] = []
    for cell in row:
        cells += [None] * (column_of(str(cell.get("r"))) - len(cells))
        cells.append(value_of(cell, shared))
    return cells


def column_of(place: str) -> int:
    number = 0
    for letter in re.sub("[0-9]", "", place):
        number = number * 26 + ord(letter) - 64
    return number - 1


def value_of(cell: ElementTree.Element, shared: list[str]) -> str | float | None:
    assert cell.find(f"{MAIN}f") is None, "a formula"
    if cell.get("t") == "inlineStr":
        return "".join(cell.find(f"{MAIN}is").itertext())
    value = cell.findtext(f"{MAIN}v")
    if cell.get("t") == "s":
        return shared[int(value)]
    return None if value is None else float(value)
