"""Lists of bots as people write them, CSV or YAML: bytes to lines and back. What a line means is importing's business.

A bot has `name system tags enabled poll_plan` and the fields its system declares. Nothing here quotes a value in a
refusal: secrets stand in these lists, and not always in their own column.
"""

from accounts.models import Team
from bots.domain.bot_lists.csv_text import csv_lines, csv_text
from bots.domain.bot_lists.line import MOST_BYTES, MOST_LINES, Facts, Line, Unreadable
from bots.domain.bot_lists.yaml_text import yaml_lines, yaml_text
from bots.models import Bot

__all__ = ["FORMATS", "MOST_BYTES", "MOST_LINES", "Facts", "Line", "Unreadable", "read_list", "written_list"]

WRITERS = {"csv": csv_text, "yaml": yaml_text}
FORMATS = tuple(WRITERS)


def written_list(team: Team, form: str) -> str:
    """The team's bots, retired ones left out, as read_list reads them: without secrets. `form`: one of FORMATS."""
    return WRITERS[form](list(Bot.objects.active().filter(team=team).order_by("name", "pk")))


def read_list(body: bytes, filename: str = "") -> list[Line]:
    """`filename`: its ending decides the format; without one, the first line does. Raises Unreadable."""
    if len(body) > MOST_BYTES:
        raise Unreadable(f"A list may have at most {MOST_BYTES // 1024} kB")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("The list is not UTF-8 text") from None
    if not text.strip():
        raise Unreadable("The list is empty")
    lines = yaml_lines(text) if is_yaml(text, filename) else csv_lines(text)
    if not lines:
        raise Unreadable("The list names no bot")
    return lines


def is_yaml(text: str, filename: str) -> bool:
    ending = filename.lower().rpartition(".")[2]
    if ending in ("yaml", "yml", "csv"):
        return ending != "csv"
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    return first.startswith(("-", "bots:", "[", "{", "%"))
