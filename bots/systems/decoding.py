"""A bot's answer is hostile input: typed decoding, usable figures, harmless strings."""

import re
import unicodedata
from decimal import Context, Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

from bots.systems.contract import Missing
from bots.systems.errors import BadAnswer

T = TypeVar("T")

SMALLEST = Decimal("1e-18")  # what the tables hold: without finer digits a stored figure equals a read one
_SCALE = Context(prec=38, traps=[])  # 18 decimals and 20 digits before them: all that is smaller than 1e20
_ZERO = Decimal(0)
_ORDINARY = Decimal(10**38 - 1).__sizeof__()  # memory of 38 digits; a row of a million zeros is not kept

# Decoding runs on the loop all bots share, and a small answer can unfold into much: ten MiB of {}, are a gigabyte of
# orders. 500 trades, the largest page asked for, have some 65 000 values and 2 000 objects; with 40 orders each 22 000.
SMALL = 64 * 1024  # bytes; too few to count what is in them
MOST_VALUES = 500_000
MOST_NESTS = 25_000  # objects and lists
REPAIRABLE = 512 * 1024  # bytes; repairing costs a quarter of a second a MiB at worst
MOST_REASONS = 100
NAME_LENGTH = 500
PROSE_LENGTH = 4000


def decode(body: bytes, decoder: "msgspec.json.Decoder[T]", endpoint: str) -> T:
    """Raises BadAnswer, naming the endpoint and the field, never a value.

    What Python's JSON writers let through is repaired and the rest stands: a bare NaN or Infinity reads as the figure
    "NaN", which `Figures` turns into a missing one (or as null where no figure is expected).
    """
    if len(body) > SMALL and (body.count(b",") > MOST_VALUES or body.count(b"{") + body.count(b"[") > MOST_NESTS):
        raise BadAnswer(f"{endpoint} answered with more values than any bot has", endpoint=endpoint)
    try:
        return decoder.decode(body)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _bad(error, endpoint) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if len(body) > REPAIRABLE:
            raise _bad(error, endpoint) from None
    try:
        return decoder.decode(_repaired(body, '"{}"'))
    except (msgspec.ValidationError, RecursionError):
        pass  # a NaN where no figure belongs
    except msgspec.DecodeError as error:
        raise _bad(error, endpoint) from None
    try:
        return decoder.decode(_repaired(body, "null"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise _bad(error, endpoint) from None


def _bad(error: Exception, endpoint: str) -> BadAnswer:
    if isinstance(error, msgspec.ValidationError):
        return BadAnswer(f"{endpoint} answered in an unexpected shape: {error}", endpoint=endpoint)
    if isinstance(error, RecursionError):
        return BadAnswer(f"{endpoint} answered with JSON nested too deeply", endpoint=endpoint)
    return BadAnswer(f"{endpoint} answered with something that is no JSON", endpoint=endpoint)


# A string, ended or not (so that the scan is linear), or one of the tokens JSON does not have. Before 3.11.5 Python
# keeps what a round of a possessive repeat took that then failed: here the last backslash, which ends it either way.
_STRING_OR_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|-?\b(?:NaN|Infinity)\b', re.DOTALL)
_LONE_SURROGATE = re.compile(
    r"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\[^u])|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_RAW_CONTROL = re.compile(r"[\x00-\x1f]")
_ESCAPED_CONTROL = {sign: f"\\u{sign:04x}" for sign in range(32)}


def _repaired(body: bytes, token_as: str) -> str:
    def mend(match: re.Match[str]) -> str:
        found = match[0]
        if found[0] != '"':
            return token_as.format(found)
        if "\\u" in found:
            found = _LONE_SURROGATE.sub(lambda pair: pair[1] or "\\ufffd", found)
        return found.translate(_ESCAPED_CONTROL) if _RAW_CONTROL.search(found) else found

    return _STRING_OR_TOKEN.sub(mend, body.decode("utf-8-sig", "replace"))


class Figures:
    """Takes figures out of an answer and remembers why one could not be used."""

    __slots__ = ("_missing",)

    def __init__(self) -> None:
        self._missing: list[Missing] = []

    @property
    def missing(self) -> tuple[Missing, ...]:
        return tuple(self._missing)

    def miss(self, figure: str, reason: str) -> None:
        if len(self._missing) < MOST_REASONS:
            self._missing.append(Missing(figure, reason))

    def take(self, figure: str, value: Decimal | None, *, if_null: str = "") -> Decimal | None:
        """The figure: finite, below 1e20, at most 18 decimals. `if_null`: the reason to note when the bot gave null."""
        if value is None:
            if if_null:
                self.miss(figure, if_null)
            return None
        taken = usable(value)
        if taken is None:
            self.miss(figure, _why_not(value))
        return taken


def usable(value: Decimal | None) -> Decimal | None:
    """A figure whose absence needs no reason; None when it cannot be used."""
    if value is None:
        return None
    try:
        if value.__sizeof__() <= _ORDINARY and -19 < value.adjusted() < 20 and not value % SMALLEST:
            return value or _ZERO  # nearly always: as the bot spelled it, but never -0.0
    except InvalidOperation:  # NaN, infinite, or more digits than the context of this thread divides
        pass
    return _rounded(value)


def _rounded(value: Decimal) -> Decimal | None:
    rounded = value.quantize(SMALLEST, None, _SCALE)
    if rounded.is_nan():  # it was none, was infinite, or is too large
        return None
    if rounded == value and value.__sizeof__() <= _ORDINARY:
        return value or _ZERO
    return rounded.normalize(_SCALE)


def ratio_of(percent: Decimal) -> Decimal:
    """What is no number stays what it is, for `Figures.take` to tell: a signalling NaN raises where it is divided."""
    return percent / 100 if percent.is_finite() else percent


def _why_not(value: Decimal) -> str:
    if value.is_nan():
        return "the bot sent NaN"
    if value.is_infinite():
        return "the bot sent Infinity"
    return "the bot sent a figure too large to be one"


_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def name(value: str | None, limit: int = NAME_LENGTH) -> str:
    """A name, tag or reason on one line; what would break a table, a log line or a database is replaced."""
    if value is None:
        return ""
    if len(value) <= limit and value.isprintable():
        return value
    return "".join(map(_harmless, _cut(value, limit)))


def tag(value: str | None) -> str | None:
    """As `name`; None stays None, and an empty text says as little."""
    return name(value) or None


def prose(value: str, limit: int = PROSE_LENGTH) -> str:
    """A log line or a sentence: may have line breaks and tabs."""
    if len(value) <= limit and value.isprintable():
        return value
    return "".join(sign if sign in "\n\t" else _harmless(sign) for sign in _cut(value, limit))


def _cut(value: str, limit: int) -> str:
    return value if len(value) <= limit else value[: limit - 1] + "…"


def _harmless(sign: str) -> str:
    if sign in _BIDI or unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp"):
        return "\ufffd"
    return sign


def loose(body: bytes) -> Any:
    """JSON of unknown shape, for looking into a refusal; None when it is no JSON at all, or too much of it."""
    if len(body) > SMALL:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
