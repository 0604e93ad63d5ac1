"""YAML: a list of bots, or a list below `bots:`, each a mapping.

Only the parser's events are read and no object is built: a password 0123 or yes stays the text it is, every bot knows
its line, and aliases (a few bytes that unfold into gigabytes), tags and depth are refused.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from bots.domain.bot_lists.line import MOST_LINES, Cell, Facts, Line, Unreadable, line_of
from bots.models import Bot

DEEPEST = 6  # bots: - bot: connection: - text
NOTHING = {"", "~", "null", "Null", "NULL"}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
SHAPE = "A YAML list is a list of bots, each with name: and url: and the like"


def yaml_lines(text: str) -> list[Line]:
    """Raises Unreadable."""
    try:
        return lines_from(plain_events(text))
    except yaml.MarkedYAMLError as error:
        # Its own words would quote the text around the place.
        mark = error.problem_mark or error.context_mark
        place = f"Line {mark.line + 1}" if mark else "The list"
        raise Unreadable(f"{place} cannot be read as YAML") from None
    except yaml.YAMLError:
        raise Unreadable("The list cannot be read as YAML") from None


def plain_events(text: str) -> Iterator[Any]:
    """Raises Unreadable for what a list of bots has no use for."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=LOADER):
        line = line_of_event(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise Unreadable(f"Line {line}: anchors, aliases and tags are not read here")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if depth > DEEPEST or documents > 1:
            raise Unreadable(f"Line {line}: {SHAPE}")
        if isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            yield event


def line_of_event(event: Any) -> int:
    return int(event.start_mark.line) + 1


def lines_from(events: Iterator[Any]) -> list[Line]:
    opening = next(events, None)
    if isinstance(opening, yaml.MappingStartEvent):
        key, opening = next(events), next(events, None)
        if not isinstance(key, yaml.ScalarEvent) or key.value != "bots":
            raise Unreadable(f"Line {line_of_event(key)}: {SHAPE}")
    if not isinstance(opening, yaml.SequenceStartEvent):
        raise Unreadable(f"Line 1: {SHAPE}")
    lines: list[Line] = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        if len(lines) == MOST_LINES:
            raise Unreadable(f"A list may have at most {MOST_LINES} bots")
        lines.append(bot_from(event, events))
    if any(not isinstance(rest, yaml.CollectionEndEvent) for rest in events):
        raise Unreadable(f"Beside the bots stands something else. {SHAPE}")
    return lines


def bot_from(event: Any, events: Iterator[Any]) -> Line:
    number = line_of_event(event)
    if not isinstance(event, yaml.MappingStartEvent):
        node_from(event, events)
        return Line(number, Facts(), {"row": ["Not a bot, which is a mapping: name: ..., url: ..."]})
    cells, errors = mapping_from(events)
    read = line_of(number, cells)
    return Line(number, read.facts, {**read.errors, **errors})


def mapping_from(events: Iterator[Any]) -> tuple[dict[str, Cell], dict[str, list[str]]]:
    cells: dict[str, Cell] = {}
    errors: dict[str, list[str]] = {}
    while not isinstance(key := next(events), yaml.MappingEndEvent):
        name = node_from(key, events)
        cell = node_from(next(events), events)
        if not isinstance(name, str):
            errors["row"] = ["A name before the colon must be one word"]
        elif name in cells:
            errors["row"] = ["The same name stands there twice"]
        else:
            cells[name] = cell
    return cells, errors


def node_from(event: Any, events: Iterator[Any]) -> Cell:
    """A text, a list of texts or a mapping of texts. Raises Unreadable for what lies deeper."""
    if isinstance(event, yaml.ScalarEvent):
        return "" if event.implicit[0] and event.value in NOTHING else event.value
    if isinstance(event, yaml.MappingStartEvent):
        inner, errors = mapping_from(events)
        return {} if errors else {name: as_text(cell) for name, cell in inner.items()}
    texts = []
    while not isinstance(inner_event := next(events), yaml.SequenceEndEvent):
        texts.append(as_text(node_from(inner_event, events)))
    return texts


def as_text(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    raise Unreadable(SHAPE)


def yaml_text(bots: Sequence[Bot]) -> str:
    """The bots without their secrets, which stand empty."""
    written = yaml.dump(
        {"bots": [facts_of(bot) for bot in bots]}, Dumper=DUMPER, allow_unicode=True, sort_keys=False, width=10_000
    )
    return str(written)


def facts_of(bot: Bot) -> dict[str, Any]:
    connection = {field.name: "" if field.secret else str(bot.connection.get(field.name, "")) for field in bot.fields}
    own = {"name": bot.name, "system": bot.system, "tags": list(bot.tags), "enabled": bot.enabled}
    return {**own, "poll_plan": dict(bot.poll_plan), "connection": connection}
