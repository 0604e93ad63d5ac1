"""Settings as bots report them, compared: 5, 5.0 and "5.0" are one value, and so is a list in another order.

Releases differ in how they write the same number, floats come with noise in their last digits, and sets are written in
whatever order they have that day: none of it is a change.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

Settings = dict[str, Any]  # dotted name -> JSON scalar or list, as the bot wrote it
SIGNIFICANT = 12  # digits; a double holds 15, and sums spoil the last
TRAILING_ZEROS = re.compile(r"(-?\d+)\.0+")


def same(one: object, other: object) -> bool:
    return spelled(one) == spelled(other)


def spelled(value: object) -> str:
    """One text for all spellings of a value. A version "2024.10" stays apart from "2024.1"."""
    return json.dumps(canonical(value), sort_keys=True)


def canonical(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return whole_or_not(f"{value:.{SIGNIFICANT}g}" if isinstance(value, float) else str(value))
    if isinstance(value, str):
        return whole_or_not(value)
    if isinstance(value, Mapping):
        return {str(name): canonical(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return sorted(map(canonical, value), key=lambda inner: json.dumps(inner, sort_keys=True))
    return str(value)


def whole_or_not(text: str) -> str:
    """ "100.0" -> "100"; anything else as it stands."""
    match = TRAILING_ZEROS.fullmatch(text)
    return match[1] if match else text


def differences(before: Settings, after: Settings) -> list[dict[str, Any]]:
    """[{"name", "before", "after"}] by name; None on either side: not reported."""
    return [
        {"name": name, "before": before.get(name), "after": after.get(name)}
        for name in sorted(before.keys() | after.keys())
        if not same(before.get(name), after.get(name))
    ]


def came_and_went(before: object, after: object) -> tuple[list[str], list[str]] | None:
    """Of two lists what the second has and the first has not, and the other way round. None: they are not lists."""
    if not isinstance(before, list) or not isinstance(after, list):
        return None
    had, has = {written(item) for item in before}, {written(item) for item in after}
    return sorted(has - had), sorted(had - has)


def written(value: object) -> str:
    """As a person reads it: text bare, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(written(item) for item in value)
    return json.dumps(value, ensure_ascii=False)
