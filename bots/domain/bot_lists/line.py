"""One bot of a list, whichever way it was written."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field

from bots.models import Bot

MOST_BYTES = 1024 * 1024
MOST_LINES = 2000
OWN = ("name", "system", "tags", "enabled", "poll_plan")
YES, NO = {"", "yes", "true", "on", "1"}, {"no", "false", "off", "0"}

Cell = str | list[str] | dict[str, str]
Errors = dict[str, list[str]]


class Unreadable(ValueError):
    """The list as a whole cannot be understood; the sentence says where, and quotes nothing."""


@dataclass(frozen=True)
class Facts:
    """A bot as a list tells it. `connection`: the fields of its system, secrets in clear among them."""

    name: str = ""
    system: str = ""
    tags: tuple[str, ...] = ()
    enabled: bool = True
    poll_plan: Mapping[str, float] = field(default_factory=dict)  # seconds by kind of reading
    connection: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Line:
    """`number`: where it begins in the text, from 1. With `errors` it was not understood, and `facts` are not whole."""

    number: int
    facts: Facts
    errors: Errors = field(default_factory=dict)


def system_keys() -> list[str]:
    return [key for key, _ in Bot._meta.get_field("system").flatchoices]


def line_of(number: int, cells: Mapping[str, Cell]) -> Line:
    """From what stands beside each name. A field of the connection may stand by itself or below `connection`."""
    errors: Errors = {}
    inner = cells.get("connection", {})
    flat = {name: cell for name, cell in cells.items() if name not in (*OWN, "connection")}
    together = {**flat, **(inner if isinstance(inner, dict) else {"connection": inner})}
    connection = {name: cell for name, cell in together.items() if cell != ""}
    for name, cell in connection.items():
        if not isinstance(cell, str):
            errors[name] = ["One text, not a list"]
    facts = Facts(
        name=one_text(cells, "name", errors),
        system=one_text(cells, "system", errors).strip().lower() or system_keys()[0],
        tags=tags_of(cells.get("tags", ""), errors),
        enabled=enabled_of(one_text(cells, "enabled", errors), errors),
        poll_plan=plan_of(cells.get("poll_plan", ""), errors),
        connection={name: cell for name, cell in connection.items() if isinstance(cell, str)},
    )
    return Line(number, facts, errors)


def one_text(cells: Mapping[str, Cell], name: str, errors: Errors) -> str:
    cell = cells.get(name, "")
    if isinstance(cell, str):
        return cell
    errors[name] = ["One text, not a list"]
    return ""


def tags_of(cell: Cell, errors: Errors) -> tuple[str, ...]:
    """A list, or words between commas; a word with a comma in it stands in quotation marks."""
    if isinstance(cell, dict):
        errors["tags"] = ["Tags are a list of words"]
        return ()
    if isinstance(cell, list):
        return tuple(cell)
    try:
        rows = list(csv.reader(io.StringIO(cell), skipinitialspace=True, strict=True))
    except csv.Error:
        errors["tags"] = ["Words between commas; a quotation mark stands alone"]
        return ()
    return tuple(tag for row in rows for tag in row)


def joined_tags(tags: list[str]) -> str:
    """As tags_of reads them."""
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow(tags)
    return row.getvalue()


def enabled_of(text: str, errors: Errors) -> bool:
    word = text.strip().lower()
    if word not in YES | NO:
        errors["enabled"] = ["yes, or no for a bot that is not to be asked yet"]
    return word not in NO


def plan_of(cell: Cell, errors: Errors) -> dict[str, float]:
    """{"balance": "300"}, or the words "balance=300 logs=600"."""
    pairs = list(cell.items()) if isinstance(cell, dict) else [word.partition("=")[::2] for word in words_of(cell)]
    try:
        return {kind: float(seconds) for kind, seconds in pairs}
    except ValueError:
        errors["poll_plan"] = ["Seconds by kind of reading, as in: balance=300 logs=600"]
        return {}


def words_of(cell: str | list[str]) -> list[str]:
    return cell.split() if isinstance(cell, str) else cell


def joined_plan(plan: Mapping[str, float]) -> str:
    """As plan_of reads it."""
    return " ".join(f"{kind}={seconds:.10g}" for kind, seconds in plan.items())
