"""Answers of recorded bots with something broken in their JSON, as many as are wanted."""

import json
import re
from copy import deepcopy
from functools import cache
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.hard.recorded_bots import RELEASES, RecordedBot, endpoints_of


class Payload(NamedTuple):
    release: str
    endpoint: str
    body: bytes


def bare(literal: str) -> str:
    """A string that `spelled` writes without its quotes: what Python's JSON cannot say."""
    return f"@@{literal}@@"


FIGURES = [0, -1, 1, 1.5, -0.0, 1e-7, 1e19, 1e20, 2**31, 2**63 - 1, 2**63, -(2**63), 10**30, 10**400]
LITERALS = [
    *("NaN", "Infinity", "-Infinity", "-NaN", "1e400", "-1e400", "1e-400", "1e999999", "1e-999999", "1E5", "1e+2"),
    *("-0", "-0.0", "0.0000000000000000001", "99999999999999999999.9", "1." + "3" * 400, "9" * 400, "1e99999999999"),
    *("01", "+1", ".5", "1.", "0x10", "nan", "undefined", "None", "True", "'x'", ""),
]
TEXTS = [
    *("", "1.5", "-2", "NaN", "sNaN", "Infinity", "1e400", "1e999999999999", "٣", "1_000", " 1", "many", "true"),
    *("\0", "a\nb\tc\r", "\x1b[2J", "\ud800", "\udc00\ud83d", "\u202eevil", "\u2028", "\ufeff", "😀" * 300),
    *("<script>alert(1)</script>", "'; DROP TABLE bots_trade; --", "{{ 7*7 }}", "../../etc/passwd", "x" * 5000),
]
SHAPES: list[Any] = [None, True, False, [], {}, [[]], [None], {"": None}, [{}], {"a": {"b": 1}}, [1, "2", None]]
NESTS = [5, 40, 100]  # the hypothesis machinery itself recurses; deeper ones are in the fixed list


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def values() -> st.SearchStrategy[Any]:
    return st.one_of(
        st.sampled_from(FIGURES),
        st.sampled_from(LITERALS).map(bare),
        st.sampled_from(TEXTS),
        st.sampled_from(SHAPES).map(deepcopy),
        st.floats(allow_nan=True, allow_infinity=True),
        st.integers(-(2**70), 2**70),
        st.text(max_size=20),
        st.sampled_from(NESTS).map(nested),
    )


@cache
def short(release: str, endpoint: str) -> str:
    """The recorded answer with its lists cut to a few entries: mutations shall hit every field, not every line."""
    document = json.loads(RecordedBot(release).recorded(endpoint))
    return json.dumps(cut(document))


def cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: cut(inner) for key, inner in value.items()}
    return [cut(inner) for inner in value[:5]] if isinstance(value, list) else value


def places(document: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything in the document."""
    found, waiting = [], [document]
    while waiting:
        value = waiting.pop()
        keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        found += [(value, key) for key in keys]
        waiting += [value[key] for key in keys]
    return found


def mutate(draw: Any, document: dict[str, Any]) -> None:
    found = places(document)
    if not found:
        return
    container, key = found[draw(st.integers(0, 2**31)) % len(found)]
    act = draw(st.sampled_from(["replace"] * 5 + ["remove", "add", "swap", "wrap", "repeat", "negate"]))
    if act == "remove":
        del container[key]
    elif act == "add" and isinstance(container, dict):
        container[draw(st.sampled_from(TEXTS)) or "extra"] = draw(values())
    elif act == "swap":
        other, place = draw(st.sampled_from(found))
        container[key] = json.loads(json.dumps(other[place])) if place in range_or_keys(other) else None
    elif act == "wrap":
        container[key] = [container[key]] if draw(st.booleans()) else {"value": container[key]}
    elif act == "repeat" and isinstance(container, list):
        container.extend([container[key]] * draw(st.integers(1, 30)))
    elif act == "negate" and isinstance(container[key], int | float):
        container[key] = -container[key]
    else:
        container[key] = draw(values())


def range_or_keys(container: Any) -> Any:
    return container if isinstance(container, dict) else range(len(container))


def spelled(document: Any) -> bytes:
    return re.sub(r'"@@(.*?)@@"', r"\1", json.dumps(document)).encode()


def damaged(draw: Any, body: bytes) -> bytes:
    """Bytes lost, doubled, changed or put in front."""
    at = draw(st.integers(0, len(body)))
    act = draw(st.sampled_from(["cut", "drop", "insert", "twice", "bom", "utf-16", "bytes"]))
    some = draw(st.binary(min_size=1, max_size=6))
    return {
        "cut": body[:at],
        "drop": body[:at] + body[at + len(some) :],
        "insert": body[:at] + some + body[at:],
        "twice": body + body,
        "bom": b"\xef\xbb\xbf" + body,
        "utf-16": body.decode().encode("utf-16"),
        "bytes": some * draw(st.integers(1, 50)),
    }[act]


@st.composite
def payloads(draw: Any) -> Payload:
    release = draw(st.sampled_from(RELEASES))
    endpoint = draw(st.sampled_from(endpoints_of(release)))
    document = json.loads(short(release, endpoint))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 4]))):
        mutate(draw, document)
    how = draw(st.integers(0, 19))
    body = spelled(draw(values()) if how == 0 else document)
    if how in (1, 2):
        body = damaged(draw, body)
    return Payload(release, endpoint, body)
